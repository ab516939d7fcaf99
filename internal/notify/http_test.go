package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// request is what a server got.
type request struct {
	method, path, body string
	header             http.Header
}

// server answers by a function and keeps what it got.
func server(t *testing.T, answer http.HandlerFunc) (string, *[]request) {
	t.Helper()
	var got []request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, request{r.Method, r.URL.RequestURI(), string(body), r.Header.Clone()})
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, &got
}

func message(kinds ...Kind) *Message {
	var list []Story
	for _, k := range kinds {
		list = append(list, sample(k))
	}
	return newMessage(list, three, "vault1")
}

func newWebhook(t *testing.T, url string) *Webhook {
	t.Helper()
	h, err := NewWebhook(url, "a secret of the webhook", func() time.Time { return three })
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWebhook(t *testing.T) {
	url, got := server(t, nil)
	m := message(KindFailed, KindRestoreDone)
	for range 2 {
		if err := newWebhook(t, url+"/hook?x=1").Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	r := (*got)[0]
	if r.method != http.MethodPost || r.path != "/hook?x=1" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", r)
	}
	if id := r.header.Get(HeaderID); id != m.ID || (*got)[1].header.Get(HeaderID) != id {
		t.Errorf("id %q, then %q", id, (*got)[1].header.Get(HeaderID))
	}
	if err := CheckSignature([]byte("a secret of the webhook"), r.header.Get(HeaderSignature), []byte(r.body), three.Add(time.Minute), 5*time.Minute); err != nil {
		t.Error(err)
	}
	var body webhookBody
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Version != 1 || len(body.Events) != 2 || body.Events[0].Kind != KindFailed || body.Events[0].Summary != "app could not be backed up" ||
		body.Severity != Warning || body.Events[0].Holds == "" || body.ID != m.ID {
		t.Errorf("%+v", body)
	}
}

// TestSignature compares with what Python's hmac made of the same secret, time and
// body.
func TestSignature(t *testing.T) {
	const want = "t=1795316400,v1=26add01a2ce4f82849cdb831f467c83cb7c7128391e0348c8a35b18e464277bc"
	secret, body := []byte("correct horse"), []byte(`{"version":1}`)
	if got := Sign(secret, time.Unix(1795316400, 0), body); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	at := time.Unix(1795316400, 0)
	for name, c := range map[string]struct {
		secret, value, body string
		now                 time.Time
		ok                  bool
	}{
		"good":     {"correct horse", want, `{"version":1}`, at.Add(4 * time.Minute), true},
		"secret":   {"other", want, `{"version":1}`, at, false},
		"body":     {"correct horse", want, `{"version":2}`, at, false},
		"old":      {"correct horse", want, `{"version":1}`, at.Add(6 * time.Minute), false},
		"future":   {"correct horse", want, `{"version":1}`, at.Add(-6 * time.Minute), false},
		"moved":    {"correct horse", strings.Replace(want, "t=17953164", "t=17953165", 1), `{"version":1}`, at, false},
		"empty":    {"correct horse", "", `{"version":1}`, at, false},
		"no time":  {"correct horse", "t=,v1=00", `{"version":1}`, at, false},
		"no hex":   {"correct horse", "t=1795316400,v1=zz", `{"version":1}`, at, false},
		"no stamp": {"correct horse", want[2:], `{"version":1}`, at, false},
	} {
		err := CheckSignature([]byte(c.secret), c.value, []byte(c.body), c.now, 5*time.Minute)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheckSignature(f *testing.F) {
	f.Add("t=1795316400,v1=00ff", []byte("{}"))
	f.Add("", []byte{})
	f.Add(Sign([]byte("k"), three, []byte("x")), []byte("x"))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		err := CheckSignature([]byte("k"), value, body, three, time.Minute)
		stamp, _, _ := strings.Cut(strings.TrimPrefix(value, "t="), ",")
		if err == nil && !strings.EqualFold(value, "t="+stamp+",v1="+fmt.Sprintf("%x", mac([]byte("k"), stamp, body))) {
			t.Errorf("took %q for %q", value, body)
		}
	})
}

// secretPath is what must never be seen.
const secretPath = "/services/T00000000/B11111111/s3cr3tT0ken"

func TestSlack(t *testing.T) {
	answers := []int{200, 429, 404, 302, 500}
	url, got := server(t, nil)
	n := 0
	*got = nil
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := answers[n]
		n++
		switch code {
		case 429:
			w.Header().Set("Retry-After", "30")
		case 302:
			w.Header().Set("Location", url+"/elsewhere")
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "no_service at %s\n", r.URL.Path)
	}))
	defer s.Close()
	c, err := NewSlack(s.URL + secretPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range answers {
		err := c.Deliver(t.Context(), message(KindFailed))
		if (err == nil) != (code == 200) {
			t.Errorf("%d: %v", code, err)
		}
		if err == nil {
			continue
		}
		if strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), fmt.Sprint(code)) {
			t.Errorf("%d: %v", code, err)
		}
		retry, ok := errors.AsType[*RetryError](err)
		if ok != (code == 429) || ok && retry.After != 30*time.Second {
			t.Errorf("%d: %#v", code, retry)
		}
	}
	if len(*got) != 0 {
		t.Error("the redirect was followed")
	}
}

