//go:build unix

package engine

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mayWrite reports an error if this process may not write to a database file
// or create a journal beside it. It does not open the file.
func mayWrite(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, unwrapPath(err))
	}
	for _, p := range []string{real, filepath.Dir(real)} {
		if err := unix.Access(p, unix.W_OK); err != nil {
			return fmt.Errorf("write to %s: %w", p, err)
		}
	}
	return nil
}
