package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/store"
)

// testContext ends the context before and during operations.
func testContext(t *testing.T, s store.Store) {
	put(t, s, "app/x", content(1<<20))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Get(ctx, "app/x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	// Once the context has ended there is more to read, but not for ever: a
	// store that does not notice must not fill the disk.
	more := readerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	during := io.MultiReader(bytes.NewReader(content(100)), io.LimitReader(more, 16<<20))
	if err := s.Put(ctx, "app/y", during); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want Canceled", err)
	}
	wantAbsent(t, s, "app/y")
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v, want Canceled", err)
	}
	_, getErr := s.Get(ctx, "app/x")
	_, rangeErr := s.GetRange(ctx, "app/x", 0, 1)
	errs := map[string]error{
		"put": s.Put(ctx, "app/z", strings.NewReader("")), "get": getErr, "range": rangeErr, "delete": s.Delete(ctx, "app/x"),
	}
	for _, err := range s.List(ctx, "") {
		errs["list"] = err
	}
	if c, ok := s.(store.Creator); ok {
		_, errs["create"] = c.Create(ctx, "app/z")
	}
	if r, ok := s.(store.Renamer); ok {
		errs["rename"] = r.Rename(ctx, "app/x", "app/z")
	}
	if r, ok := s.(store.Replacer); ok {
		errs["replace"] = r.Replace(ctx, "app/x", nil)
	}
	for op, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want Canceled", op, err)
		}
	}
	if errs["list"] == nil {
		t.Error("list gave nothing at all")
	}
	want(t, s, "app/x", content(1<<20))
	wantKeys(t, s, "", "app/x")
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
