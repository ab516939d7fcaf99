package notify

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A board notes what is posted to it, and by which path.
type board struct {
	mu      sync.Mutex
	refuses string // a part of the paths that it does not take
	got     []string
	bodies  []webhookBody
}

func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses != "" && strings.Contains(r.URL.EscapedPath(), b.refuses) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var body webhookBody
	_ = json.NewDecoder(r.Body).Decode(&body) // of another channel it is another body
	b.got, b.bodies = append(b.got, r.URL.EscapedPath()), append(b.bodies, body)
}

func (b *board) take() (got []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	got, b.got = b.got, nil
	return got
}

// TestDatabaseInAddress: {database} in the URL of each channel is the name of the
// database, and each gets what is about it.
func TestDatabaseInAddress(t *testing.T) {
	b := &board{}
	s := httptest.NewServer(b)
	defer s.Close()
	stories := []Story{sample(KindFailed), sample(KindShrunken), sample(KindFailed), sample(KindDestinationDown)}
	stories[2].Database, stories[2].ID = "a/b ü", "other"
	m := newMessage(stories, three, "vault1", "a note")
	address := s.URL + "/hook/{database}/x"
	for name, c := range map[string]struct {
		open func() (Channel, error)
		want []string
	}{
		"slack":     {func() (Channel, error) { return NewSlack(address) }, []string{"/hook/app/x", "/hook/a%2Fb%20%C3%BC/x", "/hook/-/x"}},
		"webhook":   {func() (Channel, error) { return NewWebhook(address, "secret", time.Now) }, []string{"/hook/app/x", "/hook/a%2Fb%20%C3%BC/x", "/hook/-/x"}},
		"heartbeat": {func() (Channel, error) { return NewHeartbeat(HeartbeatConfig{Success: address, Failure: address}) }, []string{"/hook/app/x", "/hook/app/x", "/hook/a%2Fb%20%C3%BC/x", "/hook/-/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			channel, err := c.open()
			if err != nil {
				t.Fatal(err)
			}
			b.take()
			if err := channel.Deliver(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got := b.take(); !slices.Equal(got, c.want) {
				t.Errorf("asked for %q, want %q", got, c.want)
			}
		})
	}
}

// TestPartsOfAMessage: what is told of one database tells of no other, and where one
// address does not take its part, the others do not get theirs again.
func TestPartsOfAMessage(t *testing.T) {
	b := &board{refuses: "/bad"}
	s := httptest.NewServer(b)
	defer s.Close()
	stories := []Story{sample(KindFailed), sample(KindFailed), sample(KindShrunken)}
	stories[1].Database, stories[1].ID = "bad", "other"
	m := newMessage(stories, three, "vault1", "a note")
	h, err := NewWebhook(s.URL+"/{database}", "secret", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.Deliver(t.Context(), m); err == nil {
			t.Error("a part was not taken")
		}
	}
	b.mu.Lock()
	b.refuses = ""
	b.mu.Unlock()
	if err := h.Deliver(t.Context(), m); err != nil {
		t.Error(err)
	}
	if got := b.take(); !slices.Equal(got, []string{"/app", "/bad"}) {
		t.Errorf("posted to %q", got)
	}
	for i, want := range []string{"app", "bad"} {
		for _, e := range b.bodies[i].Events {
			if e.Database != want || !slices.Contains(b.bodies[i].Notes, "a note") || strings.Contains(b.bodies[i].Text, []string{"bad", "app"}[i]+" ") {
				t.Errorf("%s got %+v", want, b.bodies[i])
			}
		}
	}
	if len(b.bodies[0].Events) != 2 || len(b.bodies[1].Events) != 1 {
		t.Errorf("%+v", b.bodies)
	}
	if err := h.Deliver(t.Context(), m); err != nil || len(b.take()) != 2 {
		t.Error("once it was taken, the same may be sent again", err)
	}
}
