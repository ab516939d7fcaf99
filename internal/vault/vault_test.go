package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/faulty"
)

// now is the time of the tests.
var now = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// backup makes a Source of a backup of the given age. To this package an object
// is bytes.
func backup(t *testing.T, age time.Duration) *Source {
	t.Helper()
	at := manifest.At(now.Add(-age))
	parts := []string{strings.Repeat("head", 10), strings.Repeat("row\n", 5000), "end"}
	m := &manifest.Manifest{
		Database: "app", Object: manifest.ObjectName(at.Time, "none"), Created: at, Verified: at,
		Source:      document.Source{Name: "app", Path: "/srv/app.db", Created: at.String(), SQLite: "3", Litekeep: "1"},
		Settings:    document.Database{PageSize: 4096, Encoding: "UTF-8", JournalMode: "delete", SchemaFormat: 4},
		Compression: manifest.Compression{Codec: "none"},
		Tables:      []manifest.Table{}, Indexes: []manifest.Index{}, Warnings: []string{}, Writer: "litekeep 1",
	}
	for _, p := range parts {
		m.Frames = append(m.Frames, manifest.Frame{
			Offset: m.Stored.Bytes, Stored: int64(len(p)), Bytes: int64(len(p)), SHA256: sha256.Sum256([]byte(p)),
		})
		m.Stored.Bytes += int64(len(p))
	}
	object := strings.Join(parts, "")
	m.Stored.SHA256 = sha256.Sum256([]byte(object))
	m.Document = manifest.Document{Bytes: m.Stored.Bytes, Digest: manifest.ContentDigest(m.Frames)}
	text, err := manifest.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return &Source{
		Ref: Ref{"app", m.Object}, Stored: m.Stored, Text: text,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(object)), nil },
	}
}

func place(name string) (*Place, *faulty.Memory, *faulty.Store) {
	memory := faulty.NewMemory()
	memory.Now = func() time.Time { return now }
	liar := faulty.New(memory)
	return &Place{Name: name, Store: liar}, memory, liar
}

func keys(t *testing.T, s store.Store) []string {
	t.Helper()
	var all []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}

