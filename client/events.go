package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// maxSilence is how long a stream may say nothing, in which the service would
// have shown several times that it lives.
const maxSilence = time.Minute

// ErrSilent: a stream of events broke off without an end.
var ErrSilent = errors.New("the stream of events broke off")

// EventGap is the Type of an Event that says that others may have been missed:
// what is known has to be asked for again.
const EventGap = "gap"

// Events tells what happens from now on, in one database or in all if it is "".
// It ends without an error when the service stops, else with one, which is ctx's
// when that ends.
func (c *Client) Events(ctx context.Context, database string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		last := ""
		for {
			again, err := c.stream(ctx, database, &last, yield)
			switch {
			case errors.Is(err, errEnough):
				return
			case ctx.Err() != nil:
				yield(Event{}, ctx.Err())
				return
			case err != nil:
				yield(Event{}, err)
				return
			case !again:
				return
			}
		}
	}
}

// errEnough: whoever ranges has had enough.
var errEnough = errors.New("enough")

// stream reads one stream to its end. again says that there is another.
func (c *Client) stream(ctx context.Context, database string, last *string, yield func(Event, error) bool) (again bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(maxSilence, func() { cancel(ErrSilent) })
	defer silence.Stop()
	r := get("api", "events").with("database", database)
	r.header = http.Header{"Accept": {"text/event-stream"}}
	if *last != "" {
		r.header.Set("Last-Event-ID", *last)
	}
	answer, err := c.send(ctx, r)
	if err != nil {
		return false, silent(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	s := bufio.NewReaderSize(answer.Body, 64<<10)
	for {
		m, err := readMessage(s, func() { silence.Reset(maxSilence) })
		if err != nil {
			return false, silent(ctx, err)
		}
		if m.id != "" {
			*last = m.id
		}
		if m.kind == "end" {
			var end struct {
				Again bool `json:"again"`
			}
			err := json.Unmarshal(m.data, &end)
			return end.Again, err
		}
		e, err := m.event()
		if err != nil {
			return false, err
		}
		if !yield(e, nil) {
			return false, errEnough
		}
	}
}

// silent explains an error that came of silence, or of a stream without an end.
func silent(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrSilent) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrSilent
	}
	return err
}

// A message is one of a stream of server-sent events.
type message struct {
	id, kind string
	data     []byte
}

// event makes an Event of a message.
func (m message) event() (Event, error) {
	var e Event
	if m.kind == EventGap {
		id, _ := strconv.ParseUint(m.id, 10, 64) // a gap has none
		return Event{ID: id, Type: EventGap}, nil
	}
	if err := json.Unmarshal(m.data, &e); err != nil {
		return e, fmt.Errorf("read event: %w", err)
	}
	return e, nil
}

// maxMessage bounds the data of one message, in bytes.
const maxMessage = 1 << 20

var errMessage = fmt.Errorf("read event: longer than %d bytes", maxMessage)

// readMessage reads up to the end of the next message that has data. alive is
// called for every line.
func readMessage(r *bufio.Reader, alive func()) (message, error) {
	var m message
	var data [][]byte
	size := 0
	for {
		line, err := readLine(r)
		if err != nil {
			return m, err
		}
		alive()
		if size += len(line); size > maxMessage {
			return m, errMessage
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && len(data) > 0:
			m.data = bytes.Join(data, []byte("\n"))
			return m, nil
		case len(line) == 0:
			m, size = message{}, 0
		case string(name) == "id":
			m.id = string(value)
		case string(name) == "event":
			m.kind = string(value)
		case string(name) == "data":
			data = append(data, value)
		}
	}
}

// readLine reads one line, without its end. A line that the stream breaks off in
// is none.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxMessage {
			return nil, errMessage
		}
		if err == nil {
			return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}
