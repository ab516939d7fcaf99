package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
)

// A Place is one of the stores that backups are kept in.
type Place struct {
	Name   string // the destination as it was given, for people
	Store  store.Store
	Policy retention.Policy
	// Grace is how long what is dropped stays in the trash; 0 removes it at once.
	Grace time.Duration
	// TermsOf, if not nil, says what is kept of a database instead of Policy and Grace.
	TermsOf func(ctx context.Context, database string) Terms
}

// A Ref names a backup, in every place.
type Ref struct {
	Database string
	Object   string // file name of the object
}

// Key is the key of the object.
func (r Ref) Key() string { return path.Join(r.Database, r.Object) }

// ParseKey is the reverse of Key. ok is false for a key that is no object's.
func ParseKey(key string) (r Ref, ok bool) {
	r.Database, r.Object = path.Split(key)
	r.Database = strings.TrimSuffix(r.Database, "/")
	_, _, ok = manifest.ParseObjectName(r.Object)
	return r, ok && r.Database != "" && !strings.Contains(r.Database, "/")
}

// A Copy is what a place has of a backup.
type Copy struct {
	Ref
	Size    int64    // of the object, -1 if it is missing
	Text    []byte   // of the manifest
	Outline *Outline // nil when the manifest cannot be read
	Beside  []string // suffixes of the other files of the backup
	// Problem says what is wrong with the copy as far as listing can tell, ""
	// if nothing is.
	Problem string
}

// An Outline is what every manifest tells, also that of a sealed backup without
// its key.
type Outline struct {
	Object   string
	Stored   manifest.Stored
	Verified time.Time // zero if the backup was never read back
	Source   string    // path of the database; "" where that is sealed
}

// ReadOutline reads the text of a manifest.
func ReadOutline(text []byte) (*Outline, error) {
	if manifest.IsSealed(text) {
		m, _, err := manifest.DecodeSealed(text)
		if err != nil {
			return nil, err
		}
		return &Outline{m.Object, m.Stored, m.Verified.Time, ""}, nil
	}
	m, err := manifest.Decode(text)
	if err != nil {
		return nil, err
	}
	return &Outline{m.Object, m.Stored, m.Verified.Time, m.Source.Path}, nil
}

// maxManifest bounds what is read of a manifest: more than 3 million frames.
const maxManifest = 512 << 20

// readers is how many small objects are read at the same time.
const readers = 8

// parseFile tells which backup a key belongs to. Every file of a backup begins
// with the name of its object; the longest name that is one counts.
func parseFile(key string) (ref Ref, suffix string, ok bool) {
	if ref, ok := ParseKey(key); ok {
		return ref, "", true
	}
	for i := len(key) - 1; i > 0 && key[i] != '/'; i-- {
		if key[i] == '.' {
			if ref, ok := ParseKey(key[:i]); ok {
				return ref, key[i:], true
			}
		}
	}
	return Ref{}, "", false
}

// readManifest reads the manifest of c, which has the given suffix. What is wrong
// with it is its Problem; the error is one of the place.
func (p *Place) readManifest(ctx context.Context, c *Copy, suffix string) error {
	var err error
	if c.Text, err = p.ReadFile(ctx, c.Ref, suffix); err != nil {
		if errors.Is(err, store.ErrNotExist) {
			c.Problem = "its manifest went while it was listed"
			return nil
		}
		return err
	}
	m, err := ReadOutline(c.Text)
	switch {
	case err != nil:
		c.Problem = err.Error()
	case m.Object != c.Object:
		c.Problem = "the manifest belongs to " + m.Object
	case c.Size < 0:
		c.Problem = "the object is missing"
	case c.Size != m.Stored.Bytes:
		c.Problem = fmt.Sprintf("the object has %d bytes, not %d", c.Size, m.Stored.Bytes)
	}
	if err == nil && m.Object == c.Object {
		c.Outline = m
	}
	return nil
}

// ReadFile reads a small file of a backup.
func (p *Place) ReadFile(ctx context.Context, ref Ref, suffix string) ([]byte, error) {
	r, err := p.Store.Get(ctx, ref.Key()+suffix)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err == nil && len(text) > maxManifest {
		err = fmt.Errorf("%s has more than %d bytes", ref.Key()+suffix, maxManifest)
	}
	return text, err
}

// verified tells whether the manifest says that the backup was read back.
func (c *Copy) verified() bool { return c.Outline != nil && !c.Outline.Verified.IsZero() }

// group tells the backups of one database from those of others: by its name and,
// where the manifest tells it, its path, since two can have one name.
func (c *Copy) group() string {
	if c.Outline == nil {
		return c.Database + "\x00"
	}
	return c.Database + "\x00" + c.Outline.Source
}

// label is what messages call a file of the place: its path, where it has one.
func (p *Place) label(key string) string {
	if l, ok := p.Store.(store.Locator); ok {
		if path, err := l.Path(key); err == nil {
			return path
		}
	}
	return key + " in " + p.Name
}

// created is the time of a backup, as its name has it.
func (r Ref) created() time.Time {
	t, _, _ := manifest.ParseObjectName(r.Object)
	return t.Time
}
