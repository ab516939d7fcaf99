package notify

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// pingLimit bounds the body of a ping in bytes: services for heartbeats keep so
// much at least.
const pingLimit = 10_000

// HeartbeatConfig are the URLs of a heartbeat, all of which are secrets. Each may
// contain {database}, or none.
type HeartbeatConfig struct {
	Success string // asked for after each verified backup; needed
	Failure string // asked for after each that failed; "" for silence, which the monitor notices later
	Start   string // asked for when a run begins
	// Method is GET or POST (default). A POST has a text that says what happened.
	Method string
}

// Heartbeat tells a monitor on another machine that backups are made. The monitor
// raises the alarm when it hears nothing: also when this machine is off, which no
// other channel can tell.
type Heartbeat struct {
	config HeartbeatConfig
	client http.RoundTripper // nil except in tests
}

var _ Pulse = (*Heartbeat)(nil)

// NewHeartbeat returns a channel. The error matches ErrChannel.
func NewHeartbeat(c HeartbeatConfig) (*Heartbeat, error) {
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	if c.Method != http.MethodPost && c.Method != http.MethodGet {
		return nil, fmt.Errorf("heartbeat: %w: the method must be GET or POST", ErrChannel)
	}
	if c.Success == "" {
		return nil, fmt.Errorf("heartbeat: %w: it needs a URL for success", ErrChannel)
	}
	for _, u := range []string{c.Success, c.Failure, c.Start} {
		if u == "" {
			continue
		}
		if _, err := newPoster(strings.ReplaceAll(u, databaseMark, "x"), nil); err != nil {
			return nil, fmt.Errorf("heartbeat: %w", err)
		}
		if strings.Contains(u, databaseMark) != strings.Contains(c.Success, databaseMark) {
			return nil, fmt.Errorf("heartbeat: %w: %s must be in all of its URLs or in none", ErrChannel, databaseMark)
		}
	}
	return &Heartbeat{config: c}, nil
}

// PerDatabase reports whether the URLs contain {database}.
func (h *Heartbeat) PerDatabase() bool { return strings.Contains(h.config.Success, databaseMark) }

// Deliver asks for a URL for each story, in their order. It stops at the first
// that does not answer.
func (h *Heartbeat) Deliver(ctx context.Context, m *Message) error {
	for _, s := range m.Stories {
		if err := h.ping(ctx, s, m); err != nil {
			return err
		}
	}
	return nil
}

func (h *Heartbeat) ping(ctx context.Context, s Story, m *Message) error {
	address := h.config.Failure
	switch s.Kind {
	case KindSucceeded, KindTest:
		address = h.config.Success
	case KindBegun:
		address = h.config.Start
	}
	if address == "" {
		return nil
	}
	p, err := newPoster(addressOf(address, s.Database), h.client)
	if err != nil {
		return err
	}
	var body []byte
	if h.config.Method == http.MethodPost {
		body = []byte(cut(pingText(s, m), pingLimit))
	}
	return p.send(ctx, h.config.Method, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body)
}

// pingText says what happened, in the words that people get.
func pingText(s Story, m *Message) string {
	switch s.Kind {
	case KindBegun:
		return s.Database + ": a run has begun\n"
	case KindSucceeded:
		return s.Database + ": a backup was made and verified\n"
	}
	return newMessage([]Story{s}, m.Time, m.Host).Text()
}
