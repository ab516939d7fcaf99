package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// DefaultLifetime is how long a token is good where nobody says otherwise.
const DefaultLifetime = 90 * 24 * time.Hour

const (
	tokenIDPrefix = "tk_"
	tokenIDBytes  = 6
	maxTokens     = 1000 // that are good at a time: all of them are held in memory
	maxName       = 64
	maxLifetime   = 10 * 365 * 24 * time.Hour
	// cacheFor is how long the list of tokens is good. Within it a token that
	// another process revokes still works.
	cacheFor = 2 * time.Second
	// missAfter is how old the list must be for a token that is not in it to make
	// it be read again: a flood of wrong tokens is not to be one of reads.
	missAfter = 100 * time.Millisecond
	// staleFor is how long the list is used when the store cannot be read.
	staleFor = 10 * time.Minute
	// touchEvery is how exact the time of the last use is.
	touchEvery = time.Minute
)

// ErrTokenExists says that a token that is good has the name already.
var ErrTokenExists = errors.New("there is a token of that name")

// ErrNoSuchToken says that no token has the id or name.
var ErrNoSuchToken = errors.New("there is no such token")

// A Token is what is stored of a token: all but the token itself. Times are UTC,
// zero for never.
type Token struct {
	ID        string // "tk_" and 12 hexadecimal digits
	Name      string
	Hash      [sha256.Size]byte // of the token
	Role      Role
	Databases []string // empty for all
	Created   time.Time
	Expires   time.Time
	LastUsed  time.Time
	Revoked   time.Time
}

// Valid reports whether the token is good at a time.
func (t Token) Valid(now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// State is "valid", "expired" or "revoked".
func (t Token) State(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !t.Valid(now):
		return "expired"
	}
	return "valid"
}

func (t Token) principal(from, via string) Principal {
	return Principal{ID: t.ID, Name: t.Name, Role: t.Role, Databases: slices.Clone(t.Databases), From: from, Via: via}
}

// A TokenStore keeps tokens, and must be safe for concurrent use.
type TokenStore interface {
	// PutToken stores a new token. It MUST be durable when it returns.
	PutToken(ctx context.Context, t Token) error
	// Tokens returns all tokens, also those that are revoked or have expired.
	// A store MAY forget these after some months.
	Tokens(ctx context.Context) ([]Token, error)
	// EverToken reports whether there ever was a token, also one that was
	// forgotten, or lost with what kept it: a service that never had one is open
	// to its machine, and damage must not open it.
	EverToken(ctx context.Context) (bool, error)
	// RevokeToken sets Revoked. It MUST be durable when it returns. Revoking twice
	// keeps the first time. An id that does not exist is ErrNoSuchToken.
	RevokeToken(ctx context.Context, id string, at time.Time) error
	// TouchToken sets LastUsed. It need not be durable when it returns.
	TouchToken(ctx context.Context, id string, at time.Time) error
}

// NewToken says what token to make.
type NewToken struct {
	Name      string // for people; of letters, digits, blanks and .-_@, 64 at most
	Role      Role
	Databases []string // empty for all
	// Lifetime is how long it is good. 0 for DefaultLifetime; 10 years at most.
	Lifetime time.Duration
	// Never makes a token that does not expire. Lifetime must be 0 then.
	Never bool
}

// A Registry makes tokens and knows them again. It is safe for concurrent use.
type Registry struct {
	store TokenStore
	now   func() time.Time

	making sync.Mutex // one token at a time, for the check of names
	mu     sync.Mutex // guards what is below
	all    []Token
	read   time.Time // when all was read, zero for never
}

// NewRegistry returns a registry of the tokens in a store.
func NewRegistry(store TokenStore, now func() time.Time) *Registry {
	return &Registry{store: store, now: now}
}

// Create makes and stores a token. The secret is the token itself: whoever asked
// for it is shown it, and nobody can be ever again.
func (r *Registry) Create(ctx context.Context, n NewToken) (secret string, t Token, err error) {
	if err := n.Check(); err != nil {
		return "", Token{}, err
	}
	r.making.Lock()
	defer r.making.Unlock()
	now := r.now().UTC().Truncate(time.Millisecond)
	all, err := r.store.Tokens(ctx)
	if err != nil {
		return "", Token{}, fmt.Errorf("read tokens: %w", err)
	}
	good := 0
	for _, old := range all {
		if !old.Valid(now) {
			continue
		}
		if good++; good >= maxTokens {
			return "", Token{}, fmt.Errorf("there are %d tokens; revoke some first", good)
		}
		if old.Name == n.Name {
			return "", Token{}, fmt.Errorf("%w: %s is %s", ErrTokenExists, n.Name, old.ID)
		}
	}
	secret = newSecret()
	t = Token{ID: newTokenID(), Name: n.Name, Hash: hashSecret(secret), Role: n.Role, Databases: slices.Sorted(slices.Values(n.Databases)), Created: now}
	t.Databases = slices.Compact(t.Databases)
	if !n.Never {
		t.Expires = now.Add(n.Lifetime)
		if n.Lifetime == 0 {
			t.Expires = now.Add(DefaultLifetime)
		}
	}
	if err := r.store.PutToken(ctx, t); err != nil {
		return "", Token{}, fmt.Errorf("store token: %w", err)
	}
	r.forget()
	return secret, t, nil
}

