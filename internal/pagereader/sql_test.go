package pagereader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// show writes a row so that two are equal exactly when they have the same
// values. Text is in UTF-8, as SQL gives it, or, stored, in its own encoding.
func show(row []value.Value, e sqlitefile.Encoding) string {
	var b strings.Builder
	for i := range row {
		v := &row[i]
		switch v.Kind {
		case value.Integer:
			fmt.Fprintf(&b, "i%d|", v.Int)
		case value.Real:
			fmt.Fprintf(&b, "r%x|", v.Int)
		case value.Text:
			fmt.Fprintf(&b, "t%q|", v.Bytes)
		case value.RawText:
			text, _ := sqlitefile.DecodeText(nil, v.Bytes, e)
			fmt.Fprintf(&b, "t%q|", text)
		case value.Blob:
			fmt.Fprintf(&b, "b%x|", v.Bytes)
		default:
			b.WriteString("null|")
		}
	}
	return b.String()
}

// asSQL returns what a query gives.
func asSQL(t tb, c *engine.Conn, sql string) (rows []string) {
	t.Helper()
	err := c.Query(context.Background(), sql, nil, func(row []value.Value) error {
		rows = append(rows, show(row, sqlitefile.UTF8))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// asRead returns what two goroutines read that share the batches of a b-tree,
// in its order; batches hold pointers, so each is handed to a goroutine as it
// comes.
func asRead(t tb, f *pagereader.File, tree *pagereader.Tree, rowids bool) []string {
	t.Helper()
	type job struct {
		number int
		batch  *pagereader.Batch
	}
	jobs := make(chan job)
	var mu sync.Mutex
	parts := map[int][]string{}
	var failed error
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			cur := f.NewCursor()
			for j := range jobs {
				var rows []string
				err := cur.Each(j.batch, func(r *pagereader.Row) error {
					rec, err := cur.Record(r)
					if err != nil {
						return err
					}
					row, err := sqlitefile.DecodeRecord(rec, nil)
					if rowids {
						row = append([]value.Value{value.OfInt(r.RowID)}, row...)
					}
					rows = append(rows, show(row, f.Header().Encoding))
					return err
				})
				mu.Lock()
				parts[j.number] = rows
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	n := 0
	for b, err := range tree.Batches() {
		if err != nil {
			failed = err
			break
		}
		jobs <- job{n, b}
		n++
	}
	close(jobs)
	all.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	var rows []string
	for i := range n {
		rows = append(rows, parts[i]...)
	}
	return rows
}

// content draws values of every class, some of which spill.
func content() *rapid.Generator[value.Value] {
	return rapid.Custom(func(t *rapid.T) value.Value {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return value.OfInt(rapid.Int64().Draw(t, "int"))
		case 1:
			return value.OfFloat(rapid.Float64().Draw(t, "real"))
		case 2:
			return value.OfText(strings.ToValidUTF8(strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", ""), ""))
		case 3:
			return value.OfBlob(bytes.Repeat([]byte{7}, rapid.SampledFrom([]int{0, 90, 100, 101, 470, 480, 1000, 1010, 9000, 70_000}).Draw(t, "blob")))
		case 4:
			return value.OfBlob(rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "blob"))
		}
		return value.Value{}
	})
}

// TestReaderIsSQL reads random databases and compares each row with what SQL
// says.
func TestReaderIsSQL(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := 1 << rapid.IntRange(9, 16).Draw(r, "page size")
		settings := fmt.Sprintf("PRAGMA page_size=%d; PRAGMA auto_vacuum=%d; PRAGMA encoding='%s'", size, rapid.IntRange(0, 2).Draw(r, "auto_vacuum"),
			rapid.SampledFrom([]string{"UTF-8", "UTF-16le", "UTF-16be"}).Draw(r, "encoding"))
		rows := rapid.SliceOfN(content(), 0, 40).Draw(r, "values")
		many := rapid.SampledFrom([]int{0, 0, 30, 3000}).Draw(r, "rows")
		var sql map[string][]string
		b := create(r, filepath.Join(t.TempDir(), "a.db"), func(c *engine.Conn) {
			for i, v := range rows {
				args := []value.Value{value.OfInt(int64(i * 7919 % 41)), v}
				for _, insert := range []string{"INSERT INTO t VALUES (?, ?)", "INSERT OR IGNORE INTO w VALUES (?2, ?1)"} {
					if err := c.Exec(context.Background(), insert, args...); err != nil {
						r.Fatal(err)
					}
				}
			}
			fill := fmt.Sprintf("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT OR IGNORE INTO %%s FROM n WHERE i <= %d", many, many)
			for _, s := range []string{
				fmt.Sprintf(fill, "t SELECT i * 5001 % 3001, 'row ' || i"), fmt.Sprintf(fill, "w SELECT 'key ' || i * 5001 % 3001, i"),
				rapid.SampledFrom([]string{"SELECT 1", "DELETE FROM t WHERE rowid % 3", "DELETE FROM w WHERE typeof(v) = 'integer' AND v > 9", "DELETE FROM t; DELETE FROM w"}).Draw(r, "delete"),
			} {
				if err := c.Exec(context.Background(), s); err != nil {
					r.Fatalf("%s: %v", s, err)
				}
			}
			sql = map[string][]string{
				"t": asSQL(r, c, "SELECT rowid, a, b FROM t NOT INDEXED ORDER BY rowid"),
				"w": asSQL(r, c, "SELECT k, v FROM w NOT INDEXED ORDER BY k"),
				"i": asSQL(r, c, "SELECT b, rowid FROM t INDEXED BY i ORDER BY b, rowid"),
				"j": asSQL(r, c, "SELECT v, k FROM w INDEXED BY j ORDER BY v DESC, k"),
			}
		}, settings, "CREATE TABLE t(a, b); CREATE TABLE w(k, v, PRIMARY KEY(k)) WITHOUT ROWID; CREATE INDEX i ON t(b); CREATE INDEX j ON w(v DESC)")
		// A file of SQLite before 3.7.0 does not say how many pages it has.
		if rapid.Bool().Draw(r, "page count missing") {
			clear(b[28:32])
		}
		f, err := pagereader.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			r.Fatal(err)
		}
		if f.Pages() != uint32(len(b)/size) {
			r.Fatalf("%d pages of %d bytes in a file of %d", f.Pages(), size, len(b))
		}
		roots := schema(r, f)
		for name, want := range sql {
			tree := f.Index(roots[name])
			if name == "t" {
				tree = f.Table(roots[name])
			}
			got := asRead(r, f, tree, name == "t")
			if !slices.Equal(got, want) {
				r.Fatalf("%s: %d rows, want %d; first difference %s", name, len(got), len(want), difference(got, want))
			}
		}
	})
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%d: %.200s, want %.200s", i, got[i], want[i])
		}
	}
	return "at the end"
}

