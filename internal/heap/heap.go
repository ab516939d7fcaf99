// Package heap says when a process collects its garbage, for commands that are
// mostly short and must stay small.
//
// A process that imports it collects nothing before it calls Limit or Run. Go
// runs the init functions of packages in the order of their paths, and of those that this
// program links, the large ones wait for packages under google.golang.org; so this one's
// comes first. Preparing the SDKs of the clouds made for two collections in 25 ms.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// percent lets the heap grow by two fifths between collections; most of what lives
// is buffers that are used again and again (docs/BENCHMARKS.md has the peaks).
const percent = 40

func init() { debug.SetGCPercent(-1) }

// Limit keeps what Go has from the system below soft bytes, where that is possible. Until
// two thirds of it are taken for the first time nothing is collected: a small heap would be
// collected each time it grows by a few megabytes, which took a sixth of the time of
// a backup of 20 MB.
func Limit(soft int64) {
	debug.SetMemoryLimit(soft / 3 * 2)
	debug.SetGCPercent(-1)
	// The cleanup of what nobody holds runs after the first collection. It is not small and
	// without pointers, which Go would keep together with others.
	runtime.AddCleanup(new([64]byte), grow, soft)
}

func grow(soft int64) {
	debug.SetMemoryLimit(soft)
	debug.SetGCPercent(percent)
}

// Run is Limit without the delay, for a process that goes on, and is to be small when it
// has nothing to do. What it has to remember may be more than soft: the backups of
// thousands of databases. Then the limit is above that, since under one that is below
// what lives Go collects all the time.
func Run(soft int64) {
	grow(soft)
	above(soft)
}

// above sets the limit by what lives now, and again after each collection.
func above(soft int64) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetMemoryLimit(max(soft, int64(live[0].Value.Uint64())*2))
	runtime.AddCleanup(new([64]byte), above, soft)
}
