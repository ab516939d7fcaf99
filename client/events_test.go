package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestReadMessage(t *testing.T) {
	for _, c := range []struct{ name, text, id, kind, data string }{
		{"all", "id: 7\nevent: run\ndata: {}\n\n", "7", "run", "{}"},
		{"comments and retry", ": alive\n\nretry: 3000\n\nevent: x\n\ndata: a\n\n", "", "", "a"},
		{"many lines", "data: a\ndata:b\ndata\n\n", "", "", "a\nb\n"},
		{"CR LF", "id: 1\r\ndata: a\r\n\r\n", "1", "", "a"},
		{"unknown fields", "data: a\nx: y\nz\n\n", "", "", "a"},
		{"long", "data: " + strings.Repeat("x", 200_000) + "\n\n", "", "", strings.Repeat("x", 200_000)},
	} {
		m, err := readMessage(bufio.NewReader(strings.NewReader(c.text)), func() {})
		if err != nil || m.id != c.id || m.kind != c.kind || string(m.data) != c.data {
			t.Errorf("%s: %q %q %.20q, %v", c.name, m.id, m.kind, m.data, err)
		}
	}
	for name, text := range map[string]string{
		"cut off": "data: a\n", "cut off in a line": "data: a", "nothing": "",
	} {
		if _, err := readMessage(bufio.NewReader(strings.NewReader(text)), func() {}); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"a long line": "data: " + strings.Repeat("x", maxMessage+1), "many lines": strings.Repeat("data: x\n", maxMessage/4),
	} {
		if _, err := readMessage(bufio.NewReader(strings.NewReader(text)), func() {}); !errors.Is(err, errMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEvents reads a stream that is begun anew, up to its end.
func TestEvents(t *testing.T) {
	streams := []string{
		"retry: 3000\n\nid: 4\nevent: run\ndata: {\"id\":4,\"type\":\"run\",\"run\":{\"id\":\"r\"}}\n\nevent: end\ndata: {\"again\":true}\n\n",
		"event: gap\ndata: {\"after\":4}\n\nid: 9\nevent: config\ndata: {\"id\":9,\"type\":\"config\"}\n\nevent: end\ndata: {\"again\":false}\n\n",
	}
	var asked []string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Last-Event-ID"))
		_, _ = io.WriteString(w, streams[len(asked)-1])
	})
	var got []string
	for e, err := range c.Events(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Type)
	}
	if strings.Join(got, " ") != "run gap config" || strings.Join(asked, ",") != ",4" {
		t.Errorf("got %v, asked after %q", got, asked)
	}
}

func TestEventsBreakOff(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"breaks off": {": alive\n\n", ErrSilent},
		"no JSON":    {"data: x\n\n", nil},
		"end":        {"event: end\ndata: x\n\n", nil},
	} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.text) })
		n := 0
		for _, err := range client.Events(t.Context(), "") {
			n++
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d times", name, n)
		}
	}
}

func TestEventsStop(t *testing.T) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: {\"type\":\"config\"}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	for range answering(t, serve).Events(t.Context(), "") {
		break // the connection ends, as goleak sees
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for e, err := range answering(t, serve).Events(ctx, "") {
		if last = err; e.Type == "config" {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("ended with %v", last)
	}
}

// FuzzReadMessage reads any stream: it ends, and what it accepts is bounded.
func FuzzReadMessage(f *testing.F) {
	for _, s := range []string{"", "data: a\n\n", "id: 7\nevent: run\ndata: {}\n\n", ": x\r\n\r\ndata\n\n", "data: {\"id\":1}\ndata:\n\nid:2\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := bufio.NewReader(bytes.NewReader(text))
		for read := 0; ; read++ {
			m, err := readMessage(r, func() {})
			if err != nil {
				return
			}
			if len(m.data) > maxMessage || read > len(text) || strings.ContainsAny(m.id+m.kind, "\n") {
				t.Fatalf("message %d: %q", read, m)
			}
			_, _ = m.event() // must not panic
		}
	})
}
