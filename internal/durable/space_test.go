package durable_test

import (
	"errors"
	"math"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/litekeep/litekeep/internal/durable"
)

func TestNeed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, nil)
	for _, path := range []string{".", filepath.Dir(file), file, filepath.Join(file, "below"), filepath.Join(filepath.Dir(file), "not", "there")} {
		free, err := durable.FreeSpace(path)
		if err != nil || free <= 0 {
			t.Errorf("free space of %s: %d, %v", path, free, err)
		}
		if err := durable.Need(path, 1); err != nil {
			t.Errorf("one byte in %s: %v", path, err)
		}
		err = durable.Need(path, math.MaxInt64)
		var full *durable.NoSpaceError
		if !errors.As(err, &full) || full.Need != math.MaxInt64 || full.Path != path {
			t.Errorf("everything in %s: %v, want a NoSpaceError", path, err)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v is no ENOSPC", err)
		}
	}
}

func TestNoSpaceErrorText(t *testing.T) {
	tests := []struct {
		need, free int64
		want       string
	}{
		{2, 1, "not enough room for 2 B in /x: 1 B free, 1 B missing"},
		{1500 << 20, 1023, "not enough room for 1.46 GiB in /x: 1023 B free, 1.46 GiB missing"},
		{1 << 20, 1024, "not enough room for 1.00 MiB in /x: 1.00 KiB free, 1.00 MiB missing"},
		{416 << 20, 16 << 20, "not enough room for 416 MiB in /x: 16.0 MiB free, 400 MiB missing"},
		{math.MaxInt64, 0, "not enough room for 8.00 EiB in /x: 0 B free, 8.00 EiB missing"},
	}
	for _, tt := range tests {
		err := &durable.NoSpaceError{Path: "/x", Need: tt.need, Free: tt.free}
		if got := err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
