package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// content reads all that get gives.
func content(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

func (p *prober) read(ctx context.Context) error {
	data, err := content(p.store.Get(ctx, p.key("a")))
	if err == nil && !bytes.Equal(data, p.data) {
		return fmt.Errorf("wrote %d bytes and read %d others", len(p.data), len(data))
	}
	return err
}

func (p *prober) readRange(ctx context.Context) error {
	const off, n = 100, 300
	data, err := content(p.store.GetRange(ctx, p.key("a"), off, n))
	if err != nil {
		return err
	}
	if !bytes.Equal(data, p.data[off:off+n]) {
		return fmt.Errorf("asked for %d bytes and read %d others", n, len(data))
	}
	if _, err := content(p.store.GetRange(ctx, p.key("a"), off, int64(len(p.data)))); !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("a range beyond the end gave %v", err)
	}
	return nil
}

// exclusive tries to overwrite, in the usual way and past our own look.
func (p *prober) exclusive(ctx context.Context) {
	err := p.store.Put(ctx, p.key("a"), strings.NewReader("another"))
	switch {
	case err == nil:
		err = errors.New("an object that existed was overwritten")
	case errors.Is(err, store.ErrExist):
		err = p.read(ctx)
	}
	c, ok := p.store.(conditional)
	if err != nil || !ok {
		p.add(NameExclusive, err, "")
		return
	}
	// The object that is risked is one of its own.
	if err := p.store.Put(ctx, p.key("b"), strings.NewReader("first")); err != nil {
		p.add(NameExclusive, err, "")
		return
	}
	honoured, err := c.HonoursCondition(ctx, p.key("b"))
	if err == nil && !honoured {
		p.missing(NameExclusive, "the server ignores the condition: two runs that write the same key at the same time may overwrite each other")
		return
	}
	p.add(NameExclusive, err, "")
}

// find looks an object up in the listing, which may lag.
func (p *prober) find(ctx context.Context, name string) (store.Info, error) {
	for deadline := p.options.Now().Add(p.options.Settle); ; {
		for info, err := range p.store.List(ctx, p.prefix) {
			if err != nil {
				return store.Info{}, err
			}
			if info.Key == p.key(name) {
				if info.Size != int64(len(p.data)) {
					return info, fmt.Errorf("an object of %d bytes is listed with %d", len(p.data), info.Size)
				}
				return info, nil
			}
		}
		if p.options.Now().After(deadline) {
			return store.Info{}, fmt.Errorf("an object is not listed within %v", p.options.Settle)
		}
		if err := wait(ctx, p.options.Settle/10); err != nil {
			return store.Info{}, err
		}
	}
}

func (p *prober) checksum(ctx context.Context) {
	c, ok := p.store.(store.Checksummer)
	if !ok {
		p.missing(NameChecksum, "verify --level quick compares sizes only")
		return
	}
	sum, size, err := c.Checksum(ctx, p.key("a"))
	if err != nil {
		p.add(NameChecksum, err, "")
		return
	}
	h, known := sum.NewHash()
	if known {
		h.Write(p.data)
	}
	switch {
	case size != int64(len(p.data)):
		p.add(NameChecksum, fmt.Errorf("an object of %d bytes is said to have %d", len(p.data), size), "")
	case !known:
		p.missing(NameChecksum, "the store keeps none that is known: verify --level quick compares sizes only")
	case !bytes.Equal(h.Sum(nil), sum.Sum):
		p.missing(NameChecksum, "what the store gives as "+sum.Algorithm+" is none: verify --level quick compares sizes only")
	default:
		p.add(NameChecksum, nil, sum.Algorithm)
	}
}

// clock compares the time of an object with when it was written.
func (p *prober) clock(stored, before, after time.Time) {
	switch {
	case stored.After(after):
		p.report.Skew = stored.Sub(after)
	case stored.Before(before.Truncate(time.Second)): // stores cut fractions off
		p.report.Skew = -before.Sub(stored)
	}
	skew := p.report.Skew.Round(time.Second)
	detail := ""
	switch {
	case skew > 0:
		detail = fmt.Sprintf("the store is %v ahead", skew)
	case skew < 0:
		detail = fmt.Sprintf("the store is %v behind", -skew)
	}
	if p.report.Skew.Abs() > MaxSkew {
		p.add(NameClock, fmt.Errorf("%s: set the clock of this machine", detail), "")
		return
	}
	p.add(NameClock, nil, detail)
}

