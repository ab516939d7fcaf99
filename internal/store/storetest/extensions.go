package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// plain hides the extensions of a store.
type plain struct{ store.Store }

func testUnlist(t *testing.T, s store.Store) {
	for name, s := range map[string]store.Store{"own": s, "plain": plain{s}} {
		ctx := t.Context()
		old, unlisted := name+"/m.json", name+"/m.json.pruned"
		put(t, s, old, content(5))
		if err := store.Unlist(ctx, s, old, unlisted); err != nil {
			t.Fatal(err)
		}
		want(t, s, unlisted, content(5))
		wantKeys(t, s, name+"/", unlisted)
		if err := store.Unlist(ctx, s, old, unlisted); !errors.Is(err, store.ErrNotExist) {
			t.Errorf("%s: again: %v, want ErrNotExist", name, err)
		}
		put(t, s, old, content(5)) // as after a copy whose second half was cut off
		if err := store.Unlist(ctx, s, old, unlisted); err != nil {
			t.Errorf("%s: finishing: %v", name, err)
		}
		wantKeys(t, s, name+"/", unlisted)
	}
}

func testCreate(t *testing.T, s store.Store) {
	c, ok := s.(store.Creator)
	if !ok {
		return
	}
	data := content(20<<20 + 3)
	o, err := c.Create(t.Context(), "app/x")
	if err != nil {
		t.Fatal(err)
	}
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 3<<20+1)
		if written, err := o.Write(rest[:n]); written != n || err != nil {
			t.Fatalf("wrote %d of %d: %v", written, n, err)
		}
		rest = rest[n:]
	}
	wantAbsent(t, s, "app/x")
	if err := o.Sync(); err != nil {
		t.Fatal(err)
	}
	if d, ok := o.(store.CacheDropper); ok {
		d.DropCache()
	}
	back, err := io.ReadAll(io.NewSectionReader(o, 0, int64(len(data))+1))
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("read back %d bytes: %v", len(back), err)
	}
	wantAbsent(t, s, "app/x")
	if err := o.Publish(); err != nil {
		t.Fatal(err)
	}
	want(t, s, "app/x", data)
	if _, err := o.Write([]byte("x")); err == nil {
		t.Error("written to after it was published")
	}
	if o.Publish() == nil || o.Sync() == nil {
		t.Error("published or synced twice")
	}
	if err := o.Discard(); err != nil {
		t.Errorf("discard after publishing: %v", err)
	}
	want(t, s, "app/x", data)
}

func testCreateTaken(t *testing.T, s store.Store) {
	c, ok := s.(store.Creator)
	if !ok {
		return
	}
	put(t, s, "app/taken", content(1))
	if _, err := c.Create(t.Context(), "app/taken"); !errors.Is(err, store.ErrExist) {
		t.Errorf("of an object: %v, want ErrExist", err)
	}
	o, err := c.Create(t.Context(), "app/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), "app/x"); !errors.Is(err, store.ErrExist) {
		t.Errorf("of one that is being written: %v, want ErrExist", err)
	}
	put(t, s, "app/x", content(2)) // somebody is faster
	if err := o.Publish(); !errors.Is(err, store.ErrExist) {
		t.Errorf("publish: %v, want ErrExist", err)
	}
	for range 2 {
		if err := o.Discard(); err != nil {
			t.Error(err)
		}
	}
	if o.Publish() == nil {
		t.Error("published after it was discarded")
	}
	want(t, s, "app/x", content(2))
	wantKeys(t, s, "", "app/taken", "app/x")
	if err := s.Delete(t.Context(), "app/x"); err != nil {
		t.Fatal(err)
	}
	if o, err = c.Create(t.Context(), "app/x"); err != nil {
		t.Fatalf("after a discard: %v", err)
	}
	if err := o.Discard(); err != nil {
		t.Error(err)
	}
	wantKeys(t, s, "", "app/taken")
}

func testReplace(t *testing.T, s store.Store) {
	r, ok := s.(store.Replacer)
	if !ok {
		return
	}
	for i := range 3 {
		if err := r.Replace(t.Context(), "app/note", content(100-i)); err != nil {
			t.Fatal(err)
		}
		want(t, s, "app/note", content(100-i))
	}
	wantKeys(t, s, "", "app/note")
}

func testRename(t *testing.T, s store.Store) {
	r, ok := s.(store.Renamer)
	if !ok {
		return
	}
	ctx := t.Context()
	put(t, s, "app/a", content(1))
	put(t, s, "app/b", content(2))
	if err := r.Rename(ctx, "app/a", "app/b"); !errors.Is(err, store.ErrExist) {
		t.Errorf("onto another: %v, want ErrExist", err)
	}
	if err := r.Rename(ctx, "app/none", "app/c"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("of nothing: %v, want ErrNotExist", err)
	}
	if err := r.Rename(ctx, "app/a", "app/a"); !errors.Is(err, store.ErrExist) {
		t.Errorf("onto itself: %v, want ErrExist", err)
	}
	want(t, s, "app/a", content(1))
	want(t, s, "app/b", content(2))
	if err := r.Rename(ctx, "app/a", "new/c"); err != nil {
		t.Error(err)
	}
	want(t, s, "new/c", content(1))
	wantKeys(t, s, "", "app/b", "new/c")
}

func testSweep(t *testing.T, s store.Store) {
	w, isSweeper := s.(store.Sweeper)
	c, isCreator := s.(store.Creator)
	if !isSweeper || !isCreator {
		return
	}
	put(t, s, "app/whole", content(9))
	for i, key := range []string{"app/a", "app/b", "other/a"} {
		o, err := c.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		defer o.Discard()
		if _, err := o.Write(content(i)); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(prefix string, drop func(store.Info) bool) string {
		t.Helper()
		infos, err := w.Sweep(t.Context(), prefix, drop)
		if err != nil {
			t.Error(err)
		}
		text := ""
		for _, i := range infos {
			if time.Since(i.ModTime) > time.Hour || time.Since(i.ModTime) < -time.Hour {
				t.Errorf("%s was written at %v", i.Key, i.ModTime)
			}
			text += fmt.Sprintf("%s %d; ", i.Key, i.Size)
		}
		return text
	}
	all := func(store.Info) bool { return true }
	for _, tt := range []struct {
		prefix string
		drop   func(store.Info) bool
		want   string
	}{
		{"", func(store.Info) bool { return false }, ""},
		{"ap", func(i store.Info) bool { return i.Key == "app/b" }, "app/b 1; "},
		{"app/", all, "app/a 0; "},
		{"app/", all, ""},
		{"", all, "other/a 2; "},
	} {
		if got := sweep(tt.prefix, tt.drop); got != tt.want {
			t.Errorf("sweep %q: %q, want %q", tt.prefix, got, tt.want)
		}
	}
	want(t, s, "app/whole", content(9))
	put(t, s, "app/a", content(4))
}
