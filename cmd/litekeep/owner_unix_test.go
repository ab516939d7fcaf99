//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCheckOwner(t *testing.T) {
	mine, its := t.TempDir(), "/" // which is root's
	if os.Geteuid() == 0 {
		its = t.TempDir()
		if err := os.Chown(its, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	for dir, ok := range map[string]bool{mine: true, filepath.Join(mine, "no"): true, its: false} {
		if err := checkOwner(dir); (err == nil) != ok {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
