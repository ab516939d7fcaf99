// Package storetest holds the conformance suite of package store. Every driver
// and every wrapper of a driver runs it.
package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/store"
)

// Run tests the stores that open makes: each an empty one of its own. What the
// store has of the extensions of package store is tested too.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s store.Store){
		"RoundTrip": testRoundTrip, "Keys": testKeys, "InvalidKeys": testInvalidKeys,
		"Missing": testMissing, "Exclusive": testExclusive, "Concurrent": testConcurrent,
		"FailingReader": testFailingReader, "Range": testRange, "List": testList, "ListStops": testListStops, "ListMany": testListMany,
		"Delete": testDelete, "Context": testContext, "Unlist": testUnlist,
		"Create": testCreate, "CreateTaken": testCreateTaken, "Replace": testReplace, "Rename": testRename,
		"Sweep": testSweep,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// content returns n bytes that no other n gives.
func content(n int) []byte {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(n))
	data := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(data) // never fails
	return data
}

func put(t *testing.T, s store.Store, key string, data []byte) {
	t.Helper()
	// Read in uneven pieces, without the shortcuts of bytes.Reader.
	if err := s.Put(t.Context(), key, &uneven{r: bytes.NewReader(data)}); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

// uneven reads in pieces of changing size and gives the last together with
// io.EOF, which some code forgets to expect.
type uneven struct {
	r *bytes.Reader
	n int
}

func (u *uneven) Read(p []byte) (int, error) {
	u.n = u.n*7%40_009 + 1
	n, err := u.r.Read(p[:min(len(p), u.n)])
	if err == nil && u.r.Len() == 0 {
		err = io.EOF
	}
	return n, err
}

func want(t *testing.T, s store.Store, key string, data []byte) {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Errorf("get %q: %v", key, err)
		return
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%q holds %d bytes, want %d; %v", key, len(got), len(data), err)
	}
}

// wantKeys checks the whole listing under prefix.
func wantKeys(t *testing.T, s store.Store, prefix string, keys ...string) {
	t.Helper()
	var got []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Errorf("list %q: %v", prefix, err)
			continue
		}
		got = append(got, info.Key)
	}
	if !slices.Equal(got, keys) {
		t.Errorf("list %q: %s", prefix, cmp.Diff(keys, got))
	}
}

// wantAbsent checks that a key does not exist, in whatever way one asks.
func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	if r, err := s.Get(t.Context(), key); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("get %q: %v, want ErrNotExist", key, err)
		if err == nil {
			r.Close()
		}
	}
	wantKeys(t, s, key)
}

func testRoundTrip(t *testing.T, s store.Store) {
	for _, n := range []int{0, 1, 4095, 4096, 1 << 20, 9<<20 + 7} {
		key := fmt.Sprintf("app/%d.json", n)
		data := content(n)
		put(t, s, key, data)
		want(t, s, key, data)
		for info, err := range s.List(t.Context(), key) {
			if err != nil || info.Key != key || info.Size != int64(n) || info.ModTime.IsZero() {
				t.Errorf("%+v, %v", info, err)
			}
		}
	}
}

// oddKeys are valid, in the order of their bytes.
func oddKeys() []string {
	keys := []string{
		"-rf", "app", "a b/c d", "%2e%2e/%2f", "a'b\"c`d", "$HOME/~", "a&b;c|d", "*?[x]", "a\nb\tc", "\u202egnp.exe", "日本/データ.json",
		"e\u0301/\u00c5", "😀", "...", "..a/b..", "...x", ".hidden/.key", "con", "nul.json", "a:b", "a\\b", "x.partial.json", "x.tmp", "x.lock",
		"lock/.locks", "CASE", strings.Repeat("n", store.MaxName), strings.Repeat("d/", 100) + "deep",
		strings.Repeat(strings.Repeat("ü", store.MaxName/2)+"/", 4) + "long", " ", " x ", "x.", "#frag?query=1",
	}
	slices.Sort(keys)
	return keys
}