// lock keeps an object for a few seconds.
func (p *prober) lock(ctx context.Context) (detail string, err error) {
	l, ok := p.store.(store.Locker)
	if !ok {
		return "", fmt.Errorf("%w: the store has no locks", errors.ErrUnsupported)
	}
	key := p.key("locked")
	until := p.options.Now().Add(p.options.LockFor + max(0, p.report.Skew)).Truncate(time.Second).Add(time.Second)
	p.unlocked = until
	if err := l.PutUntil(ctx, key, bytes.NewReader(p.data), until); err != nil {
		return "", err
	}
	if got, err := l.LockedUntil(ctx, key); err != nil || got.Before(until) {
		return "", errors.Join(err, fmt.Errorf("locked until %v instead of %v", got, until))
	}
	if err := p.store.Delete(ctx, key); !errors.Is(err, store.ErrLocked) {
		return "", fmt.Errorf("the delete of a locked object gave: %v", err)
	}
	if f, ok := p.store.(forcer); ok && f.DeleteLocked(ctx, key) == nil {
		return "", errors.New("the server promised to keep an object, and removed it when it was asked to")
	}
	data, err := content(p.store.Get(ctx, key))
	if err == nil && !bytes.Equal(data, p.data) {
		err = errors.New("a locked object has changed")
	}
	return "a locked object could not be removed", err
}

func (p *prober) remove(ctx context.Context) error {
	if err := p.store.Delete(ctx, p.key("a")); err != nil {
		return err
	}
	if _, err := content(p.store.Get(ctx, p.key("a"))); !errors.Is(err, store.ErrNotExist) {
		return fmt.Errorf("the store said that it deleted an object; reading it gave: %v", err)
	}
	return nil
}

// relist waits until the listing forgets the deleted object.
func (p *prober) relist(ctx context.Context) error {
	for deadline := p.options.Now().Add(p.options.Settle); ; {
		listed := false
		for info, err := range p.store.List(ctx, p.prefix) {
			if err != nil {
				return err
			}
			listed = listed || info.Key == p.key("a")
		}
		if !listed {
			return nil
		}
		if p.options.Now().After(deadline) {
			return fmt.Errorf("a deleted object is still listed after %v", p.options.Settle)
		}
		if err := wait(ctx, p.options.Settle/10); err != nil {
			return err
		}
	}
}

// cleanup removes all that the probe may have left, even when ctx has ended.
func (p *prober) cleanup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime+p.options.LockFor)
	defer cancel()
	if rest := p.unlocked.Sub(p.options.Now()) + max(0, -p.report.Skew); !p.unlocked.IsZero() && rest > 0 {
		if err := wait(ctx, rest+time.Second); err != nil {
			return err
		}
	}
	names := []string{"a", "b"}
	if !p.unlocked.IsZero() {
		names = append(names, "locked")
	}
	var errs []error
	for _, name := range names {
		var err error
		if v, ok := p.store.(purger); ok {
			err = v.Purge(ctx, p.key(name))
		} else {
			err = p.store.Delete(ctx, p.key(name))
		}
		if until, locked := store.KeptUntil(err); locked {
			err = fmt.Errorf("%s stays: the store locks every object; it is %w", p.key(name), &store.LockedError{Until: until})
		}
		errs = append(errs, err)
	}
	for info, err := range p.store.List(ctx, p.prefix) {
		if err == nil {
			err = fmt.Errorf("%s is still listed", info.Key)
		}
		errs = append(errs, err)
	}
	if f, ok := p.store.(folderRemover); ok && errors.Join(errs...) == nil {
		errs = append(errs, f.RemoveFolder(ctx, strings.TrimSuffix(p.prefix, "/")))
	}
	return errors.Join(errs...)
}

// wait waits, or returns the cause of the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
