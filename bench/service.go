package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/litekeep/litekeep"
)

// The service's part serves small databases, each with a month of backups: what
// is measured is the service, not the backups.
const (
	serviceBackups = 30     // of each database
	serviceSource  = 200e3  // bytes of each database
	serviceClients = 8      // at once
	serviceLooks   = 20     // at the overview, by one person
	serviceReady   = 60e9   // nanoseconds that a start may take
	serviceShape   = "text" // of the databases
)

// serviceAddresses are what is asked for.
var serviceAddresses = []struct{ name, path string }{
	{"API: all databases", "/api/databases"},
	{"API: one database", "/api/databases/db000"},
	{"API: its backups", "/api/backup/list?database=db000"},
	{"API: statistics of all", "/api/backup/stats"},
	{"page: overview", "/"},
	{"page: database", "/databases/db000"},
	{"metrics", "/metrics"},
}

// loadResult is how one address fared under load.
type loadResult struct {
	Databases int           `json:"databases"`
	Backups   bool          `json:"while_backups_run"`
	Name      string        `json:"name"`
	PerSecond float64       `json:"requests_per_second"`
	Median    time.Duration `json:"p50"`
	Slow      time.Duration `json:"p99"`
	Failed    int           `json:"failed"`
}

// serviceResult is how a service with so many databases fared.
type serviceResult struct {
	Databases int           `json:"databases"`
	Start     time.Duration `json:"start"`      // until it answered
	FirstPage time.Duration `json:"first_page"` // the overview, when nothing was read before
	Page      time.Duration `json:"page"`       // the overview, one request after the other, median
	Idle      int64         `json:"rss_idle"`   // bytes of resident memory
	Loaded    int64         `json:"rss_loaded"`
	BackingUp int64         `json:"rss_backing_up"` // under load, while backups run
	Made      int           `json:"backups_made"`   // meanwhile
	Loads     []loadResult  `json:"loads"`
}

// servicePart measures the service with more and more databases.
func (b *bench) servicePart(ctx context.Context) error {
	root := filepath.Join(b.dir, fmt.Sprintf("service-v%d", generation))
	for _, n := range b.databases {
		if err := b.serviceDatabases(ctx, root, n); err != nil {
			return err
		}
		r, err := b.serve(ctx, root, n)
		if err != nil {
			return fmt.Errorf("service with %d databases: %w", n, err)
		}
		b.results.Service = append(b.results.Service, *r)
	}
	return nil
}

// serviceDatabases makes what is not there yet of n databases and their backups.
func (b *bench) serviceDatabases(ctx context.Context, root string, n int) error {
	source, err := b.database(ctx, serviceShape, serviceSource)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	today := time.Now().Truncate(time.Hour)
	for i := range n {
		path := filepath.Join(root, serviceName(i)+".db")
		if _, err := os.Stat(path); err == nil {
			continue
		}
		b.note("making the backups of %s", serviceName(i))
		if err := os.WriteFile(path+".part", text, 0o600); err != nil {
			return err
		}
		c := litekeep.DefaultConfig(path + ".part")
		c.Name, c.BackupDirectory, c.NoPrune = serviceName(i), filepath.Join(root, "backups"), true
		for day := serviceBackups; day > 0; day-- {
			at := today.AddDate(0, 0, -day)
			s := litekeep.New(c, litekeep.WithClock(func() time.Time { return at }))
			if _, err := s.CreateBackup(ctx); err != nil {
				return fmt.Errorf("backup %s: %w", path, err)
			}
		}
		if err := os.Rename(path+".part", path); err != nil {
			return err
		}
	}
	return nil
}

func serviceName(i int) string { return fmt.Sprintf("db%03d", i) }