func testKeys(t *testing.T, s store.Store) {
	keys := oddKeys()
	for i, key := range keys {
		put(t, s, key, content(i))
	}
	wantKeys(t, s, "", keys...)
	for i, key := range keys {
		want(t, s, key, content(i))
	}
	for _, key := range keys {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	wantKeys(t, s, "")
}

func invalidKeys() []string {
	return []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "./a", "a/./b", "a\x00b", "\xff", "a/\xed\xa0\x80",
		".lock", "app/.lock", ".tmp", "app/.tmp/x", "a.partial", "a.partial/b", ".partial",
		strings.Repeat("n", store.MaxName+1), strings.Repeat("d/", store.MaxKey/2) + "x",
	}
}

func testInvalidKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, key := range invalidKeys() {
		_, getErr := s.Get(ctx, key)
		_, rangeErr := s.GetRange(ctx, key, 0, 1)
		errs := map[string]error{
			"put": s.Put(ctx, key, strings.NewReader("x")), "get": getErr, "range": rangeErr, "delete": s.Delete(ctx, key),
		}
		if c, ok := s.(store.Creator); ok {
			_, errs["create"] = c.Create(ctx, key)
		}
		if r, ok := s.(store.Renamer); ok {
			put(t, s, "valid", nil)
			errs["rename from"], errs["rename to"] = r.Rename(ctx, key, "x"), r.Rename(ctx, "valid", key)
			if err := s.Delete(ctx, "valid"); err != nil {
				t.Error(err)
			}
		}
		if r, ok := s.(store.Replacer); ok {
			errs["replace"] = r.Replace(ctx, key, nil)
		}
		if l, ok := s.(store.Locator); ok {
			_, errs["path"] = l.Path(key)
		}
		for op, err := range errs {
			var detail *store.Error
			if !errors.Is(err, store.ErrKey) || !errors.As(err, &detail) || detail.Key != key {
				t.Errorf("%s %q: %v, want ErrKey", op, key, err)
			}
		}
		wantKeys(t, s, "")
	}
}

func testMissing(t *testing.T, s store.Store) {
	put(t, s, "app/there", []byte("x"))
	for _, key := range []string{"app", "app/ther", "app/there2", "app/there/below", "none/x"} {
		if r, err := s.Get(t.Context(), key); err == nil {
			r.Close()
			t.Errorf("get %q: found", key)
		}
		if r, err := s.GetRange(t.Context(), key, 0, 0); err == nil {
			r.Close()
			t.Errorf("get a range of %q: found", key)
		}
	}
	wantAbsent(t, s, "app/there2")
	if _, err := s.GetRange(t.Context(), "app/there2", 0, 1); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("get a range: %v, want ErrNotExist", err)
	}
}

func testExclusive(t *testing.T, s store.Store) {
	put(t, s, "app/x", content(10))
	err := s.Put(t.Context(), "app/x", bytes.NewReader(content(11)))
	if !errors.Is(err, store.ErrExist) {
		t.Errorf("second put: %v, want ErrExist", err)
	}
	want(t, s, "app/x", content(10))
	wantKeys(t, s, "", "app/x")
}

// testConcurrent has many writers of one key: one wins, and the object is its.
func testConcurrent(t *testing.T, s store.Store) {
	const writers = 8
	errs := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() { errs[i] = s.Put(t.Context(), "app/x", bytes.NewReader(content(100_000+i))) })
	}
	group.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("both %d and %d have put it", winner, i)
		case !errors.Is(err, store.ErrExist):
			t.Errorf("loser %d: %v, want ErrExist", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody has put it")
	}
	want(t, s, "app/x", content(100_000+winner))
	wantKeys(t, s, "", "app/x")
}

func testFailingReader(t *testing.T, s store.Store) {
	broken := errors.New("the source broke")
	for _, n := range []int{0, 1, 5 << 20} {
		r := io.MultiReader(bytes.NewReader(content(n)), iotest.ErrReader(broken))
		if err := s.Put(t.Context(), "app/x", r); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v, want the reader's error", n, err)
		}
		wantAbsent(t, s, "app/x")
	}
	put(t, s, "app/x", content(3))
}

