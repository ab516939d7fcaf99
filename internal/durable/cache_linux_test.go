package durable_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/litekeep/litekeep/internal/durable"
)

// TestCacheHints checks that the hints leave the file as it is, and, on file
// systems that are known to heed it, that DropCache empties the cache.
func TestCacheHints(t *testing.T) {
	data := make([]byte, 9<<20)
	_, _ = rand.Read(data) // never fails
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	new(durable.WriteBehind).Written(f, int64(len(data)))
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, f, len(data)); n == 0 {
		t.Fatal("nothing is cached after writing: the test cannot tell anything")
	}
	durable.DropCache(f)
	if n := resident(t, f, len(data)); n > 0 && heedsDropCache(t, f) {
		t.Errorf("%d pages are still cached", n)
	}
	got := make([]byte, len(data))
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(len(got))), got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the content changed: %v", err)
	}
	if pos, err := f.Seek(0, io.SeekCurrent); err != nil || pos != int64(len(data)) {
		t.Errorf("the position changed: %d, %v", pos, err)
	}
}

func heedsDropCache(t *testing.T, f *os.File) bool {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return st.Type == unix.EXT4_SUPER_MAGIC || st.Type == unix.XFS_SUPER_MAGIC
}

// resident counts the pages of f that are in the cache.
func resident(t *testing.T, f *os.File, size int) int {
	t.Helper()
	m, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	state := make([]byte, (size+os.Getpagesize()-1)/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(size), uintptr(unsafe.Pointer(&state[0])))
	if errno != 0 {
		t.Fatal(errno)
	}
	n := 0
	for _, s := range state {
		n += int(s & 1)
	}
	return n
}
