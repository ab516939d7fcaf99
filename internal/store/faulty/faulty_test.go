package faulty_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/faulty"
	"github.com/litekeep/litekeep/internal/store/storetest"
)

func TestConformanceMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return faulty.NewMemory() })
}

func TestConformanceWithoutRules(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return faulty.New(faulty.NewMemory()) })
}

func keys(t *testing.T, s store.Store) string {
	t.Helper()
	var all []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			return "error: " + err.Error()
		}
		all = append(all, info.Key)
	}
	return strings.Join(all, " ")
}

func read(ctx context.Context, s store.Store, key string) string {
	r, err := s.Get(ctx, key)
	if err != nil {
		return "error: " + err.Error()
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return string(data) + " error: " + err.Error()
	}
	return string(data)
}

func TestRules(t *testing.T) {
	mine := errors.New("mine")
	for name, tt := range map[string]struct {
		rule          faulty.Rule
		get, put, all string // content of a, of b which is put under the rule, listing; after a delete of c
	}{
		"none":           {faulty.Rule{Op: faulty.Get, Key: "elsewhere", Do: faulty.Fail}, "hello", "world", "a b"},
		"get fails":      {faulty.Rule{Op: faulty.Get, Key: "a", Do: faulty.Fail, Err: mine}, `error: get "a": mine`, "world", "a b"},
		"get fails once": {faulty.Rule{Op: faulty.Get, Do: faulty.Fail, Err: mine, Times: 1}, `error: get "a": mine`, "world", "a b"},
		"get truncated":  {faulty.Rule{Op: faulty.Get, Key: "a", Do: faulty.Truncate, At: 3}, "hel", "world", "a b"},
		"get breaks":     {faulty.Rule{Op: faulty.Get, Key: "a", Do: faulty.Break, At: 3, Err: mine}, "hel error: mine", "world", "a b"},
		"get flips":      {faulty.Rule{Op: faulty.Get, Key: "a", Do: faulty.Flip, At: 4}, "hell\x90", "world", "a b"},
		"put lost":       {faulty.Rule{Op: faulty.Put, Do: faulty.Ignore}, "hello", `error: get "b": file does not exist`, "a"},
		"put truncated":  {faulty.Rule{Op: faulty.Put, Do: faulty.Truncate, At: 2}, "hello", "wo", "a b"},
		"put flips":      {faulty.Rule{Op: faulty.Put, Do: faulty.Flip, At: 0}, "hello", "\x88orld", "a b"},
		"delete lies":    {faulty.Rule{Op: faulty.Delete, Do: faulty.Ignore}, "hello", "world", "a b c"},
		"list lags":      {faulty.Rule{Op: faulty.List, Do: faulty.Lag}, "hello", "world", "a c"},
		"list empty":     {faulty.Rule{Op: faulty.List, Do: faulty.Ignore}, "hello", "world", ""},
		"list fails":     {faulty.Rule{Op: faulty.List, Do: faulty.Fail, Err: mine}, "hello", "world", `error: list "": mine`},
		"slow":           {faulty.Rule{Op: faulty.Get, Do: faulty.Slow, Delay: time.Millisecond}, "hello", "world", "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := faulty.New(faulty.NewMemory())
			for key, data := range map[string]string{"a": "hello", "c": "third"} {
				if err := s.Put(t.Context(), key, strings.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Add(tt.rule); err != nil {
				t.Fatal(err)
			}
			if err := s.Put(t.Context(), "b", strings.NewReader("world")); err != nil {
				t.Error(err)
			}
			if err := s.Delete(t.Context(), "c"); err != nil {
				t.Error(err)
			}
			if got := read(t.Context(), s, "a"); got != tt.get {
				t.Errorf("a is %q, want %q", got, tt.get)
			}
			if got := read(t.Context(), s, "b"); got != tt.put {
				t.Errorf("b is %q, want %q", got, tt.put)
			}
			if got := keys(t, s); got != tt.all {
				t.Errorf("listing: %q, want %q", got, tt.all)
			}
			s.Heal()
			if got := read(t.Context(), s, "a"); got != "hello" {
				t.Errorf("after healing: %q", got)
			}
			if s.Count(faulty.Get) != 3 || s.Count(faulty.Put) != 3 {
				t.Errorf("counted %d gets, %d puts", s.Count(faulty.Get), s.Count(faulty.Put))
			}
		})
	}
}

func TestHang(t *testing.T) {
	s := faulty.New(faulty.NewMemory())
	if err := s.Add(faulty.Rule{Op: faulty.Put, Do: faulty.Hang}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Put(ctx, "a", strings.NewReader("")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestLocksAndChecksums(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	m := faulty.NewMemory()
	m.Now = func() time.Time { return now }
	s := faulty.New(m)
	until := now.Add(time.Hour)
	if err := s.PutUntil(t.Context(), "a", strings.NewReader("hello"), until); err != nil {
		t.Fatal(err)
	}
	err := s.Delete(t.Context(), "a")
	if got, ok := store.KeptUntil(err); !errors.Is(err, store.ErrLocked) || !ok || !got.Equal(until) {
		t.Errorf("delete: %v", err)
	}
	if got, err := s.LockedUntil(t.Context(), "a"); err != nil || !got.Equal(until) {
		t.Errorf("locked until %v, %v", got, err)
	}
	sum, size, err := s.Checksum(t.Context(), "a")
	if err != nil || size != 5 || sum.String() != "md5:5d41402abc4b2a76b9719d911017c592" {
		t.Errorf("checksum %v of %d bytes, %v", sum, size, err)
	}
	if !m.Damage("a", bytes.ToUpper) || m.Damage("none", bytes.ToUpper) {
		t.Error("damage")
	}
	if got := read(t.Context(), s, "a"); got != "HELLO" {
		t.Error(got)
	}
	now = until
	if got, err := s.LockedUntil(t.Context(), "a"); err != nil || !got.IsZero() {
		t.Errorf("locked until %v, %v", got, err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Checksum(t.Context(), "a"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("checksum of nothing: %v", err)
	}
}