// Check returns what is wrong with n; Create does so, too.
func (n NewToken) Check() error {
	odd := func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(" .-_@", c)
	}
	switch {
	case n.Name == "" || strings.TrimSpace(n.Name) != n.Name || len(n.Name) > maxName || strings.ContainsFunc(n.Name, odd):
		return fmt.Errorf("%q is no name for a token: it takes letters, digits, blanks and .-_@, %d bytes at most", n.Name, maxName)
	case strings.HasPrefix(n.Name, tokenIDPrefix), strings.HasPrefix(n.Name, secretPrefix):
		return fmt.Errorf("%q is no name for a token: that is how ids and tokens begin", n.Name)
	case n.Name == ViaLocal || n.Name == ViaService:
		return fmt.Errorf("%q is no name for a token: the audit log uses it", n.Name)
	case slices.Contains(n.Databases, ""):
		return errors.New("a database without a name; leave out all for a token of all databases")
	case n.Never && n.Lifetime != 0:
		return errors.New("a token that never expires has no lifetime")
	case n.Lifetime < 0 || n.Lifetime > maxLifetime:
		return errors.New("a token is good for 10 years at most, or never expires")
	}
	_, err := ParseRole(string(n.Role))
	return err
}

func newTokenID() string {
	var b [tokenIDBytes]byte
	rand.Read(b[:])
	return tokenIDPrefix + hex.EncodeToString(b[:])
}

// List returns all tokens, also those that are not good any more, by the time of
// their making.
func (r *Registry) List(ctx context.Context) ([]Token, error) {
	all, err := r.store.Tokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Token) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// Revoke ends a token, named by its id, or by its name if it is good. The error
// matches ErrNoSuchToken where there is none.
func (r *Registry) Revoke(ctx context.Context, idOrName string) (Token, error) {
	all, err := r.List(ctx)
	if err != nil {
		return Token{}, err
	}
	now := r.now().UTC().Truncate(time.Millisecond)
	i := slices.IndexFunc(all, func(t Token) bool { return t.ID == idOrName || t.Name == idOrName && t.Valid(now) })
	if i < 0 {
		return Token{}, fmt.Errorf("%w: %s", ErrNoSuchToken, idOrName)
	}
	t := all[i]
	if err := r.store.RevokeToken(ctx, t.ID, now); err != nil {
		return Token{}, fmt.Errorf("revoke token: %w", err)
	}
	if t.Revoked.IsZero() {
		t.Revoked = now
	}
	r.forget()
	return t, nil
}

// Authenticate returns the token that a secret is. The error matches ErrToken or
// ErrUnknownToken for what is none, and is the store's where that cannot be read.
func (r *Registry) Authenticate(ctx context.Context, secret string) (Token, error) {
	if err := checkSecret(secret); err != nil {
		return Token{}, err
	}
	hash := hashSecret(secret)
	t, ok, err := r.lookup(ctx, func(t Token) bool { return subtle.ConstantTimeCompare(t.Hash[:], hash[:]) == 1 })
	switch {
	case err != nil:
		return Token{}, err
	case !ok:
		return Token{}, ErrUnknownToken
	case !t.Valid(r.now()):
		return Token{}, fmt.Errorf("%w: %s (%s) is %s", ErrUnknownToken, t.Name, t.ID, t.State(r.now()))
	}
	r.touch(ctx, t)
	return t, nil
}

// ByID returns a token that is good, for the sessions that were begun with it.
func (r *Registry) ByID(ctx context.Context, id string) (Token, error) {
	t, ok, err := r.lookup(ctx, func(t Token) bool { return t.ID == id })
	switch {
	case err != nil:
		return Token{}, err
	case !ok || !t.Valid(r.now()):
		return Token{}, ErrUnknownToken
	}
	return t, nil
}

// Any reports whether there ever was a token.
func (r *Registry) Any(ctx context.Context) (bool, error) {
	all, err := r.list(ctx, cacheFor)
	if err != nil || len(all) > 0 {
		return len(all) > 0, err
	}
	ever, err := r.store.EverToken(ctx)
	if err != nil {
		return false, fmt.Errorf("read tokens: %w", err)
	}
	return ever, nil
}

// lookup finds a token in the list, and reads it again where it is not there.
func (r *Registry) lookup(ctx context.Context, is func(Token) bool) (Token, bool, error) {
	for _, age := range []time.Duration{cacheFor, missAfter} {
		all, err := r.list(ctx, age)
		if err != nil {
			return Token{}, false, err
		}
		if i := slices.IndexFunc(all, is); i >= 0 {
			return all[i], true, nil
		}
	}
	return Token{}, false, nil
}

// list returns the tokens as they were so long ago at most. Where the store cannot
// be read, an older list will do for a while.
func (r *Registry) list(ctx context.Context, age time.Duration) ([]Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	old := now.Sub(r.read)
	if !r.read.IsZero() && old >= 0 && old < age {
		return r.all, nil
	}
	all, err := r.store.Tokens(ctx)
	if err == nil {
		r.all, r.read = slices.Clone(all), now
		return r.all, nil
	}
	if !r.read.IsZero() && old >= 0 && old < staleFor {
		return r.all, nil
	}
	return nil, fmt.Errorf("read tokens: %w", err)
}

// forget makes the next look read the tokens again, whatever happens: the list has a
// token too few or too many.
func (r *Registry) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read, r.all = time.Time{}, nil
}

// touch notes that a token was used. That it cannot be noted hinders nobody.
func (r *Registry) touch(ctx context.Context, t Token) {
	now := r.now().UTC().Truncate(time.Millisecond)
	r.mu.Lock()
	i := slices.IndexFunc(r.all, func(o Token) bool { return o.ID == t.ID })
	due := i >= 0 && (now.Sub(r.all[i].LastUsed) >= touchEvery || now.Before(r.all[i].LastUsed))
	if due {
		r.all = slices.Clone(r.all) // others may be reading the list
		r.all[i].LastUsed = now     // also where it fails: once a minute is enough to try
	}
	r.mu.Unlock()
	if due {
		_ = r.store.TouchToken(ctx, t.ID, now)
	}
}