func put(t *testing.T, s *Source, places ...*Place) {
	t.Helper()
	for _, p := range places {
		if err := p.Put(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, p *Place) []*Copy {
	t.Helper()
	copies, err := p.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return copies
}

func TestPutAndList(t *testing.T) {
	p, memory, _ := place("a")
	old, young := backup(t, 48*time.Hour), backup(t, time.Hour)
	old.Beside = map[string][]byte{".pin.json": []byte(`{"until":"2026-04-01T00:00:00Z"}`)}
	put(t, old, p)
	put(t, young, p)
	put(t, young, p) // again, as after an interruption
	for _, junk := range []string{"app/notes.txt", "20260101T000000.000Z.json", "x/y/20260101T000000.000Z.json.manifest.json"} {
		if err := memory.Put(t.Context(), junk, strings.NewReader("not ours")); err != nil {
			t.Fatal(err)
		}
	}
	copies := list(t, p)
	if len(copies) != 2 || copies[0].Ref != young.Ref || copies[1].Ref != old.Ref {
		t.Fatalf("listed %v", copies)
	}
	if got := copies[1].Beside; !slices.Equal(got, []string{".pin.json", ".stored.txt"}) {
		t.Errorf("beside the old one: %q", got)
	}
	for _, c := range copies {
		if err := p.Verify(t.Context(), c, Full, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestPutLies makes the store lie in every way while a backup is put: whatever
// it does, nothing wrong is listed.
func TestPutLies(t *testing.T) {
	s := backup(t, time.Hour)
	for name, rule := range map[string]faulty.Rule{
		"lost":           {Op: faulty.Put, Key: ".json", Do: faulty.Ignore},
		"stored flipped": {Op: faulty.Put, Key: ".json", Do: faulty.Flip, At: 7000},
		"stored short":   {Op: faulty.Put, Key: ".json", Do: faulty.Truncate, At: 7000},
		"breaks":         {Op: faulty.Put, Key: ".json", Do: faulty.Break, At: 7000},
		"fails":          {Op: faulty.Put, Key: ".json", Do: faulty.Fail},
		"read flipped":   {Op: faulty.Get, Key: ".json", Do: faulty.Flip, At: 7000},
		"read short":     {Op: faulty.Get, Key: ".json", Do: faulty.Truncate, At: 7000},
	} {
		t.Run(name, func(t *testing.T) {
			p, memory, liar := place("a")
			if err := liar.Add(rule); err != nil {
				t.Fatal(err)
			}
			if err := p.Put(t.Context(), s); err == nil {
				t.Fatal("it was called a success")
			}
			for _, key := range keys(t, memory) {
				if strings.HasSuffix(key, manifest.Suffix) {
					t.Fatalf("%s is listed", key)
				}
			}
			liar.Heal()
			if err := p.Put(t.Context(), s); err != nil {
				t.Fatalf("the next try: %v", err)
			}
		})
	}
}

func TestPutDamagedSource(t *testing.T) {
	p, memory, _ := place("a")
	s := backup(t, time.Hour)
	whole := s.Open
	for name, change := range map[string]func([]byte) []byte{
		"flipped": func(b []byte) []byte { b[100] ^= 1; return b },
		"short":   func(b []byte) []byte { return b[:100] },
		"long":    func(b []byte) []byte { return append(b, 'x') },
	} {
		s.Open = func(ctx context.Context) (io.ReadCloser, error) {
			r, err := whole(ctx)
			if err != nil {
				return nil, err
			}
			b, err := io.ReadAll(r)
			return io.NopCloser(bytes.NewReader(change(b))), err
		}
		if err := p.Put(t.Context(), s); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if got := keys(t, memory); len(got) > 0 {
			t.Errorf("%s: stored %q", name, got)
		}
	}
}

func TestSync(t *testing.T) {
	a, memoryA, _ := place("a")
	b, memoryB, _ := place("b")
	c, memoryC, _ := place("c")
	one, two, three := backup(t, 3*time.Hour), backup(t, 2*time.Hour), backup(t, time.Hour)
	put(t, one, a)
	put(t, two, a, b, c)
	put(t, three, a, b)
	// In b a byte of two is wrong, in c its object is cut off, and a lacks three's object.
	memoryB.Damage(two.Key(), func(d []byte) []byte { d[3] ^= 1; return d })
	memoryC.Damage(two.Key(), func(d []byte) []byte { return d[:50] })
	if err := memoryA.Delete(t.Context(), three.Key()); err != nil {
		t.Fatal(err)
	}
	places := []*Place{a, b, c}
	plan, err := Sync(t.Context(), places, SyncOptions{Level: Full, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	before := len(keys(t, memoryB))
	done, err := Sync(t.Context(), places, SyncOptions{Level: Full})
	if err != nil {
		t.Fatal(err)
	}
	describe := func(all []Action) (lines []string) {
		for _, x := range all {
			lines = append(lines, fmt.Sprint(x.created().Format("15h"), " ", x.From, "→", x.Place, " repair ", x.Repair))
		}
		slices.Sort(lines)
		return lines
	}
	want := []string{
		"09h a→b repair false", "09h a→c repair false",
		"10h a→b repair true", "10h a→c repair true",
		"11h b→a repair true", "11h b→c repair false",
	}
	if got := describe(plan); !slices.Equal(got, want) {
		t.Errorf("the plan is %q", got)
	}
	if got := describe(done); !slices.Equal(got, want) {
		t.Errorf("done was %q", got)
	}
	if before != 6 {
		t.Errorf("the dry run changed b: %d keys", before)
	}
	for _, p := range places {
		copies := list(t, p)
		if len(copies) != 3 {
			t.Errorf("%s has %d copies", p.Name, len(copies))
		}
		for _, x := range copies {
			if err := p.Verify(t.Context(), x, Full, nil); err != nil || !slices.Equal(x.Beside, []string{".stored.txt"}) {
				t.Errorf("%v, beside it %q", err, x.Beside)
			}
		}
	}
}

// TestSyncWithoutGoodCopy finds that damaged copies are left as they are where
// nothing better is to be had.
func TestSyncWithoutGoodCopy(t *testing.T) {
	a, memoryA, _ := place("a")
	b, memoryB, _ := place("b")
	s := backup(t, time.Hour)
	put(t, s, a, b)
	for _, m := range []*faulty.Memory{memoryA, memoryB} {
		m.Damage(s.Key(), func(d []byte) []byte { d[3] ^= 1; return d })
	}
	_, err := Sync(t.Context(), []*Place{a, b}, SyncOptions{Level: Full})
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
	for _, m := range []*faulty.Memory{memoryA, memoryB} {
		if got := keys(t, m); len(got) != 3 {
			t.Errorf("left %q", got)
		}
	}
}

func TestSyncPlaceDown(t *testing.T) {
	a, _, _ := place("a")
	b, _, liarB := place("b")
	c, memoryC, _ := place("c")
	put(t, backup(t, time.Hour), a)
	down := errors.New("down")
	if err := liarB.Add(faulty.Rule{Op: faulty.List, Do: faulty.Fail, Err: down}); err != nil {
		t.Fatal(err)
	}
	if _, err := Sync(t.Context(), []*Place{a, b, c}, SyncOptions{Level: Quick}); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	if got := keys(t, memoryC); len(got) != 3 {
		t.Errorf("c has %q", got)
	}
}

func TestPrune(t *testing.T) {
	p, memory, liar := place("a")
	p.Policy = retention.Policy{KeepWithin: 24 * time.Hour, KeepLast: 1}
	young, old, older, oldest := backup(t, time.Hour), backup(t, 48*time.Hour), backup(t, 72*time.Hour), backup(t, 96*time.Hour)
	older.Beside = map[string][]byte{PinSuffix: []byte(`{"until":"2026-04-01T00:00:00Z"}`)}
	put(t, young, p)
	put(t, old, p)
	put(t, older, p)
	put(t, oldest, p)
	kept := func(all []Decision) (hours []int) {
		for _, d := range all {
			if !d.Removed {
				hours = append(hours, int(now.Sub(d.Time).Hours()))
			}
		}
		return hours
	}
	dry, err := p.Prune(t.Context(), "app", now, true)
	if err != nil || len(kept(dry)) != 4 || len(keys(t, memory)) != 13 {
		t.Fatalf("dry run: %v, %v, %q", dry, err, keys(t, memory))
	}

	// The store says that it deletes, and does not.
	if err := liar.Add(faulty.Rule{Op: faulty.Delete, Do: faulty.Ignore}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Prune(t.Context(), "app", now, false); !errors.Is(err, store.ErrUndeleted) {
		t.Fatalf("a delete that did nothing: %v", err)
	}
	liar.Heal()
	all, err := p.Prune(t.Context(), "app", now, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := kept(all); !slices.Equal(got, []int{1, 72}) {
		t.Errorf("kept %v", got)
	}
	if got := keys(t, memory); len(got) != 7 {
		t.Errorf("left %q", got)
	}
}

func TestPruneLocked(t *testing.T) {
	p, memory, _ := place("a")
	p.Policy = retention.Policy{KeepWithin: 24 * time.Hour, KeepLast: 1}
	put(t, backup(t, time.Hour), p)
	s := backup(t, 48*time.Hour)
	r, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	until := now.Add(100 * time.Hour)
	if err := memory.PutUntil(t.Context(), s.Key(), r, until); err != nil {
		t.Fatal(err)
	}
	put(t, s, p)
	all, err := p.Prune(t.Context(), "", now, false)
	if err != nil {
		t.Fatal(err)
	}
	if d := all[1]; !d.Keep || !d.Locked.Equal(until) || !strings.HasPrefix(d.Reason, "kept until 2026-03-24T16:00:00Z") {
		t.Errorf("decided %+v", d)
	}
	if len(list(t, p)) != 2 {
		t.Error("the locked one is not listed any more")
	}
}

// TestPruneFinishes ends what a prune that was cut off has begun.
func TestPruneFinishes(t *testing.T) {
	p, memory, _ := place("a")
	s := backup(t, time.Hour)
	put(t, s, p)
	if err := store.Unlist(t.Context(), memory, s.Key()+manifest.Suffix, s.Key()+manifest.PrunedSuffix); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Prune(t.Context(), "app", now, false); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, memory); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

func TestObject(t *testing.T) {
	p, _, liar := place("a")
	s := backup(t, time.Hour)
	put(t, s, p)
	o := p.Object(t.Context(), s.Ref, s.Stored.Bytes)
	b := make([]byte, 8)
	if n, err := o.ReadAt(b, 40); n != 8 || err != nil || string(b) != "row\nrow\n" {
		t.Errorf("read %d bytes %q, %v", n, b, err)
	}
	if n, err := o.ReadAt(b, o.Size()-3); n != 3 || !errors.Is(err, io.EOF) || string(b[:3]) != "end" {
		t.Errorf("at the end: %d bytes %q, %v", n, b, err)
	}
	if n, err := o.ReadAt(b, o.Size()); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: %d bytes, %v", n, err)
	}
	if err := liar.Add(faulty.Rule{Op: faulty.Get, Do: faulty.Truncate, At: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ReadAt(b, 0); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a short answer: %v", err)
	}
}

// TestQuick finds by the store's own checksum that other bytes lie there.
func TestQuick(t *testing.T) {
	p, memory, liar := place("a")
	s := backup(t, time.Hour)
	put(t, s, p)
	c := list(t, p)[0]
	if err := p.Verify(t.Context(), c, Quick, nil); err != nil {
		t.Fatal(err)
	}
	memory.Damage(s.Key(), func(d []byte) []byte { d[3] ^= 1; return d })
	if err := p.Verify(t.Context(), c, Quick, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("a flipped bit: %v", err)
	}
	if err := liar.Add(faulty.Rule{Op: faulty.Checksum, Do: faulty.Ignore}); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), c, Quick, nil); err != nil {
		t.Errorf("a store that keeps no checksums: %v", err)
	}
}

// TestUnlistedMeanwhile checks copies that are pruned after they were found: they are not
// damaged, and do not come back.
func TestUnlistedMeanwhile(t *testing.T) {
	for _, level := range []Level{Quick, Full} {
		p, memory, _ := place("a")
		other, _, _ := place("b")
		s := backup(t, time.Hour)
		put(t, s, p, other)
		c := list(t, p)[0]
		remove := func() {
			for _, key := range keys(t, memory) {
				if err := memory.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
		}
		remove()
		if err := p.Verify(t.Context(), c, level, nil); !errors.Is(err, ErrUnlisted) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", level, err)
		}
		put(t, s, p)
		done, err := Sync(t.Context(), []*Place{p, {Name: "b", Store: listedFirst{other.Store, remove}}}, SyncOptions{Level: level})
		if err != nil || len(done) > 0 || len(keys(t, memory)) > 0 {
			t.Errorf("%s: %v, %v; there is %q", level, done, err, keys(t, memory))
		}
	}
}

// listedFirst is a store that does something when it is listed.
type listedFirst struct {
	store.Store
	then func()
}

func (l listedFirst) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	l.then()
	return l.Store.List(ctx, prefix)
}

// TestSyncKeys brings the rewrapped keys of a rotation to the copies that were
// there already.
func TestSyncKeys(t *testing.T) {
	a, memoryA, _ := place("a")
	b, _, _ := place("b")
	s := backup(t, time.Hour)
	put(t, s, a, b)
	suffix := manifest.KeysSuffix(1)
	if err := memoryA.Put(t.Context(), s.Key()+suffix, strings.NewReader("keys")); err != nil {
		t.Fatal(err)
	}
	var told []string
	o := SyncOptions{Level: Quick, DryRun: true, Keys: func(place string, _ Ref) { told = append(told, place) }}
	if _, err := Sync(t.Context(), []*Place{a, b}, o); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadFile(t.Context(), s.Ref, suffix); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("a dry run brought keys: %v", err)
	}
	o.DryRun = false
	for range 2 { // the second has nothing to do
		if _, err := Sync(t.Context(), []*Place{a, b}, o); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(told, []string{"b", "b"}) {
		t.Errorf("told of keys to %q", told)
	}
	if text, err := b.ReadFile(t.Context(), s.Ref, suffix); err != nil || string(text) != "keys" {
		t.Errorf("b has %q, %v", text, err)
	}
	b.Policy = retention.Policy{KeepWithin: time.Minute}
	put(t, backup(t, 0), b)
	if _, err := b.Prune(t.Context(), "", now, false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadFile(t.Context(), s.Ref, suffix); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("the keys stay when their backup goes: %v", err)
	}
}
