package access_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
)

func address(n int) netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	return access.BucketOf(netip.AddrFrom4(b))
}

func waits(t *testing.T, err error) time.Duration {
	t.Helper()
	var limited *access.LimitedError
	if err != nil && (!errors.As(err, &limited) || limited.After <= 0 || limited.Seconds() < 1) {
		t.Errorf("%v", err)
	}
	if limited == nil {
		return 0
	}
	return limited.After
}

func TestThrottle(t *testing.T) {
	c := newClock()
	th := access.NewThrottle(c.now)
	bad, other := address(1), address(2)
	for i := range 5 {
		if th.Failed(bad) || th.Wait(bad) != nil {
			t.Errorf("%d slips are too many", i+1)
		}
	}
	want := time.Second
	for i := range 14 {
		if blocked := th.Failed(bad); blocked != (i == 0) {
			t.Errorf("failure %d blocks: %v", i+6, blocked)
		}
		if got := waits(t, th.Wait(bad)); got != want {
			t.Errorf("failure %d: wait %v, not %v", i+6, got, want)
		}
		c.pass(want - 1)
		if th.Wait(bad) == nil {
			t.Errorf("may try before %v have passed", want)
		}
		c.pass(1)
		if err := th.Wait(bad); err != nil {
			t.Errorf("%v later: %v", want, err)
		}
		want = min(2*want, 15*time.Minute)
	}
	if th.Wait(other) != nil {
		t.Error("another address has to wait")
	}
	c.pass(-365 * 24 * time.Hour)
	if got := waits(t, th.Wait(bad)); got > 15*time.Minute {
		t.Errorf("a clock that was set back makes wait %v", got)
	}
	c.pass(366 * 24 * time.Hour)
	if th.Failed(bad) || th.Wait(bad) != nil {
		t.Error("an address is not forgiven")
	}
	for range 6 {
		th.Failed(bad)
	}
	th.Succeeded(bad)
	if th.Wait(bad) != nil || th.Failed(bad) {
		t.Error("a success does not count")
	}
}

// TestFlood tries from very many addresses.
func TestFlood(t *testing.T) {
	c := newClock()
	th := access.NewThrottle(c.now)
	friend := address(1)
	th.Succeeded(friend)
	for i := range 3 * access.MaxAddresses {
		th.Failed(address(1000 + i))
	}
	if failed, good := th.Sizes(); failed != access.MaxAddresses || good != 1 {
		t.Error(failed, good)
	}
	if got := waits(t, th.Wait(address(2))); got == 0 || got > time.Second {
		t.Errorf("a new address waits %v", got)
	}
	if err := th.Wait(friend); err != nil {
		t.Errorf("who signed in lately: %v", err)
	}
	c.pass(8 * 24 * time.Hour)
	if th.Wait(address(2)) != nil {
		t.Error("the flood never ends")
	}
	for i := range 200 {
		th.Failed(address(1000 + i))
	}
	if th.Wait(friend) == nil {
		t.Error("somebody who signed in long ago passes")
	}
	for i := range access.MaxAddresses + 5 {
		th.Succeeded(address(i))
	}
	if _, good := th.Sizes(); good != access.MaxAddresses {
		t.Error(good)
	}
}

func TestLimiter(t *testing.T) {
	c := newClock()
	l := access.NewLimiter(10, 20, c.now)
	for i := range 20 {
		if err := l.Allow("a"); err != nil {
			t.Fatal(i, err)
		}
	}
	if got := waits(t, l.Allow("a")); got != 100*time.Millisecond {
		t.Error(got)
	}
	if l.Allow("b") != nil {
		t.Error("another client has to wait")
	}
	c.pass(100 * time.Millisecond)
	if l.Allow("a") != nil || l.Allow("a") == nil {
		t.Error("ten a second are not ten a second")
	}
	for i := range access.MaxAddresses + 100 {
		_ = l.Allow(fmt.Sprint(i))
	}
	if l.Size() != access.MaxAddresses {
		t.Error(l.Size())
	}
	none := access.NewLimiter(0, 0, c.now)
	for range 1000 {
		if none.Allow("a") != nil {
			t.Fatal("no limit is one")
		}
	}
}