// serve starts a service of the first n databases and puts it under load, at
// rest and while it makes backups.
func (b *bench) serve(ctx context.Context, root string, n int) (*serviceResult, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	state := b.out(fmt.Sprintf("state-%d", n))
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "state: %s\nserver: {listen: '%s'}\nruns: {parallel: 2}\nnotifications: {disk_low: 0}\n", state, address)
	fmt.Fprintf(&yaml, "defaults: {schedule: '0 2 * * *', destinations: [%s], retention: {within: 60d}}\ndatabases:\n", filepath.Join(root, "backups"))
	for i := range n {
		fmt.Fprintf(&yaml, "  - {name: %s, path: %s}\n", serviceName(i), filepath.Join(root, serviceName(i)+".db"))
	}
	file := b.out("litekeep.yaml")
	if err := os.WriteFile(file, []byte(yaml.String()), 0o600); err != nil {
		return nil, err
	}
	var said strings.Builder
	cmd := exec.CommandContext(ctx, b.litekeep, "serve", "--config", file, "--quiet")
	cmd.Env, cmd.Stderr = b.env, &said
	g := &generator{base: "http://" + address, load: b.pressFor}
	defer g.close()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &serviceResult{Databases: n}
	err = g.await(ctx, "/readyz")
	if r.Start = time.Since(began); err == nil {
		err = b.load(ctx, g, cmd.Process.Pid, r)
	}
	end := cmd.Process.Signal(syscall.SIGTERM)
	if waited := cmd.Wait(); err == nil {
		err = errors.Join(end, waited)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said.String())
	}
	return r, nil
}

func (b *bench) load(ctx context.Context, g *generator, pid int, r *serviceResult) error {
	began := time.Now()
	if err := g.get(ctx, 0, "/"); err != nil {
		return err
	}
	r.FirstPage = time.Since(began)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Second): // until it rests
	}
	r.Idle = residentBytes(pid)
	var pages []time.Duration
	for range serviceLooks {
		at := time.Now()
		if err := g.get(ctx, g.next(), "/"); err != nil {
			return err
		}
		pages = append(pages, time.Since(at))
	}
	r.Page = middle(pages, func(d time.Duration) time.Duration { return d })
	if err := b.loadAll(ctx, g, r, false); err != nil {
		return err
	}
	r.Loaded = residentBytes(pid)
	backing, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	made := make([]int, 2)
	for w := range made {
		group.Go(func() { made[w] = g.backUp(backing, w, r.Databases, len(made)) })
	}
	err := b.loadAll(ctx, g, r, true)
	r.BackingUp = residentBytes(pid)
	stop()
	group.Wait()
	r.Made = made[0] + made[1]
	if err == nil && r.Made == 0 {
		err = errors.New("no backup was made under load")
	}
	return err
}

func (b *bench) loadAll(ctx context.Context, g *generator, r *serviceResult, backups bool) error {
	for _, a := range serviceAddresses {
		b.note("service of %d databases, backups %v: %s", r.Databases, backups, a.name)
		l, err := g.press(ctx, a.path)
		if err != nil {
			return fmt.Errorf("%s: %w", a.path, err)
		}
		l.Databases, l.Backups, l.Name = r.Databases, backups, a.name
		r.Loads = append(r.Loads, l)
	}
	return nil
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// residentBytes returns the resident memory of a process, 0 where the system
// does not tell.
func residentBytes(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}

// printService writes the tables of the service.
func (r *results) printService(w io.Writer) {
	if len(r.Service) == 0 {
		return
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
	fmt.Fprintf(w, "\nthe service, %d backups of each database\ndatabases\tstart\tfirst overview\tlater\tRSS idle\tunder load\tand backing up\tbackups made\t\n", serviceBackups)
	for _, s := range r.Service {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", s.Databases, ms(s.Start), ms(s.FirstPage), ms(s.Page), memoryText(s.Idle), memoryText(s.Loaded), memoryText(s.BackingUp), s.Made)
	}
	fmt.Fprintf(w, "\n%d clients at once\ndatabases\tbackups\trequests/s\tp50\tp99\tfailed\t\n", serviceClients)
	for _, s := range r.Service {
		for _, l := range s.Loads {
			during := "-"
			if l.Backups {
				during = "run"
			}
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%s\t%s\t%d\t%s\n", l.Databases, during, l.PerSecond, ms(l.Median), ms(l.Slow), l.Failed, l.Name)
		}
	}
}
