package vault

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/faulty"
)

const day = 24 * time.Hour

// cutOff is a store of a process that ends after some changes: all that it does
// later fails.
type cutOff struct {
	store.Store
	left int
}

var errCutOff = errors.New("the process has ended")

func (c *cutOff) change() error {
	if c.left == 0 {
		return errCutOff
	}
	c.left--
	return nil
}

func (c *cutOff) Put(ctx context.Context, key string, r io.Reader) error {
	if err := c.change(); err != nil {
		return err
	}
	return c.Store.Put(ctx, key, r)
}

func (c *cutOff) Delete(ctx context.Context, key string) error {
	if err := c.change(); err != nil {
		return err
	}
	return c.Store.Delete(ctx, key)
}

// TestCutOff ends each operation after each of its changes, in a store that cannot
// rename. The backup is in one piece at every moment, listed or in the trash, until
// its removal begins; and the same operation, done again, gets to its end.
func TestCutOff(t *testing.T) {
	const grace = 3 * day
	trash := func(t *testing.T, p *Place, s *Source) {
		t.Helper()
		if _, err := p.Delete(t.Context(), s.Ref, now, true, false); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		prepare func(*testing.T, *Place, *Source)
		do      func(context.Context, *Place, *Source) error
		removes bool
		listed  bool // in the end
		least   int  // changes
	}{
		"prune": {nil, func(ctx context.Context, p *Place, _ *Source) error {
			_, err := p.Prune(ctx, "app", now, false)
			return err
		}, false, false, 2},
		"delete": {nil, func(ctx context.Context, p *Place, s *Source) error {
			_, err := p.Delete(ctx, s.Ref, now, false, false)
			if errors.Is(err, ErrNotThere) {
				err = nil // the second time
			}
			return err
		}, false, false, 2},
		"undelete": {trash, func(ctx context.Context, p *Place, s *Source) error {
			err := p.Undelete(ctx, s.Ref, now)
			if errors.Is(err, ErrNotThere) {
				err = nil
			}
			return err
		}, false, true, 3},
		"expire": {trash, func(ctx context.Context, p *Place, _ *Source) error {
			_, err := p.Prune(ctx, "app", now.Add(grace), false)
			return err
		}, true, false, 5},
		"empty": {trash, func(ctx context.Context, p *Place, _ *Source) error {
			_, err := p.EmptyTrash(ctx, "app", now, false, false)
			return errors.Join(err, finishAll(ctx, p))
		}, true, false, 5},
	} {
		t.Run(name, func(t *testing.T) {
			for changes := 0; ; changes++ {
				p, memory, _ := place("a")
				p.Grace = grace
				s := backup(t, 10*day)
				put(t, s, p)
				put(t, backup(t, time.Hour), p)
				if test.prepare != nil {
					test.prepare(t, p, s)
				}
				p.Store = &cutOff{memory, changes}
				err := test.do(t.Context(), p, s)
				p.Store = memory
				if err == nil {
					if changes < test.least {
						t.Errorf("done after %d changes", changes)
					}
					return
				}
				if !errors.Is(err, errCutOff) {
					t.Fatalf("after %d changes: %v", changes, err)
				}
				found := scan(t, p)
				whole := len(found.Copies) + len(found.Trash)
				if whole != 2 && !(test.removes && whole == 1) {
					t.Errorf("after %d changes there are %q", changes, keys(t, memory))
				}
				for _, x := range found.Trash {
					if x.Problem != "" {
						t.Errorf("after %d changes: %s", changes, x.Problem)
					}
				}
				if err := test.do(t.Context(), p, s); err != nil {
					t.Errorf("again after %d changes: %v", changes, err)
				}
				found = scan(t, p)
				if listed := len(found.Copies) == 2; listed != test.listed || len(found.unlisted) > 0 || test.removes && len(keys(t, memory)) != 3 {
					t.Errorf("again after %d changes: %q", changes, keys(t, memory))
				}
			}
		})
	}
}

