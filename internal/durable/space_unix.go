//go:build linux || darwin

package durable

import (
	"math"

	"golang.org/x/sys/unix"
)

func freeSpace(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	size := uint64(st.Bsize)
	if size != 0 && st.Bavail > math.MaxInt64/size {
		return math.MaxInt64, nil
	}
	return int64(st.Bavail * size), nil
}