// schema returns the root pages by name.
func schema(t tb, f *pagereader.File) map[string]uint32 {
	t.Helper()
	roots := map[string]uint32{}
	cur := f.NewCursor()
	for b, err := range f.Table(1).Batches() {
		if err != nil {
			t.Fatal(err)
		}
		err := cur.Each(b, func(r *pagereader.Row) error {
			rec, err := cur.Record(r)
			if err != nil {
				return err
			}
			row, err := sqlitefile.DecodeRecord(rec, nil)
			if err == nil {
				name, _ := sqlitefile.DecodeText(nil, row[1].Bytes, f.Header().Encoding)
				roots[string(name)] = uint32(row[3].Int)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return roots
}

func open(t tb, b []byte) *pagereader.File {
	t.Helper()
	f, err := pagereader.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCount checks that Count gives the number of rows, and stops with its
// context.
func TestCount(t *testing.T) {
	s := sound(t)
	f := open(t, s.b)
	cur := f.NewCursor()
	for _, c := range []struct {
		tree *pagereader.Tree
		want int64
	}{{f.Table(uint32(s.root)), 401}, {f.Index(uint32(s.wRoot)), 300}, {f.Table(uint32(s.small)), 2}} {
		if n, err := cur.Count(t.Context(), c.tree); err != nil || n != c.want {
			t.Errorf("%d rows, %v, want %d", n, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f = open(t, s.b)
	if _, err := f.NewCursor().Count(ctx, f.Table(uint32(s.root))); !errors.Is(err, context.Canceled) {
		t.Errorf("Count after the end of its context: %v", err)
	}
}

// TestKeep checks that a row that is kept can be read later, by another Cursor,
// when its own has gone on to other pages.
func TestKeep(t *testing.T) {
	b := create(t, filepath.Join(t.TempDir(), "a.db"), nil, "CREATE TABLE t(a)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO t SELECT format('row number %0400d', i) FROM n",
		"INSERT INTO t VALUES (zeroblob(40000))")
	f := open(t, b)
	cur, later := f.NewCursor(), f.NewCursor()
	var kept []*pagereader.Row
	for b, err := range f.Table(schema(t, f)["t"]).Batches() {
		if err != nil {
			t.Fatal(err)
		}
		err := cur.Each(b, func(r *pagereader.Row) error {
			kept = append(kept, r.Keep())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) != 3001 {
		t.Fatalf("%d rows", len(kept))
	}
	for i, r := range kept {
		rec, err := later.Record(r)
		if err != nil {
			t.Fatal(err)
		}
		row, err := sqlitefile.DecodeRecord(rec, nil)
		want := fmt.Sprintf("t\"row number %0400d\"|", i+1)
		if i == 3000 {
			want = fmt.Sprintf("b%x|", make([]byte, 40000))
		}
		if got := show(row, sqlitefile.UTF8); err != nil || got != want || r.Size != int64(len(rec)) {
			t.Fatalf("row %d of %d bytes: %.200s, %v", r.RowID, r.Size, got, err)
		}
	}
	// Its overflow pages are claimed now.
	if _, err := later.Record(kept[3000]); !refused(err) {
		t.Errorf("the overflow chain is read again: %v", err)
	}
}

// counter counts reads.
type counter struct {
	io.ReaderAt
	reads int
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(b, off)
}

// TestReadAhead checks that neighbouring leaf pages are read together.
func TestReadAhead(t *testing.T) {
	b := create(t, filepath.Join(t.TempDir(), "a.db"), nil, "CREATE TABLE t(a)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO t SELECT zeroblob(1000) FROM n")
	c := &counter{ReaderAt: bytes.NewReader(b)}
	f, err := pagereader.Open(c, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := f.NewCursor().Count(t.Context(), f.Table(schema(t, f)["t"]))
	if err != nil || n != 3000 || c.reads > len(b)/4096/10 {
		t.Errorf("%d rows in %d pages are read by %d reads, %v", n, len(b)/4096, c.reads, err)
	}
}

// TestStop checks that a walk ends when its consumer has enough.
func TestStop(t *testing.T) {
	s := sound(t)
	n := 0
	for range open(t, s.b).Table(uint32(s.root)).Batches() {
		n++
		break
	}
	if n != 1 {
		t.Error(n)
	}
}

// TestBatches checks that batches have a bounded size, so that memory has, too.
func TestBatches(t *testing.T) {
	for _, size := range []int{512, 4096, 65536} {
		b := create(t, filepath.Join(t.TempDir(), "a.db"), nil, fmt.Sprintf("PRAGMA page_size=%d; CREATE TABLE t(a)", size),
			fmt.Sprintf("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 300) INSERT INTO t SELECT zeroblob(%d) FROM n", size/3))
		f := open(t, b)
		cur, batches, most := f.NewCursor(), 0, int64(0)
		for b, err := range f.Table(schema(t, f)["t"]).Batches() {
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			if err := cur.Each(b, func(r *pagereader.Row) error { n += r.Size; return nil }); err != nil {
				t.Fatal(err)
			}
			most = max(most, n)
			batches++
		}
		if most > 256<<10 || batches < 2 {
			t.Errorf("pages of %d: %d batches of up to %d bytes", size, batches, most)
		}
	}
}
