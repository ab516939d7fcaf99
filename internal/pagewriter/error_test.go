package pagewriter_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

func TestOrder(t *testing.T) {
	w, err := pagewriter.New(&memoryFile{}, header(512), 1)
	must(t, err)
	table := w.Table(0)
	for _, rowid := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		must(t, table.Append(rowid, []byte{1}))
		for _, wrong := range []int64{rowid, math.MinInt64} {
			var order *pagewriter.OrderError
			for _, err := range []error{table.Append(wrong, []byte{1}), table.AppendParts(wrong, []byte{1})} {
				if !errors.As(err, &order) || order.Rowid != wrong || order.Previous != rowid {
					t.Fatalf("rowid %d after %d: %v", wrong, rowid, err)
				}
			}
		}
	}
	must(t, table.Close()) // wrong order does no harm
}

func TestTooBig(t *testing.T) {
	w, err := pagewriter.New(&memoryFile{}, header(512), 2)
	must(t, err)
	piece := make([]byte, 1<<20)
	pieces := make([][]byte, 2048)
	for i := range pieces {
		pieces[i] = piece
	}
	if err := w.Table(0).AppendParts(1, pieces...); !errors.Is(err, pagewriter.ErrTooBig) {
		t.Fatalf("table: %v", err)
	}
	if err := w.Index(1).AppendParts(pieces...); !errors.Is(err, pagewriter.ErrTooBig) {
		t.Fatalf("index: %v", err)
	}
}

func TestHeader(t *testing.T) {
	for name, change := range map[string]func(*sqlitefile.Header){
		"page size": func(h *sqlitefile.Header) { h.PageSize = 1000 },
		"reserved":  func(h *sqlitefile.Header) { h.Reserved = 33 },
		"encoding":  func(h *sqlitefile.Header) { h.Encoding = 0 },
	} {
		h := header(512)
		change(&h)
		if _, err := pagewriter.New(&memoryFile{}, h, 0); !errors.Is(err, sqlitefile.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnfinished finds that a file is not finished before every b-tree is, and
// that it has no header until then.
func TestUnfinished(t *testing.T) {
	var file memoryFile
	w, err := pagewriter.New(&file, header(512), 2)
	must(t, err)
	refused := func(want string) {
		t.Helper()
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want %q", err, want)
		}
		if len(file.b) >= 16 && string(file.b[:6]) == "SQLite" {
			t.Fatal("the file has a header")
		}
	}
	refused("schema is not written")
	schema := w.Schema()
	refused("schema is not written")
	must(t, schema.Close())
	refused("b-tree at page 2 is not written")
	index := w.Index(0)
	refused("b-tree at page 2 is not written")
	must(t, index.Close())
	refused("b-tree at page 3 is not written")
	must(t, w.Table(1).Close())
	must(t, w.Close())
	if string(file.b[:6]) != "SQLite" {
		t.Fatal("the file has no header")
	}
}

func TestMisuse(t *testing.T) {
	w, err := pagewriter.New(&memoryFile{}, header(512), 2)
	must(t, err)
	table, index := w.Table(0), w.Index(1)
	again := w.Table(0)
	if err := again.Append(1, []byte{1}); err == nil || !strings.Contains(err.Error(), "opened before") {
		t.Fatalf("b-tree opened twice: %v", err)
	}
	if err := again.Close(); err == nil {
		t.Fatal("b-tree opened twice can be closed twice")
	}
	must(t, table.Close())
	must(t, index.Close())
	for _, err := range []error{table.Append(1, []byte{1}), table.Close(), index.Append([]byte{1}), index.Close()} {
		if err == nil || !strings.Contains(err.Error(), "is closed") {
			t.Fatalf("closed b-tree: %v", err)
		}
	}
}

// failingFile fails after a number of writes.
type failingFile struct {
	memoryFile
	left int
}

var errDisk = errors.New("no space left")

func (f *failingFile) WriteAt(b []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errDisk
	}
	return f.memoryFile.WriteAt(b, off)
}

// TestWriteFails lets each write fail in turn: an error that wraps it comes
// from some call, and then from Close.
func TestWriteFails(t *testing.T) {
	for _, autoVacuum := range []uint32{0, 1} {
		h := header(512)
		h.LargestRoot = autoVacuum
		for n := 0; ; n++ {
			file := &failingFile{left: n}
			err, closed := writeSome(file, h)
			if err == nil && closed == nil {
				if n < 8 {
					t.Fatalf("only %d writes", n)
				}
				break
			}
			if err != nil && !errors.Is(err, errDisk) || !errors.Is(closed, errDisk) {
				t.Fatalf("write %d: %v, then %v", n, err, closed)
			}
			if string(file.b[:min(6, len(file.b))]) == "SQLite" {
				t.Fatalf("write %d failed, and the file has a header", n)
			}
		}
	}
}

// writeSome writes tables that are several buffers long, and returns the first
// error and that of Close.
func writeSome(f *failingFile, h sqlitefile.Header) (first, closed error) {
	w, err := pagewriter.New(f, h, 2)
	if err != nil {
		return err, err
	}
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	note(w.Schema().Close())
	table := w.Table(0)
	for i := range int64(300) {
		note(table.Append(i, make([]byte, 9000)))
	}
	note(table.Close())
	index := w.Index(1)
	for range 300 {
		note(index.Append(make([]byte, 9000)))
	}
	note(index.Close())
	return first, w.Close()
}
