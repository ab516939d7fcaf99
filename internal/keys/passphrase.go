package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"runtime/debug"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// maxPassphrase is the most bytes that a passphrase has; more is some other
// file.
const maxPassphrase = 1024

// Cost is what Argon2id (RFC 9106) costs.
type Cost struct {
	Time      uint32 // passes over the memory
	MemoryKiB uint32
	Lanes     uint8
}

// DefaultCost is the second choice of RFC 9106, for where memory is dear: the
// first would take 2 GiB, and litekeep promises to stay below 128 MiB.
func DefaultCost() Cost { return Cost{Time: 3, MemoryKiB: 64 << 10, Lanes: 4} }

// Check tells whether c is within what records may ask for.
func (c Cost) Check() error {
	if c.Time < 1 || c.Time > maxTime || c.MemoryKiB < minMemoryKiB || c.MemoryKiB > maxMemoryKiB ||
		c.Lanes < 1 || c.Lanes > maxLanes {
		return fmt.Errorf("a cost of %d passes, %d KiB and %d lanes is outside 1 to %d, %d to %d and 1 to %d",
			c.Time, c.MemoryKiB, c.Lanes, maxTime, minMemoryKiB, maxMemoryKiB, maxLanes)
	}
	return nil
}

// passphrase is a Key. Its stretched forms are kept, since each takes a tenth
// of a second and 64 MiB.
type passphrase struct {
	hidden
	phrase secret
	cost   Cost // of new records
	salt   [saltBytes]byte

	mu    sync.Mutex // one stretching at a time: two would take twice the memory
	known map[stretch]*wrapper
}

// stretch is what, besides the passphrase, its stretched form follows from.
type stretch struct {
	salt [saltBytes]byte
	cost Cost
}

// maxKnown bounds the stretched forms that are kept. A run has one for each
// process that made one of the backups at hand.
const maxKnown = 256

// NewPassphrase returns the key of a passphrase. The bytes count as they are,
// without any change to their Unicode form, but for one line end (LF or CRLF)
// at the end, which editors and echo add. An empty passphrase, one of only
// white space, one that has another line end or a NUL, and one that is longer
// than 1024 bytes are refused; the error matches ErrSecret. c is the cost of the
// records that are made with the key.
func NewPassphrase(text []byte, c Cost) (Key, error) {
	text, err := trimPassphrase(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecret, err)
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	p := &passphrase{hidden: hidden{"a passphrase"}, phrase: newSecret(text), cost: c, known: map[stretch]*wrapper{}}
	if _, err := rand.Read(p.salt[:]); err != nil {
		return nil, fmt.Errorf("make salt: %w", err)
	}
	return p, nil
}

func trimPassphrase(text []byte) ([]byte, error) {
	if t, ok := bytes.CutSuffix(text, []byte("\n")); ok {
		text = bytes.TrimSuffix(t, []byte("\r"))
	}
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("the passphrase is empty")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, fmt.Errorf("the passphrase is nothing but white space")
	case len(text) > maxPassphrase:
		return nil, fmt.Errorf("the passphrase is longer than %d bytes; is it another file?", maxPassphrase)
	case bytes.ContainsAny(text, "\n\r\x00"):
		return nil, fmt.Errorf("the passphrase has more than one line; is it another file?")
	case !utf8.Valid(text):
		return nil, fmt.Errorf("the passphrase is not UTF-8 text")
	}
	return text, nil
}

// Type returns TypePassphrase.
func (p *passphrase) Type() string { return TypePassphrase }

// Wrap wraps under the passphrase and this key's salt.
func (p *passphrase) Wrap(ctx context.Context, backup, dataKey []byte) (Record, error) {
	w, err := p.stretched(ctx, stretch{p.salt, p.cost})
	if err != nil {
		return Record{}, err
	}
	return w.wrap(Record{
		Type: TypePassphrase, KDF: kdfArgon2id, Salt: bytes.Clone(p.salt[:]),
		Time: p.cost.Time, MemoryKiB: p.cost.MemoryKiB, Lanes: p.cost.Lanes,
	}, backup, dataKey)
}

// Unwrap opens a record, which may cost what its Cost says.
func (p *passphrase) Unwrap(ctx context.Context, backup []byte, r Record) ([]byte, error) {
	if r.Type != TypePassphrase {
		return nil, ErrOtherKey
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	w, err := p.stretched(ctx, stretch{[saltBytes]byte(r.Salt), r.Cost()})
	if err != nil {
		return nil, err
	}
	return w.unwrap(backup, r)
}

func (p *passphrase) stretched(ctx context.Context, s stretch) (*wrapper, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w := p.known[s]; w != nil {
		return w, nil
	}
	w, err := newWrapper(argon2.IDKey(p.phrase.reveal(), s.salt[:], s.cost.Time, s.cost.MemoryKiB, s.cost.Lanes, 32))
	// Else the collector would let garbage grow to as much again before it
	// runs, and the memory stay with the process.
	debug.FreeOSMemory()
	if err != nil {
		return nil, err
	}
	if len(p.known) >= maxKnown {
		clear(p.known)
	}
	p.known[s] = w
	return w, nil
}
