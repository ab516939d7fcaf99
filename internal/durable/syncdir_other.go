//go:build !windows

package durable

import "os"

func syncFolder(f *os.File) error {
	if err := f.Sync(); !unsupported(err) {
		return err
	}
	return nil
}
