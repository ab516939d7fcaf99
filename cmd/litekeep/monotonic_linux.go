package main

import "golang.org/x/sys/unix"

// monotonic returns CLOCK_MONOTONIC in microseconds, which Go's own time does not show.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return t.Nano() / 1000
}
