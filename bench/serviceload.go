package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A generator puts a service under load. The service bounds what one client may
// ask, by its address; so requests come from many addresses of the loopback
// network, which Linux has without being told.
type generator struct {
	base string
	load time.Duration // on each address

	mu      sync.Mutex
	clients map[int]*http.Client
	turn    int
}

// generatorAddresses is how many that are. At 50 requests per second for each
// that is more than can be served here.
const generatorAddresses = 200

// client returns the client with the ith address.
func (g *generator) client(i int) *http.Client {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.clients == nil {
		g.clients = map[int]*http.Client{}
	}
	if g.clients[i] == nil {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/250), byte(1+i%250))}}
		g.clients[i] = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: serviceClients}}
	}
	return g.clients[i]
}

func (g *generator) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.clients {
		c.CloseIdleConnections()
	}
}

// next returns the address whose turn it is.
func (g *generator) next() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn = (g.turn + 1) % generatorAddresses
	return g.turn
}

// get asks for an address and reads the answer.
func (g *generator) get(ctx context.Context, client int, path string) error {
	return g.do(ctx, client, http.MethodGet, path)
}

func (g *generator) do(ctx context.Context, client int, method, path string) error {
	req, err := http.NewRequestWithContext(ctx, method, g.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := g.client(client).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return nil
}

// await asks until there is an answer.
func (g *generator) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, serviceReady)
	defer cancel()
	for {
		err := g.get(ctx, 0, path)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Millisecond):
		}
	}
}

// press asks for one address as fast as it goes.
func (g *generator) press(ctx context.Context, path string) (loadResult, error) {
	if err := g.get(ctx, g.next(), path); err != nil { // once, so that a wrong address shows
		return loadResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.load)
	defer cancel()
	var group sync.WaitGroup
	took, failed := make([][]time.Duration, serviceClients), make([]int, serviceClients)
	began := time.Now()
	for w := range serviceClients {
		group.Go(func() {
			for ctx.Err() == nil {
				at := time.Now()
				switch err := g.get(ctx, g.next(), path); {
				case ctx.Err() != nil: // the time is up
				case err != nil:
					failed[w]++
				default:
					took[w] = append(took[w], time.Since(at))
				}
			}
		})
	}
	group.Wait()
	spent := time.Since(began)
	all := slices.Concat(took...)
	slices.Sort(all)
	r := loadResult{PerSecond: float64(len(all)) / spent.Seconds()}
	for _, n := range failed {
		r.Failed += n
	}
	if len(all) > 0 {
		r.Median, r.Slow = all[len(all)/2], all[len(all)*99/100]
	}
	return r, nil
}

// backUp has one database after the other backed up until ctx ends, and returns
// how many were. Of several workers each takes its own share.
func (g *generator) backUp(ctx context.Context, worker, databases, workers int) (made int) {
	for i := worker; ctx.Err() == nil; i += workers {
		path := "/api/backup/create?database=" + serviceName(i%databases)
		if err := g.do(ctx, g.next(), http.MethodPost, path); err == nil {
			made++
			continue
		}
		select { // it is busy: there are fewer databases than workers
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return made
}
