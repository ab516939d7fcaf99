package heap_test

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/heap"
)

// alone runs a test in a process of its own, since how a process collects is one setting,
// and reports whether this is that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv("HEAP_TEST") != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "HEAP_TEST=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// TestRunAboveLimit: a process in which more lives than the limit allows does not do
// nothing but collect.
func TestRunAboveLimit(t *testing.T) {
	if !alone(t) {
		return
	}
	heap.Run(32 << 20)
	lives := make([][]byte, 64)
	for i := range lives {
		lives[i] = make([]byte, 1<<20)
	}
	// The limit is set anew after a collection.
	for end := time.Now().Add(10 * time.Second); debug.SetMemoryLimit(-1) < 64<<20; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("64 MiB live, and the limit is %d", debug.SetMemoryLimit(-1))
		}
		runtime.GC()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var passes []byte
	for range 250 {
		passes = make([]byte, 1<<20)
		time.Sleep(time.Millisecond) // or several pass by while it collects once
	}
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n > 50 { // a collection for each 20 MiB and more are 12
		t.Errorf("%d collections while 250 MiB passed by", n)
	}
	runtime.KeepAlive(lives)
	runtime.KeepAlive(passes)
	lives = nil
	for end := time.Now().Add(10 * time.Second); debug.SetMemoryLimit(-1) != 32<<20; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the limit stays %d", debug.SetMemoryLimit(-1))
		}
		runtime.GC()
	}
}

func TestLimit(t *testing.T) {
	if !alone(t) {
		return
	}
	heap.Limit(48 << 20)
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var kept []byte
	fill := func(bytes int) (collections uint32) {
		var m runtime.MemStats
		for range bytes >> 20 {
			kept = make([]byte, 1<<20)
		}
		runtime.ReadMemStats(&m)
		return m.NumGC - before.NumGC
	}
	if n := fill(20 << 20); n != 0 {
		t.Errorf("%d collections after 20 of 48 MiB", n)
	}
	if n := fill(200 << 20); n == 0 || len(kept) == 0 {
		t.Error("no collection after 220 of 48 MiB")
	}
	// From the first collection on the heap may not grow to the limit again each time.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now := debug.SetGCPercent(40)
		if now == 40 {
			break
		}
		debug.SetGCPercent(now)
		if time.Now().After(end) {
			t.Fatalf("the collector's percentage is %d", now)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys-m.HeapReleased > 64<<20 {
		t.Error("more than 64 MiB: " + strconv.FormatUint(m.Sys-m.HeapReleased, 10))
	}
}