// finishAll finishes what was unlisted, as the next prune does.
func finishAll(ctx context.Context, p *Place) error {
	found, err := p.Scan(ctx, "")
	if err != nil {
		return err
	}
	return p.finish(ctx, found.unlisted)
}

func scan(t *testing.T, p *Place) *Contents {
	t.Helper()
	found, err := p.Scan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found.Copies {
		if c.Problem != "" {
			t.Errorf("%s: %s", c.Key(), c.Problem)
		}
	}
	return found
}

// TestTrashReadsNothingElse lists the trash of a place whose listed manifests cannot
// be read.
func TestTrashReadsNothingElse(t *testing.T) {
	p, _, liar := place("a")
	p.Grace = 3 * day
	kept, dropped := backup(t, day), backup(t, 2*day)
	put(t, kept, p)
	put(t, dropped, p)
	if _, err := p.Delete(t.Context(), dropped.Ref, now, true, false); err != nil {
		t.Fatal(err)
	}
	want := scan(t, p).Trash
	if err := liar.Add(faulty.Rule{Op: faulty.Get, Key: kept.Object, Do: faulty.Fail}); err != nil {
		t.Fatal(err)
	}
	got, err := p.Trash(t.Context(), "app")
	if err != nil || len(got) != 1 || got[0].Ref != dropped.Ref || !got[0].Since.Equal(want[0].Since) || got[0].Problem != "" || got[0].Outline == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestTrashLocked has a store that keeps what is in the trash.
func TestTrashLocked(t *testing.T) {
	p, memory, _ := place("a")
	p.Grace = day
	s := backup(t, 48*time.Hour)
	put(t, backup(t, time.Hour), p)
	r, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := memory.PutUntil(t.Context(), s.Key(), r, now.Add(10*day)); err != nil {
		t.Fatal(err)
	}
	put(t, s, p)
	if d, err := p.Delete(t.Context(), s.Ref, now, false, false); err != nil || !d.Keep || d.Trashed || d.Locked.IsZero() {
		t.Fatalf("deleted: %+v, %v", d, err)
	}
	// Somebody moved it all the same.
	if err := store.Unlist(t.Context(), memory, s.Key()+manifest.Suffix, s.Key()+manifest.TrashedSuffix(manifest.Trashed{Since: now})); err != nil {
		t.Fatal(err)
	}
	memory.Now = func() time.Time { return now.Add(5 * day) }
	all, err := p.Prune(t.Context(), "", now.Add(5*day), false)
	if err != nil || len(all) != 2 || !all[1].Keep || all[1].Removed || len(scan(t, p).Trash) != 1 {
		t.Errorf("pruned: %+v, %v", all, err)
	}
	memory.Now = func() time.Time { return now.Add(11 * day) }
	if all, err = p.Prune(t.Context(), "", now.Add(11*day), false); err != nil || !all[1].Removed || len(keys(t, memory)) != 3 {
		t.Errorf("pruned later: %+v, %v, %q", all, err, keys(t, memory))
	}
}

// TestForeignFilesStay has files beside a backup that are somebody else's.
func TestForeignFilesStay(t *testing.T) {
	p, memory, _ := place("a")
	s := backup(t, 10*day)
	put(t, s, p)
	put(t, backup(t, time.Hour), p)
	foreign := []string{s.Key() + ".sha256", s.Key() + ".manifest.json.bak", s.Key() + ".manifest.json.trashed-yesterday"}
	for _, key := range foreign {
		if err := memory.Put(t.Context(), key, strings.NewReader("mine")); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := p.Prune(t.Context(), "", now, false); err != nil || !all[1].Removed {
		t.Fatalf("%+v, %v", all, err)
	}
	got := keys(t, memory)
	for _, key := range foreign {
		if !slices.Contains(got, key) {
			t.Errorf("%s is gone", key)
		}
	}
	if len(got) != 3+len(foreign) {
		t.Errorf("left %q", got)
	}
}

// TestMissingByCalendar finds that what the retention of a place keeps by the
// calendar is copied to it, and nothing else.
func TestMissingByCalendar(t *testing.T) {
	a, _, _ := place("a")
	b, _, _ := place("b")
	a.Policy = retention.Policy{KeepWithin: 1000 * day}
	b.Policy = retention.Policy{KeepWithin: 2 * day, KeepMonthly: 3}
	for _, age := range []time.Duration{day, 5 * day, 10 * day, 25 * day, 40 * day, 100 * day} { // from 20 March 2026
		put(t, backup(t, age), a)
	}
	if _, err := Sync(t.Context(), []*Place{a, b}, SyncOptions{Level: Quick, Now: now}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list(t, b) {
		got = append(got, c.created().Format("01-02"))
	}
	if want := []string{"03-19", "03-10", "02-08", "2025"}; !slices.Equal(got[:3], want[:3]) || len(got) != 4 {
		t.Errorf("b has %q", got)
	}
	if all, err := b.Prune(t.Context(), "", now, false); err != nil || slices.ContainsFunc(all, func(d Decision) bool { return !d.Keep }) {
		t.Errorf("what was copied is pruned: %+v, %v", all, err)
	}
	if again, err := Sync(t.Context(), []*Place{a, b}, SyncOptions{Level: Quick, Now: now}); err != nil || len(again) > 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// TestSyncPins brings the pin that was set last to every copy.
func TestSyncPins(t *testing.T) {
	a, _, _ := place("a")
	b, _, _ := place("b")
	c, _, liarC := place("c")
	s := backup(t, time.Hour)
	put(t, s, a, b, c)
	old := Pin{Note: "old", Until: Forever, Since: now.Add(-day)}
	last := Pin{Note: "last", Until: now.Add(day), Since: now.Add(-time.Hour), By: "ada"}
	if err := errors.Join(a.PutPin(t.Context(), s.Ref, old), b.PutPin(t.Context(), s.Ref, last)); err != nil {
		t.Fatal(err)
	}
	pin := func(p *Place) Pin {
		t.Helper()
		got, err := p.Pin(t.Context(), list(t, p)[0])
		if err != nil {
			t.Fatal(err)
		}
		if got == nil {
			return Pin{}
		}
		return *got
	}
	sync := func() error {
		_, err := Sync(t.Context(), []*Place{a, b, c}, SyncOptions{Level: Quick, Now: now})
		return err
	}
	down := errors.New("down")
	if err := liarC.Add(faulty.Rule{Op: faulty.Put, Key: PinSuffix, Do: faulty.Fail, Err: down}); err != nil {
		t.Fatal(err)
	}
	if err := sync(); !errors.Is(err, down) {
		t.Errorf("a place that takes no pin: %v", err)
	}
	liarC.Heal()
	if err := sync(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Place{a, b, c} {
		if got := pin(p); got != last {
			t.Errorf("%s has %+v", p.Name, got)
		}
	}
	over := last
	over.Since, over.Until = now, now
	if err := c.PutPin(t.Context(), s.Ref, over); err != nil {
		t.Fatal(err)
	}
	if err := sync(); err != nil || pin(a) != over {
		t.Errorf("a pin that was taken back is there: %+v, %v", pin(a), err)
	}
}

func FuzzDecodePin(f *testing.F) {
	for _, s := range []string{
		`{"note":"before a restore of x","until":"2026-12-01T00:00:00Z"}`, `{"note":"","until":"9999-12-31T23:59:59Z","since":"2026-01-01T00:00:00Z","by":"ada","safety":true}`,
		"", "{", "null", `{"until":"0000-01-01T00:00:00+14:00"}`, `{"note":1}`, `{"since":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p := DecodePin(text)
		if p.Since.IsZero() {
			return // of old; it is never written again
		}
		again, err := p.Encode()
		if err != nil {
			return // a year that RFC 3339 does not have, in UTC
		}
		want := *p
		want.Since, want.Until = want.Since.Truncate(time.Second), want.Until.Truncate(time.Second)
		if back := DecodePin(again); !back.Since.IsZero() && *back != want {
			t.Fatalf("%s is %+v, and again %+v", text, want, back)
		}
	})
}
