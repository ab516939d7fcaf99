package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
)

var start = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// clock is a clock that stands still until it is told otherwise.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// memory is a TokenStore.
type memory struct {
	mu    sync.Mutex
	all   []access.Token
	ever  bool // tokens were lost
	fails error
	reads int
}

func (m *memory) PutToken(_ context.Context, t access.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails == nil {
		m.all = append(m.all, t)
	}
	return m.fails
}

func (m *memory) Tokens(context.Context) ([]access.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return slices.Clone(m.all), m.fails
}

func (m *memory) EverToken(context.Context) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ever || len(m.all) > 0, m.fails
}

func (m *memory) change(id string, f func(*access.Token)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.all, func(t access.Token) bool { return t.ID == id })
	if i < 0 {
		return access.ErrNoSuchToken
	}
	if m.fails == nil {
		f(&m.all[i])
	}
	return m.fails
}

func (m *memory) RevokeToken(_ context.Context, id string, at time.Time) error {
	return m.change(id, func(t *access.Token) {
		if t.Revoked.IsZero() {
			t.Revoked = at
		}
	})
}

func (m *memory) TouchToken(_ context.Context, id string, at time.Time) error {
	return m.change(id, func(t *access.Token) { t.LastUsed = at })
}

func create(t *testing.T, r *access.Registry, n access.NewToken) (string, access.Token) {
	t.Helper()
	secret, token, err := r.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

// TestMay is the whole table of roles and actions.
func TestMay(t *testing.T) {
	const viewer, operator, admin = "see login logout", "backup verify cleanup-preview sync",
		"download restore prune pin undelete audit notify reload tokens"
	global := strings.Fields("notify reload tokens")
	open := strings.Fields("see login logout backup verify cleanup-preview sync audit notify") // go on without the audit log
	least := map[access.Role]string{access.Viewer: viewer, access.Operator: viewer + " " + operator, access.Admin: viewer + " " + operator + " " + admin}
	for role, may := range least {
		for action := range strings.FieldsSeq(least[access.Admin]) {
			allowed := slices.Contains(strings.Fields(may), action)
			forAll := access.Principal{ID: "tk_1", Name: "ada", Role: role}
			forApp := access.Principal{ID: "tk_2", Name: "bob", Role: role, Databases: []string{"app", "shop"}}
			for _, c := range []struct {
				p        access.Principal
				database string
				want     bool
			}{
				{forAll, "", allowed},
				{forAll, "app", allowed},
				{forApp, "app", allowed && !slices.Contains(global, action)},
				{forApp, "shop", allowed && !slices.Contains(global, action)},
				{forApp, "other", false},
				{forApp, "ap", false},
				{forApp, "", slices.Contains(strings.Fields(viewer), action)},
			} {
				err := c.p.May(access.Action(action), c.database)
				if (err == nil) != c.want || err != nil && !errors.Is(err, access.ErrForbidden) {
					t.Errorf("%s, %s for %q, on %q: %v", role, action, c.p.Databases, c.database, err)
				}
			}
			if access.Action(action).FailsClosed() == slices.Contains(open, action) {
				t.Errorf("%s fails closed: %v", action, access.Action(action).FailsClosed())
			}
		}
	}
	for _, p := range []access.Principal{{}, {ID: "x"}, {Role: access.Admin}, {ID: "x", Role: "root"}} {
		if err := p.May(access.See, ""); !errors.Is(err, access.ErrUnauthenticated) || p.Sees("app") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	unknown := access.Action("fly")
	if err := access.Service().May(unknown, ""); !errors.Is(err, access.ErrForbidden) || !unknown.FailsClosed() || unknown.Least() != "" {
		t.Error(err)
	}
	if _, err := access.ParseRole("root"); err == nil {
		t.Error("root is a role")
	}
	if access.Admin.Includes("") || access.Role("").Includes(access.Viewer) || access.Role("").Includes("") {
		t.Error("a role that does not exist is included")
	}
}

func TestSecret(t *testing.T) {
	c := newClock()
	r := access.NewRegistry(&memory{}, c.now)
	secret, token := create(t, r, access.NewToken{Name: "ada", Role: access.Admin})
	other, _ := create(t, r, access.NewToken{Name: "bob", Role: access.Admin})
	if len(secret) != 52 || !strings.HasPrefix(secret, "lk_") || secret == other || strings.Contains(string(token.Hash[:]), secret) {
		t.Errorf("%q, %q", secret, other)
	}
	if got, err := r.Authenticate(t.Context(), secret); err != nil || got.ID != token.ID {
		t.Error(got, err)
	}
	for i := range secret { // each slip is told from a token that is unknown
		for _, wrong := range []string{
			secret[:i] + "#" + secret[i+1:], secret[:i] + string(secret[i]^1) + secret[i+1:], secret[:i] + secret[i+1:], secret[:i] + "0" + secret[i:],
		} {
			if _, err := r.Authenticate(t.Context(), wrong); !errors.Is(err, access.ErrToken) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
	}
	unknown := access.SecretOf([32]byte{})
	if _, err := r.Authenticate(t.Context(), unknown); !errors.Is(err, access.ErrUnknownToken) {
		t.Error(err)
	}
}

func FuzzSecret(f *testing.F) {
	f.Add("", []byte{})
	f.Add("lk_-"+strings.Repeat("0", 48), []byte("x"))
	f.Add(access.SecretOf([32]byte{1}), []byte{255})
	for _, digits := range []string{"+" + strings.Repeat("0", 42), "-" + strings.Repeat("0", 42), strings.Repeat("Z", 43)} {
		f.Add("lk_"+digits+access.Checksum("lk_"+digits), []byte{})
	}
	f.Fuzz(func(t *testing.T, s string, random []byte) {
		var b [32]byte
		copy(b[:], random)
		good := access.SecretOf(b)
		if err := access.CheckSecret(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
		if access.CheckSecret(s) == nil && access.Canonical(s) != s {
			t.Errorf("%q is accepted, and is %q", s, access.Canonical(s))
		}
		if access.CheckSecret("lk_"+s) == nil && access.Canonical("lk_"+s) != "lk_"+s {
			t.Errorf("%q is accepted", s)
		}
	})
}

func TestCreate(t *testing.T) {
	c := newClock()
	m := &memory{}
	r := access.NewRegistry(m, c.now)
	for name, n := range map[string]access.NewToken{
		"no name":          {Role: access.Viewer},
		"blank":            {Name: " a", Role: access.Viewer},
		"control":          {Name: "a\nb", Role: access.Viewer},
		"long":             {Name: strings.Repeat("a", 65), Role: access.Viewer},
		"id":               {Name: "tk_1", Role: access.Viewer},
		"token":            {Name: "lk_1", Role: access.Viewer},
		"local":            {Name: "local", Role: access.Viewer},
		"service":          {Name: "service", Role: access.Viewer},
		"no role":          {Name: "a"},
		"role":             {Name: "a", Role: "root"},
		"database":         {Name: "a", Role: access.Viewer, Databases: []string{""}},
		"never and not":    {Name: "a", Role: access.Viewer, Lifetime: time.Hour, Never: true},
		"negative":         {Name: "a", Role: access.Viewer, Lifetime: -time.Hour},
		"for a hundred ys": {Name: "a", Role: access.Viewer, Lifetime: 100 * 366 * 24 * time.Hour},
	} {
		if _, _, err := r.Create(t.Context(), n); err == nil {
			t.Errorf("%s: was made", name)
		}
	}
	_, token := create(t, r, access.NewToken{Name: "ci backup", Role: access.Operator, Databases: []string{"b", "a", "b"}})
	if !token.Expires.Equal(start.Add(90*24*time.Hour)) || !slices.Equal(token.Databases, []string{"a", "b"}) || !strings.HasPrefix(token.ID, "tk_") {
		t.Errorf("%+v", token)
	}
	if _, _, err := r.Create(t.Context(), access.NewToken{Name: "ci backup", Role: access.Viewer}); !errors.Is(err, access.ErrTokenExists) {
		t.Error(err)
	}
	if _, never := create(t, r, access.NewToken{Name: "never", Role: access.Viewer, Never: true}); !never.Expires.IsZero() {
		t.Error(never.Expires)
	}
	c.pass(91 * 24 * time.Hour) // an expired token does not keep its name
	create(t, r, access.NewToken{Name: "ci backup", Role: access.Viewer, Lifetime: time.Hour})
	if all, err := r.List(t.Context()); err != nil || len(all) != 3 || all[0].State(c.now()) != "expired" || all[2].State(c.now()) != "valid" {
		t.Error(all, err)
	}
	m.fails = errors.New("disk")
	if _, _, err := r.Create(t.Context(), access.NewToken{Name: "x", Role: access.Viewer}); !errors.Is(err, m.fails) {
		t.Error(err)
	}
}

func TestRevokeAndExpire(t *testing.T) {
	c := newClock()
	m := &memory{}
	r := access.NewRegistry(m, c.now)
	secret, token := create(t, r, access.NewToken{Name: "ada", Role: access.Viewer, Lifetime: time.Hour})
	second, _ := create(t, r, access.NewToken{Name: "bob", Role: access.Viewer, Lifetime: 2 * time.Hour})
	good := func(secret string) bool {
		t.Helper()
		_, err := r.Authenticate(t.Context(), secret)
		if err != nil && !errors.Is(err, access.ErrUnknownToken) {
			t.Error(err)
		}
		return err == nil
	}
	c.pass(time.Hour - time.Millisecond)
	if !good(secret) || !good(second) {
		t.Error("a token is not good yet")
	}
	c.pass(time.Millisecond)
	if good(secret) || !good(second) {
		t.Error("a token is good to the end of its time, and no longer")
	}
	if _, err := r.ByID(t.Context(), token.ID); !errors.Is(err, access.ErrUnknownToken) {
		t.Error(err)
	}
	if _, err := r.Revoke(t.Context(), "ada"); !errors.Is(err, access.ErrNoSuchToken) {
		t.Error("an expired token is found by its name:", err)
	}
	revoked, err := r.Revoke(t.Context(), "bob")
	if err != nil || good(second) || revoked.State(c.now()) != "revoked" {
		t.Error(revoked, err)
	}
	c.pass(time.Minute)
	if again, err := r.Revoke(t.Context(), revoked.ID); err != nil || !again.Revoked.Equal(revoked.Revoked) {
		t.Error(again, err)
	}
	if ever, err := r.Any(t.Context()); err != nil || !ever {
		t.Error("tokens that are not good any more count as none")
	}
}

// TestOtherProcess has another process revoke and make tokens, and the store fail.
func TestOtherProcess(t *testing.T) {
	c := newClock()
	m := &memory{}
	mine, its := access.NewRegistry(m, c.now), access.NewRegistry(m, c.now)
	if ever, err := mine.Any(t.Context()); ever || err != nil {
		t.Fatal(ever, err)
	}
	c.pass(200 * time.Millisecond)
	secret, token := create(t, its, access.NewToken{Name: "ada", Role: access.Viewer})
	if _, err := mine.Authenticate(t.Context(), secret); err != nil {
		t.Error("a new token is not known:", err)
	}
	if _, err := its.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	c.pass(2 * time.Second)
	if _, err := mine.Authenticate(t.Context(), secret); !errors.Is(err, access.ErrUnknownToken) {
		t.Error("a token that was revoked long ago is good:", err)
	}
	reads := m.reads
	for range 100 {
		_, _ = mine.Authenticate(t.Context(), access.SecretOf([32]byte{7}))
	}
	if m.reads > reads+1 {
		t.Errorf("100 unknown tokens led to %d reads", m.reads-reads)
	}

	secret, _ = create(t, mine, access.NewToken{Name: "bob", Role: access.Viewer})
	if _, err := mine.Authenticate(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	m.fails = errors.New("disk")
	for _, x := range []struct {
		later time.Duration
		ok    bool
	}{{5 * time.Minute, true}, {6 * time.Minute, false}} {
		c.pass(x.later)
		if _, err := mine.Authenticate(t.Context(), secret); (err == nil) != x.ok || err != nil && !errors.Is(err, m.fails) {
			t.Errorf("%v later: %v", x.later, err)
		}
	}
	if _, err := mine.ByID(t.Context(), "tk_"); !errors.Is(err, m.fails) {
		t.Error(err)
	}
	if _, err := mine.Any(t.Context()); !errors.Is(err, m.fails) {
		t.Error("a store that cannot be read looks as if there were no tokens")
	}
}

func TestLastUsed(t *testing.T) {
	c := newClock()
	m := &memory{}
	r := access.NewRegistry(m, c.now)
	secret, _ := create(t, r, access.NewToken{Name: "ada", Role: access.Viewer})
	var group sync.WaitGroup
	for range 8 { // for the race detector
		group.Go(func() {
			for range 20 {
				_, _ = r.Authenticate(t.Context(), secret)
				c.pass(20 * time.Second)
			}
		})
	}
	group.Wait()
	_, _ = r.Authenticate(t.Context(), secret)
	if age := c.now().Sub(m.all[0].LastUsed); age >= time.Minute {
		t.Errorf("the last use was %v ago", age)
	}
}