func testRange(t *testing.T, s store.Store) {
	const size = 10_000
	data := content(size)
	put(t, s, "x", data)
	for _, r := range [][2]int64{{0, size}, {0, 0}, {size, 0}, {0, 1}, {size - 1, 1}, {17, 5000}} {
		rc, err := s.GetRange(t.Context(), "x", r[0], r[1])
		if err != nil {
			t.Errorf("%v: %v", r, err)
			continue
		}
		got, err := io.ReadAll(rc)
		if err != nil || !bytes.Equal(got, data[r[0]:r[0]+r[1]]) {
			t.Errorf("%v: %d bytes, %v", r, len(got), err)
		}
		if err := rc.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, r := range [][2]int64{{0, size + 1}, {size, 1}, {size + 1, 0}, {math.MaxInt64, math.MaxInt64}, {1, math.MaxInt64}} {
		rc, err := s.GetRange(t.Context(), "x", r[0], r[1])
		if err == nil {
			_, err = io.ReadAll(rc)
			rc.Close()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v: %v, want ErrUnexpectedEOF", r, err)
		}
	}
	for _, r := range [][2]int64{{-1, 1}, {0, -1}, {math.MinInt64, math.MaxInt64}} {
		if _, err := s.GetRange(t.Context(), "x", r[0], r[1]); err == nil {
			t.Errorf("%v: not refused", r)
		}
	}
}

func testList(t *testing.T, s store.Store) {
	wantKeys(t, s, "")
	keys := []string{"a-b/x", "a.b", "a/b", "a/b.c", "a0", "ab/c", "b/a/z", "b/a0", "b/b"}
	for _, key := range slices.Backward(keys) {
		put(t, s, key, nil)
	}
	wantKeys(t, s, "", keys...)
	wantKeys(t, s, "a", "a-b/x", "a.b", "a/b", "a/b.c", "a0", "ab/c")
	wantKeys(t, s, "a/", "a/b", "a/b.c")
	wantKeys(t, s, "a/b.", "a/b.c")
	wantKeys(t, s, "b/a", "b/a/z", "b/a0")
	wantKeys(t, s, "b/a/z", "b/a/z")
	for _, prefix := range []string{"c", "/", "a//", "../", "./", "\xff", "\x00", "b/a/z/", strings.Repeat("a", 5000)} {
		wantKeys(t, s, prefix)
	}
}

func testListStops(t *testing.T, s store.Store) {
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		put(t, s, key, nil)
	}
	for n := range 3 {
		seen := 0
		for range s.List(t.Context(), "") {
			if seen++; seen > n {
				break
			}
		}
		if seen != n+1 {
			t.Errorf("stopped after %d, want %d", seen, n+1)
		}
	}
}

// testListMany lists more than cloud stores give in one answer.
func testListMany(t *testing.T, s store.Store) {
	const many, writers = 2100, 8
	keys := make([]string, many)
	for i := range keys {
		keys[i] = fmt.Sprintf("app/%05d.json", i*7)
	}
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := w; i < many; i += writers {
				if err := s.Put(t.Context(), keys[i], strings.NewReader("x")); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	group.Wait()
	wantKeys(t, s, "", keys...)
	wantKeys(t, s, "app/0000", keys[:2]...)
}

func testDelete(t *testing.T, s store.Store) {
	put(t, s, "app/x", content(1))
	put(t, s, "app/xy", content(2))
	for range 2 {
		if err := s.Delete(t.Context(), "app/x"); err != nil {
			t.Error(err)
		}
		wantKeys(t, s, "", "app/xy")
	}
	if _, err := s.Get(t.Context(), "app/x"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("get: %v, want ErrNotExist", err)
	}
	want(t, s, "app/xy", content(2))
	put(t, s, "app/x", content(3))
	want(t, s, "app/x", content(3))
}
