package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/litekeep/litekeep/internal/service"
)

// streamLimit ends a stream, so that whoever was logged out meanwhile, or whose
// token was revoked, is found out when the browser asks for the next.
const streamLimit = 5 * time.Minute

// liveOf is the address of the events of one database, or of one run.
func liveOf(database, run string) string {
	q := url.Values{}
	if database != "" {
		q.Set("database", database)
	}
	if run != "" {
		q.Set("run", run)
	}
	if len(q) == 0 {
		return "/live"
	}
	return "/live?" + q.Encode()
}

// A progressMessage moves the bar of a run that goes on.
type progressMessage struct {
	Run     string  `json:"run"`
	Percent float64 `json:"percent"` // 0 if it is not known
	Text    string  `json:"text"`
}

// A changeMessage makes the page fetch itself again.
type changeMessage struct {
	Say string `json:"say,omitempty"` // for those who do not see it
}

// live tells the script of a page what happens, as server-sent events: progress
// and change, and comments as signs of life. It ends when the browser goes, the
// service stops, or after streamLimit; the browser asks again then.
func (d *Dashboard) live(c *call) error {
	ctx, cancel := context.WithTimeout(c.ctx, streamLimit)
	defer cancel()
	events, err := d.o.Door.Events(ctx, c.by)
	if err != nil {
		return err
	}
	feed := make(chan service.Event)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(feed)
		for e := range events {
			select {
			case feed <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { cancel(); <-done }()

	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies pass each event on at once
	out := stream{c.w, http.NewResponseController(c.w)}
	if err := out.send("retry: 3000\n\n"); err != nil {
		return nil
	}
	d.feed(c, feed, out)
	return nil
}

// feed passes events on until there are no more, or the browser is gone.
func (d *Dashboard) feed(c *call, feed <-chan service.Event, out stream) {
	only, run := c.query("database"), c.query("run")
	beat := time.NewTicker(d.o.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-beat.C:
			if out.send(": alive\n\n") != nil {
				return
			}
		case e, ok := <-feed:
			if !ok {
				return
			}
			if only != "" && e.Database != "" && e.Database != only || run != "" && (e.Run == nil || e.Run.ID != run) {
				continue
			}
			if out.event(e) != nil {
				return
			}
		}
	}
}

// A stream writes server-sent events.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// send writes text at once. Each write has its own time limit, since the stream
// as a whole outlives that of the server.
func (s stream) send(text string) error {
	if err := s.c.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.c.Flush()
}

// event writes what the script needs to know of an event.
func (s stream) event(e service.Event) error {
	name, data := message(e)
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return s.send(fmt.Sprintf("event: %s\ndata: %s\n\n", name, text))
}

// message turns an event into one for the script.
func message(e service.Event) (name string, data any) {
	switch r := e.Run; {
	case r == nil:
		return "change", changeMessage{}
	case going(*r) && r.Progress != nil:
		return "progress", progressMessage{Run: r.ID, Percent: r.Progress.Percent, Text: progressText(*r)}
	case going(*r):
		return "change", changeMessage{Say: kindName(*r) + " of " + r.Database + " has begun."}
	default:
		return "change", changeMessage{Say: kindName(*r) + " of " + r.Database + ": " + outcomeBadge(r.Outcome).Word + "."}
	}
}
