package cloud

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// network is how requests are sent. The transport is that of the client, below
// what may be wrapped around it.
type network struct {
	client    *http.Client
	transport *http.Transport
}

// newTransport returns a transport of our own: its idle connections can be
// closed with the store, and a connection on which nothing moves for stall is
// given up. http.Client has no time limit but one for the whole of a request,
// which a large download would hit.
func newTransport(stall time.Duration) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	dialer := &net.Dialer{Timeout: min(stall, 30*time.Second), KeepAlive: 30 * time.Second}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &stallConn{Conn: conn, stall: stall}, nil
	}
	t.MaxIdleConnsPerHost = 8
	t.DisableCompression = true // else a body could be another than the object's
	return t
}

// stallConn is a connection that fails when it does not move for a while.
type stallConn struct {
	net.Conn
	stall time.Duration
}

func (c *stallConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *stallConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// opensKey is the key of the count of requests that one opening of an object has
// led to, an *atomic.Int64.
type opensKey struct{}

// boundedReads is a transport that ends what would go on for ever: the reader of
// one SDK asks again at once, without end, when each answer breaks off before its
// first byte.
type boundedReads struct {
	next http.RoundTripper
	most int64
}

var errOpens = errors.New("the download broke off again and again")

func (b boundedReads) RoundTrip(r *http.Request) (*http.Response, error) {
	if opens, ok := r.Context().Value(opensKey{}).(*atomic.Int64); ok && opens.Add(1) > b.most {
		return nil, errOpens
	}
	return b.next.RoundTrip(r)
}
