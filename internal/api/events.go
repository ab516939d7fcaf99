package api

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

const (
	// maxStream is how long a stream of events lasts, so that whoever lost the
	// right to it does not keep it. The caller just comes again.
	maxStream = time.Hour
	// sendLimit is how long one message may take to be sent.
	sendLimit = 10 * time.Second
	// retryMilliseconds is when a caller comes again after a stream broke off.
	retryMilliseconds = 3000
)

// Gap is a message of a stream: events may have been missed, so what is known
// has to be asked for again.
type Gap struct {
	After uint64 `json:"after" doc:"Id of the last event before the gap; 0 if it is not known"`
}

// End is the last message of a stream that the service ends.
type End struct {
	Reason string `json:"reason" doc:"For people"`
	Again  bool   `json:"again" doc:"Whoever comes again at once gets another stream"`
}

type onEvents struct {
	Database string `query:"database" maxLength:"255" doc:"Only what is about this database"`
	Last     string `header:"Last-Event-ID" maxLength:"20" doc:"Browsers send it when they come again. Nothing is sent again; the stream begins with a gap"`
}

func (a *API) registerEvents() {
	op := operation{
		id: "watch-events", method: http.MethodGet, path: "/api/events", tag: "runs", action: access.See,
		summary: "Watch what happens", fails: []int{404},
		about: "Server-sent events: run (it began, went on or ended), status (of a database) and config, each with a JSON object as its data. " +
			"A message gap says that events may have been missed, end that the service ends the stream. Comments show that the stream lives.",
	}
	register(a, op, func(ctx context.Context, by access.Principal, in *onEvents) (*stream, error) {
		if in.Database != "" {
			if _, err := a.door.Database(ctx, by, in.Database); err != nil {
				return nil, err
			}
		}
		select {
		case a.streams <- struct{}{}:
		default:
			return nil, problem(http.StatusTooManyRequests, "there are too many streams of events").with("Retry-After", retryAfter)
		}
		return streamed(func(w http.ResponseWriter, r *http.Request) {
			defer func() { <-a.streams }()
			a.watch(w, r, &op, by, in)
		}), nil
	})
	a.amend(op, func(o *huma.Operation) {
		o.Responses["200"].Content = map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{
			Description: "The data of each message",
			OneOf:       []*huma.Schema{a.schema(reflect.TypeFor[service.Event]()), a.schema(reflect.TypeFor[Gap]()), a.schema(reflect.TypeFor[End]())},
		}}}
	})
}

// watch sends what happens until the caller is gone, the service stops or the
// stream is old.
func (a *API) watch(w http.ResponseWriter, r *http.Request, op *operation, by access.Principal, in *onEvents) {
	ctx, cancel := a.untilStopping(r.Context())
	defer cancel()
	events, err := a.door.Events(ctx, by)
	if err != nil {
		a.fail(r.Context(), op, err).write(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in front must not collect
	m := &messages{w: w, c: http.NewResponseController(w), now: a.o.Now}
	m.printf("retry: %d\n\n", retryMilliseconds)
	if in.Last != "" {
		last, _ := strconv.ParseUint(in.Last, 10, 64) // what is no number is 0, not known
		m.send("gap", 0, Gap{last})
	}
	m.flush()
	next, over := pull(ctx, events)
	a.pump(ctx, m, next, in.Database)
	cancel()
	<-over
	if m.err == nil && r.Context().Err() == nil {
		end := End{"the stream is old", true}
		if a.stopping() {
			end = End{"the service is stopping", false}
		}
		m.send("end", 0, end)
		m.flush()
	}
}

// pump sends events and, where there are none, comments.
func (a *API) pump(ctx context.Context, m *messages, next <-chan service.Event, database string) {
	beat := time.NewTicker(a.o.Heartbeat)
	defer beat.Stop()
	old := time.NewTimer(maxStream)
	defer old.Stop()
	var last uint64
	for m.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-old.C:
			return
		case <-beat.C:
			m.printf(": alive\n\n")
		case e, ok := <-next:
			if !ok {
				return
			}
			if e.Missed > 0 {
				m.send("gap", 0, Gap{last})
			}
			last = e.ID
			if database != "" && e.Database != "" && e.Database != database {
				continue
			}
			m.send(e.Type, e.ID, e)
		}
		m.flush()
	}
}

// pull makes a channel of a sequence, which MUST end with ctx. over is closed
// when it has ended.
func pull(ctx context.Context, events iter.Seq[service.Event]) (_ <-chan service.Event, over <-chan struct{}) {
	c, done := make(chan service.Event), make(chan struct{})
	go func() {
		defer close(done)
		defer close(c)
		for e := range events {
			select {
			case c <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return c, done
}

// messages writes a stream of server-sent events. After an error it writes
// nothing more.
type messages struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	now func() time.Time
	err error
}

// printf writes text that is well-formed already.
func (m *messages) printf(text string, args ...any) {
	if m.err != nil {
		return
	}
	_ = m.c.SetWriteDeadline(m.now().Add(sendLimit)) // a writer without deadlines has none
	_, m.err = fmt.Fprintf(m.w, text, args...)
}

// send writes one message. id 0 is none.
func (m *messages) send(kind string, id uint64, data any) {
	var b bytes.Buffer
	if err := format.Marshal(&b, data); err != nil {
		m.err = err
		return
	}
	if id > 0 {
		m.printf("id: %d\n", id)
	}
	m.printf("event: %s\ndata: %s\n", kind, b.Bytes()) // the JSON is one line, with its end
}

func (m *messages) flush() {
	if m.err == nil {
		m.err = m.c.Flush()
	}
}
