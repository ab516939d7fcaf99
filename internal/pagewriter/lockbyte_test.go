package pagewriter_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// sparseFile does not write what is zero, so that a file of 1 GiB needs little
// space.
type sparseFile struct{ f *os.File }

func (s sparseFile) WriteAt(b []byte, off int64) (int, error) {
	const block = 4096
	zeros := make([]byte, block)
	for i := 0; i < len(b); i += block {
		part := b[i:min(i+block, len(b))]
		if bytes.Equal(part, zeros[:len(part)]) {
			continue
		}
		if _, err := s.f.WriteAt(part, off+int64(i)); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// TestBeyondOneGiB has SQLite check a file that goes across the lock-byte page.
// Pages of 65536 bytes make the fewest of them.
func TestBeyondOneGiB(t *testing.T) {
	h := header(65536)
	h.LargestRoot = 1
	path := filepath.Join(t.TempDir(), "large.db")
	f, err := os.Create(path)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	w, err := pagewriter.New(sparseFile{f}, h, 1)
	must(t, err)
	schema := w.Schema()
	must(t, schema.Append(1, schemaRow(shape{header: h}, w.Root(0), "table", 0, false)))
	must(t, schema.Close())
	const rows, size = 33, 1 << 25
	table, zeros := w.Table(0), make([]byte, size)
	head := sqlitefile.AppendRecordHeader(nil, []value.Value{value.OfBlob(zeros)}, h.SchemaFormat)
	for i := range int64(rows) {
		must(t, table.AppendParts(i, head, zeros))
	}
	must(t, table.Close())
	must(t, w.Close())
	if w.Pages() <= sqlitefile.LockBytePage(h.PageSize) {
		t.Fatalf("only %d pages", w.Pages())
	}
	must(t, f.Truncate(int64(w.Pages())*int64(h.PageSize)))

	c, err := engine.Open(context.Background(), path, engine.OpenOptions{Immutable: true})
	must(t, err)
	defer func() { must(t, c.Close()) }()
	if got := query(t, c, "PRAGMA integrity_check"); got != "ok" {
		t.Fatalf("integrity_check: %s", got)
	}
	if got := query(t, c, "SELECT sum(length(v)) FROM t0"); got != fmt.Sprint(rows*size) {
		t.Fatalf("%s bytes came back, want %d", got, rows*size)
	}
}
