//go:build !unix

package main

import (
	"os"
	"time"
)

// resources returns the CPU time of a process that has ended; peak memory is
// not known here.
func resources(s *os.ProcessState) (cpu time.Duration, peak int64) {
	if s == nil {
		return 0, 0
	}
	return s.UserTime() + s.SystemTime(), 0
}

// ownPeak returns the peak memory of this process, which is not known here.
func ownPeak() int64 { return 0 }

// flushDisks does nothing here.
func flushDisks() {}