// TestNoSecretsInErrors makes every fault there is on the way.
func TestNoSecretsInErrors(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	cutOff, _ := server(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	huge, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		for range 1000 {
			if _, err := io.WriteString(w, strings.Repeat(r.URL.Path, 30)); err != nil {
				return
			}
		}
	})
	for _, base := range []string{closed.URL, cutOff, huge, "http://user:s3cr3tPass@127.0.0.1:1", "https://no-such-host.invalid"} {
		address := base + secretPath + "?key=s3cr3tKey"
		hook := newWebhook(t, address)
		chat, err := NewSlack(address)
		if err != nil {
			t.Fatal(err)
		}
		beat, err := NewHeartbeat(HeartbeatConfig{Success: address})
		if err != nil {
			t.Fatal(err)
		}
		m := message(KindTest)
		m.Stories[0].Kind = KindSucceeded
		for _, c := range []Channel{hook, chat, beat} {
			err := c.Deliver(t.Context(), m)
			if err == nil {
				t.Errorf("%s: no error", base)
				continue
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(fmt.Sprintf("%v %+v", e, e), "s3cr3t") {
					t.Errorf("%T: %v", c, e)
				}
			}
			if len(err.Error()) > 500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	}
	for _, address := range []string{"ftp://host/s3cr3t", "https:///s3cr3t", "::s3cr3t", "s3cr3t", ""} {
		for name, make := range map[string]func() error{
			"slack":   func() error { _, err := NewSlack(address); return err },
			"webhook": func() error { _, err := NewWebhook(address, "", time.Now); return err },
			"heart":   func() error { _, err := NewHeartbeat(HeartbeatConfig{Success: address}); return err },
		} {
			if err := make(); !errors.Is(err, ErrChannel) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%s %q: %v", name, address, err)
			}
		}
	}
}

// TestRedacted is an error that quotes the address where ours would not.
func TestRedacted(t *testing.T) {
	u, err := url.Parse("https://user:s3cr3tPass@hooks.example.org" + secretPath + "?key=s3cr3tKey")
	if err != nil {
		t.Fatal(err)
	}
	inner := fmt.Errorf("proxy: cannot reach %s or %s", u, u.RequestURI())
	got := redacted(u, &url.Error{Op: "Post", URL: u.String(), Err: inner}).Error()
	if strings.Contains(got, "s3cr3t") || !strings.Contains(got, "hooks.example.org: proxy: cannot reach") {
		t.Error(got)
	}
}

// TestSlowServer: the end of the context ends the request.
func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	url, _ := server(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := newWebhook(t, url+secretPath).Deliver(ctx, message(KindFailed))
	if err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("%v", err)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": -1, "x": -1, "-5": -1, "0": 0, "120": 2 * time.Minute, "999999999": longestWait, "99999999999999999999": -1,
		three.Add(time.Minute).Format(http.TimeFormat): time.Minute, three.Add(-time.Minute).Format(http.TimeFormat): -1,
	} {
		got, ok := retryAfter(&http.Response{Header: http.Header{"Retry-After": {value}, "Date": {three.Format(http.TimeFormat)}}})
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", value, got, ok)
		}
	}
}

func TestHeartbeatURLs(t *testing.T) {
	base, got := server(t, nil)
	h, err := NewHeartbeat(HeartbeatConfig{Success: base + "/k/{database}", Failure: base + "/k/{database}/fail", Start: base + "/k/{database}/start"})
	if err != nil {
		t.Fatal(err)
	}
	quiet, err := NewHeartbeat(HeartbeatConfig{Success: base + "/all?status=up", Method: http.MethodGet})
	if err != nil {
		t.Fatal(err)
	}
	if !h.PerDatabase() || quiet.PerDatabase() {
		t.Error("PerDatabase")
	}
	m := message(KindBegun, KindSucceeded, KindFailed)
	m.Stories[2].Database = "a/b?c"
	m.Stories[2].Cause = strings.Repeat("x", 50_000)
	for _, c := range []Channel{h, quiet} {
		if err := c.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var asked []string
	for _, r := range *got {
		asked = append(asked, r.method+" "+r.path)
		if len(r.body) > pingLimit || (r.method == http.MethodGet) != (r.body == "") {
			t.Errorf("%s %s: body of %d bytes", r.method, r.path, len(r.body))
		}
	}
	want := []string{"POST /k/app/start", "POST /k/app", "POST /k/a%2Fb%3Fc/fail", "GET /all?status=up"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q, not %q", asked, want)
	}
	if !strings.Contains((*got)[2].body, "could not be backed up") {
		t.Errorf("the body is %q", (*got)[2].body)
	}
	for _, c := range []HeartbeatConfig{
		{},
		{Success: base, Failure: "x"},
		{Success: base, Method: "PUT"},
		{Success: base + "/{database}", Failure: base + "/fail"},
	} {
		if _, err := NewHeartbeat(c); !errors.Is(err, ErrChannel) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