func TestSessions(t *testing.T) {
	c := newClock()
	s := access.NewSessions(0, c.now)
	a, b := s.Begin("tk_a"), s.Begin("tk_b")
	if len(a) != 43 || a == b {
		t.Error(a, b)
	}
	alive := func(id, token string) bool {
		got, ok := s.Use(id)
		if ok && got != token {
			t.Errorf("the session is of %s", got)
		}
		return ok
	}
	for range 11 { // used each hour, until it is too old
		if !alive(a, "tk_a") {
			t.Error("ended while it was used")
		}
		c.pass(time.Hour)
	}
	if alive(b, "tk_b") {
		t.Error("alive after eleven hours of rest")
	}
	c.pass(time.Hour)
	if alive(a, "tk_a") || s.Len() != 0 {
		t.Error("alive after twelve hours")
	}
	a, b = s.Begin("tk_a"), s.Begin("tk_a")
	other := s.Begin("tk_b")
	s.End(a)
	if alive(a, "") || !alive(b, "tk_a") {
		t.Error("the wrong session has ended")
	}
	s.EndToken("tk_a")
	if alive(b, "") || !alive(other, "tk_b") || alive("", "") || alive("x", "") {
		t.Error("the wrong sessions have ended")
	}
	var ids []string
	for range access.MaxSessionsOfToken + 1 {
		ids = append(ids, s.Begin("tk_c"))
		c.pass(time.Second)
	}
	if alive(ids[0], "") || !alive(ids[1], "tk_c") || s.Len() != access.MaxSessionsOfToken+1 {
		t.Error("not the oldest session has made room", s.Len())
	}
	for i := range access.MaxSessions + 10 {
		s.Begin(fmt.Sprint("tk_", i))
	}
	if s.Len() != access.MaxSessions {
		t.Error(s.Len())
	}
}

func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.9", "192.0.2.1"}, // not from a proxy: a lie
		{"10.0.0.1:5", "198.51.100.9", "198.51.100.9"},
		{"10.0.0.1:5", "1.1.1.1, 198.51.100.9", "198.51.100.9"},
		{"10.0.0.1:5", "1.1.1.1, 198.51.100.9, 10.0.0.7", "198.51.100.9"},
		{"10.0.0.1:5", "10.0.0.7", "10.0.0.7"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1, nonsense", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1, nonsense, 10.0.0.9", "10.0.0.9"},
		{"10.0.0.1:5", "198.51.100.9:1234", "198.51.100.9"},
		{"[fd00::1]:5", "[2001:db8::1]:99", "2001:db8::1"},
		{"[fd00::1%eth0]:5", "2001:db8::1", "2001:db8::1"},
		{"[::ffff:10.0.0.1]:5", "::ffff:198.51.100.9", "198.51.100.9"},
		{"@", "198.51.100.9", "invalid IP"},
		{"", "", "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := access.ClientAddr(r, proxies).String(); got != c.want {
			t.Errorf("%s for %q: %s, not %s", c.peer, c.forwarded, got, c.want)
		}
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{"X-Forwarded-For": {"1.1.1.1", "198.51.100.9"}}}
	if got := access.ClientAddr(r, proxies).String(); got != "198.51.100.9" {
		t.Errorf("of two headers: %s", got)
	}
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := access.BucketOf(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s is counted as %s", addr, got)
		}
	}
}

func TestListener(t *testing.T) {
	for _, c := range []struct {
		addr                string
		tokens, tls, behind bool
		ok                  bool
	}{
		{"127.0.0.1:8420", false, false, false, true},
		{"127.9.9.9:0", false, false, false, true},
		{"[::1]:8420", false, false, false, true},
		{"[::ffff:127.0.0.1]:8420", false, false, false, true},
		{"localhost:8420", false, false, false, true},
		{"LOCALHOST.:8420", false, false, false, true},
		{"127.0.0.1:8420", false, false, true, false}, // a proxy lets the world in
		{"127.0.0.1:8420", true, false, true, true},
		{":8420", false, true, false, false},
		{"0.0.0.0:8420", false, true, true, false},
		{"[::]:8420", false, true, false, false},
		{"192.0.2.1:8420", false, true, false, false},
		{"localhost.example.com:8420", false, true, false, false},
		{"127.0.0.1.example.com:8420", false, true, false, false},
		{":8420", true, false, false, false},
		{":8420", true, true, false, true},
		{":8420", true, false, true, true},
		{"127.0.0.1", true, true, true, false},
		{"", true, true, true, false},
	} {
		l := access.Listener{Addr: c.addr, Tokens: c.tokens, TLS: c.tls, ProxyTLS: c.behind}
		if err := l.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, access.ErrListen) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
