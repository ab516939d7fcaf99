//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// resources returns what the kernel counted of a process that has ended.
func resources(s *os.ProcessState) (cpu time.Duration, peak int64) {
	if s == nil {
		return 0, 0
	}
	cpu = s.UserTime() + s.SystemTime()
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		peak = peakBytes(r)
	}
	return cpu, peak
}

// ownPeak returns the peak memory of this process.
func ownPeak() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return peakBytes(&r)
}

func peakBytes(r *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(r.Maxrss) // the one system that counts bytes
	}
	return int64(r.Maxrss) << 10
}

// flushDisks writes out all dirty pages.
func flushDisks() { syscall.Sync() }
