//go:build unix

package folder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/folder"
)

var errFault = errors.New("injected fault")

// TestFaults lets each step of each operation fail, once alone and once with
// all later ones, as when the process dies. What was there stays, what is found
// is whole, and what is left over is swept.
func TestFaults(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 10_000)
	ops := map[string]func(ctx context.Context, s *folder.Store) error{
		"put": func(ctx context.Context, s *folder.Store) error {
			return s.Put(ctx, "new/x", bytes.NewReader(data))
		},
		"create": func(ctx context.Context, s *folder.Store) error {
			o, err := s.Create(ctx, "new/x")
			if err != nil {
				return err
			}
			_, err = o.Write(data)
			if err == nil {
				err = o.Publish()
			}
			return errors.Join(err, o.Discard())
		},
		"rename":  func(ctx context.Context, s *folder.Store) error { return s.Rename(ctx, "app/old", "new/x") },
		"replace": func(ctx context.Context, s *folder.Store) error { return s.Replace(ctx, "app/old", data) },
		"delete":  func(ctx context.Context, s *folder.Store) error { return s.Delete(ctx, "app/old") },
	}
	for name, op := range ops {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/dies=%v", name, dies), func(t *testing.T) {
				for at := 0; faultCase(t, data, op, at, dies); at++ {
				}
			})
		}
	}
}

// faultCase returns false when the operation has fewer steps than at.
func faultCase(t *testing.T, data []byte, op func(context.Context, *folder.Store) error, at int, dies bool) bool {
	t.Helper()
	dir := t.TempDir()
	if err := open(t, dir, nil).Put(t.Context(), "app/old", strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	n := -1
	faulty := open(t, dir, func(durable.Op, string) error {
		if n++; n == at || dies && n > at {
			return errFault
		}
		return nil
	})
	err := op(t.Context(), faulty)
	if n < at {
		if err != nil || at < 2 {
			t.Errorf("after %d steps: %v", at, err)
		}
		return false
	}
	if !errors.Is(err, errFault) {
		t.Errorf("step %d: %v, want the fault", at, err)
	}
	s := open(t, dir, nil) // the next process
	contents := map[string]string{}
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		contents[info.Key] = read(t, s, info.Key)
	}
	old, hasOld := contents["app/old"]
	found, hasNew := contents["new/x"]
	if hasOld && old != "old" && old != string(data) || hasNew && found != string(data) && found != "old" || len(contents) > 2 {
		t.Errorf("step %d: found %d objects, %d and %d bytes", at, len(contents), len(old), len(found))
	}
	swept, err := s.Sweep(t.Context(), "", func(store.Info) bool { return true })
	if err != nil || len(swept) > 1 {
		t.Errorf("step %d: swept %v, %v", at, swept, err)
	}
	if left := slices.DeleteFunc(tree(t, dir), func(l string) bool { return !strings.Contains(l, store.PartialSuffix) }); len(left) > 0 {
		t.Errorf("step %d: left over %q", at, left)
	}
	return true
}

func read(t *testing.T, s *folder.Store, key string) string {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDiskFull fails a write the way a full disk does, and has the room back
// after the object is discarded.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	full := false
	s := open(t, dir, func(op durable.Op, _ string) error {
		if full && op == durable.OpWrite {
			return syscall.ENOSPC
		}
		return nil
	})
	o, err := s.Create(t.Context(), "app/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	full = true
	if _, err := o.Write([]byte("x")); !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), `create "app/x": `) {
		t.Errorf("got %v", err)
	}
	if err := o.Discard(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"drwx------ app"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}
