package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/store"
)

// ErrDamaged is wrapped by errors that say that a copy is not what was written.
var ErrDamaged = errors.New("the copy is damaged")

// A Source is where a copy is made from.
type Source struct {
	Ref
	Stored manifest.Stored // the object
	Text   []byte          // of the manifest
	// Open returns the object's content. The caller closes it.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Beside are the other files of the backup that go with it, by suffix.
	Beside map[string][]byte
	// Progress, if not nil, is called with the bytes of the object so far, from
	// several goroutines when there are several copies.
	Progress func(n int64)
}

// From makes a Source of a copy in a place.
func (p *Place) From(ctx context.Context, c *Copy) (*Source, error) {
	s := &Source{Ref: c.Ref, Stored: c.Outline.Stored, Text: c.Text, Beside: map[string][]byte{}}
	s.Open = func(ctx context.Context) (io.ReadCloser, error) { return p.Store.Get(ctx, c.Key()) }
	for _, suffix := range c.Beside {
		if !goesAlong(suffix) {
			continue // what is known of that copy, not of the backup
		}
		text, err := p.ReadFile(ctx, c.Ref, suffix)
		if err != nil {
			return nil, err
		}
		s.Beside[suffix] = text
	}
	return s, nil
}

// Put makes a copy of s in p: the object, which is read back from p, the files
// beside it, and the manifest last. A whole object that is there already, as an
// interrupted run leaves it, is taken as it is. When the source turns out to be
// damaged nothing is stored. What is wrong with either copy wraps ErrDamaged.
func (p *Place) Put(ctx context.Context, s *Source) error {
	if err := p.putObject(ctx, s); err != nil {
		return fmt.Errorf("copy to %s: %w", p.Name, err)
	}
	if err := p.noteStored(ctx, s.Ref); err != nil {
		return fmt.Errorf("copy to %s: %w", p.Name, err)
	}
	for suffix, text := range s.Beside {
		put := p.putFile
		if suffix == PinSuffix {
			put = p.replaceFile // an earlier try may have left an older one
		}
		if err := put(ctx, s.Key()+suffix, text); err != nil {
			return fmt.Errorf("copy to %s: %w", p.Name, err)
		}
	}
	if err := p.putFile(ctx, s.Key()+manifest.Suffix, s.Text); err != nil {
		return fmt.Errorf("copy to %s: %w", p.Name, err)
	}
	return nil
}

func (p *Place) putObject(ctx context.Context, s *Source) error {
	r, err := s.Open(ctx)
	if err != nil {
		return err
	}
	err = store.PutSized(ctx, p.Store, s.Key(), newChecked(r, s), s.Stored.Bytes)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	made := err == nil
	if err != nil && !errors.Is(err, store.ErrExist) {
		return err
	}
	err = p.verify(ctx, s.Ref, s.Stored, nil)
	if err != nil && made && errors.Is(err, ErrDamaged) {
		// Ours, and not listed: it would only be in the way of the next try.
		err = errors.Join(err, p.Store.Delete(ctx, s.Key()))
	}
	return err
}

// putFile stores a small file, or finds it there.
func (p *Place) putFile(ctx context.Context, key string, text []byte) error {
	err := p.Store.Put(ctx, key, bytes.NewReader(text))
	if !errors.Is(err, store.ErrExist) {
		return err
	}
	r, err := p.Store.Get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	there, err := io.ReadAll(io.LimitReader(r, int64(len(text))+1))
	if err == nil && !bytes.Equal(there, text) {
		err = fmt.Errorf("another %s is there: %w", key, ErrDamaged)
	}
	return err
}

// checked reads an object and fails at its end unless it was the one that its
// manifest describes.
type checked struct {
	r        io.Reader
	ref      Ref
	want     manifest.Stored
	sum      hash.Hash
	n        int64
	progress func(int64)
}

func newChecked(r io.Reader, s *Source) *checked {
	return &checked{r: r, ref: s.Ref, want: s.Stored, sum: sha256.New(), progress: s.Progress}
}

func (c *checked) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.sum.Write(b[:n])
	c.n += int64(n)
	if c.progress != nil {
		c.progress(c.n)
	}
	switch {
	case c.n > c.want.Bytes:
		return n, fmt.Errorf("%s has more than %d bytes: %w", c.ref.Key(), c.want.Bytes, ErrDamaged)
	case !errors.Is(err, io.EOF):
		return n, err
	case c.n < c.want.Bytes:
		return n, fmt.Errorf("%s has %d bytes, not %d: %w", c.ref.Key(), c.n, c.want.Bytes, ErrDamaged)
	}
	if sum := manifest.Hash(c.sum.Sum(nil)); sum != c.want.SHA256 {
		return n, fmt.Errorf("the SHA-256 of %s is %v, not %v: %w", c.ref.Key(), sum, c.want.SHA256, ErrDamaged)
	}
	return n, io.EOF
}
