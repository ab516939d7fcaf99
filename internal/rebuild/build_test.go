package rebuild_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/rebuild"
	"github.com/litekeep/litekeep/internal/testdb"
	"github.com/litekeep/litekeep/internal/value"
)

// run runs statements on the database at path, which is made if need be.
func run(t testing.TB, path string, sql ...string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{"PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY"}, sql...) {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// carryAll says that every index is to be carried.
func carryAll(ctx context.Context, path string) (map[int64]string, error) {
	d, err := engine.Describe(ctx, path)
	if err != nil {
		return nil, err
	}
	carry := map[int64]string{}
	for _, o := range d.Objects {
		if o.Type == "index" {
			carry[o.SchemaRowID] = "all are"
		}
	}
	return carry, nil
}

// TestCarriedIndexes carries every index of random databases: what comes back is
// the same, entry by entry, and no index is built.
func TestCarriedIndexes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ctx, dir := t.Context(), t.TempDir()
		source, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db")
		testdb.Random(r, ctx, source)
		carry, err := carryAll(ctx, source)
		if err != nil {
			r.Fatal(err)
		}
		x, err := exportWith(ctx, source, frame.Compression{Codec: "none"}, export.Choices{Carry: carry})
		if err != nil {
			r.Fatal(err)
		}
		if len(x.plan.Rebuilt) > 0 {
			r.Fatalf("%d indexes are not carried", len(x.plan.Rebuilt))
		}
		b, err := rebuild.Build(ctx, target, x.texts(ctx), rebuild.Options{Workers: 2})
		if err != nil || len(b.Reindex) > 0 {
			r.Fatal(b, err)
		}
		differences, gaps, err := testdb.Compare(ctx, source, target)
		if err != nil || len(differences)+len(gaps) > 0 {
			r.Fatal(err, differences, gaps)
		}
	})
}

// TestOddIndexes carries indexes that SQLite could not rebuild, though it could
// well build something else, and compares their entries.
func TestOddIndexes(t *testing.T) {
	dir := t.TempDir()
	source, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db")
	run(t, source, "CREATE TABLE t(a TEXT)", "INSERT INTO t VALUES ('b'), ('a'), ('c'), ('aa'), ('')",
		"CREATE INDEX backwards ON t(a DESC); CREATE INDEX stale ON t(a); CREATE INDEX expr ON t(upper(a)); CREATE INDEX good ON t(a)",
		"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql=replace(sql, ' DESC', '') WHERE name='backwards'; UPDATE sqlite_schema SET sql=replace(sql, 'upper', 'lower') WHERE name='expr'; UPDATE sqlite_schema SET sql='CREATE INDEX stale ON t(a) WHERE 0' WHERE name='stale'")
	x, b, err := roundTrip(t.Context(), source, target, frame.Compression{Codec: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.plan.Indexes) != 3 || len(x.plan.Rebuilt) != 1 || x.counted.End.Entries != 15 || len(b.Reindex) != 0 {
		t.Errorf("carried: %v, %+v", x.choices.Carry, x.counted)
	}
	differences, gaps, err := testdb.Compare(t.Context(), source, target)
	if err != nil || len(differences)+len(gaps) > 0 {
		t.Error(differences, gaps, err)
	}
}

// small is the document of a small database.
func small(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.db")
	run(t, path, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, r REAL)", "CREATE TABLE u(x)", "CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID",
		"INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2.5), (30, NULL, NULL)", "INSERT INTO u VALUES ('only')", "INSERT INTO w VALUES ('k', 1), ('l', 2)",
		"CREATE INDEX i ON t(a); CREATE INDEX carried ON t(r); CREATE INDEX e ON t(length(a))")
	x, err := exportOnce(t.Context(), path, frame.Compression{Codec: "none"}, export.Choices{Carry: map[int64]string{5: "for this test"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := x.document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(`{"name":"carried","entries":[`)) {
		t.Fatalf("%s", text)
	}
	return text
}

// whole gives a text in one piece.
func whole(text []byte) rebuild.Texts {
	return func(each func([]byte) error) error { return each(bytes.Clone(text)) }
}

// rows returns the rows of a query on the database at path, as text.
func rows(t testing.TB, path, sql string) (list []string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Immutable: true})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Query(t.Context(), sql, nil, func(row []value.Value) error {
		var s []string
		for i := range row {
			switch v := row[i]; v.Kind {
			case value.Integer:
				s = append(s, fmt.Sprint(v.Int))
			case value.Real:
				s = append(s, fmt.Sprintf("%.1f", v.Float()))
			case value.Null:
				s = append(s, "NULL")
			default:
				s = append(s, string(v.Bytes))
			}
		}
		list = append(list, strings.Join(s, " "))
		return nil
	})
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestBuild builds a small document, given in pieces of every number of lines.
func TestBuild(t *testing.T) {
	text := small(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for n := 1; n <= len(lines); n++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "new.db")
		b, err := rebuild.Build(t.Context(), path, func(each func([]byte) error) error {
			for piece := range slices.Chunk(lines, n) {
				p := bytes.Join(piece, nil)
				if err := each(p); err != nil {
					return err
				}
				clear(p) // it is the caller's again
			}
			return nil
		}, rebuild.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Reindex, []string{"e"}) || b.End.Rows != 6 || b.End.Entries != 3 || b.Database.PageSize != 4096 || len(b.Carried) != 1 || b.Source.Name != "x" {
			t.Errorf("%+v", b)
		}
		got := slices.Concat(rows(t, path, "SELECT * FROM t"), rows(t, path, "SELECT rowid, x FROM u"), rows(t, path, "SELECT * FROM w"),
			rows(t, path, "SELECT a FROM t INDEXED BY i WHERE a > 'a' ORDER BY a"), rows(t, path, "PRAGMA integrity_check"))
		if want := []string{"1 one 1.0", "2 two 2.5", "30 NULL NULL", "1 only", "k 1", "l 2", "one", "two", "ok"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		alone(t, dir, "new.db")
	}
}

// alone checks that a folder has just one file.
func alone(t testing.TB, dir, name string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) > 1 || len(list) == 1 && list[0].Name() != name {
		t.Errorf("in the folder: %v, %v", list, err)
	}
}

// TestBuildRefuses builds documents that no writer has written.
func TestBuildRefuses(t *testing.T) {
	text := string(small(t))
	for _, c := range []struct{ name, from, to, want string }{
		{"row too short", `[1,"one",1.0]`, `[1,"one"]`, "row has 2 values, not 3"},
		{"row too long", `[1,"one",1.0]`, `[1,"one",1.0,null]`, "row has 4 values, not 3"},
		{"row without a rowid", `[1,"one",1.0]`, `["1","one",1.0]`, "no integer rowid"},
		{"real for a rowid", `[2,"two",2.5]`, `[2.0,"two",2.5]`, "no integer rowid"},
		{"rowids out of order", `[2,"two",2.5]`, `[1,"two",2.5]`, "rowid 1 comes after rowid 1"},
		{"implicit rowid is text", `[1,"only"]`, `["x","only"]`, "no integer rowid"},
		{"value not canonical", `[2,"two",2.5]`, `[2,"two",2.50]`, "not in its one form"},
		{"value that is none", `[2,"two",2.5]`, `[2,"two",true]`, "want a value"},
		{"column too many", `"columns":["id","a","r"]`, `"columns":["id","a","r","s"]`, "it has 4 columns, its declaration 3"},
		{"column missing", `"columns":["id","a","r"]`, `"columns":["id","a"]`, "it has 2 columns, its declaration 3"},
		{"rowid elsewhere", `"columns":["id","a","r"],"rowid":0`, `"columns":["id","a","r"],"rowid":1`, "its rowid is not where its declaration has it"},
		{"rowid implicit", `"columns":["id","a","r"],"rowid":0`, `"columns":["id","a","r"],"rowid":"implicit"`, "its declaration"},
		{"no rowid", `"columns":["id","a","r"],"rowid":0`, `"columns":["id","a","r"],"rowid":null`, "WITHOUT ROWID"},
		{"rowid where there is none", `"columns":["k","v"],"rowid":null`, `"columns":["k","v"],"rowid":0`, "WITHOUT ROWID"},
		{"rowid of a table that has none by name", `"columns":["rowid","x"],"rowid":"implicit"`, `"columns":["rowid","x"],"rowid":0`, "it has 2 columns, its declaration 1"},
		{"table not in the schema", `{"name":"u","columns"`, `{"name":"v","columns"`, "not the next one of the schema"},
		{"declaration that cannot be read", `"sql":"CREATE TABLE u(x)"`, `"sql":"CREATE TABLE u("`, "cannot read its declaration"},
		{"index that cannot be read", `"sql":"CREATE INDEX i ON t(a)"`, `"sql":"CREATE INDEX i ON nowhere(a)"`, "cannot read its declaration"},
		{"index of an unknown function", `length(a))"`, `unknown(a))"`, "unknown"},
		{"table that is rebuilt", `"sql":"CREATE TABLE u(x)","btree":"rows"`, `"sql":"CREATE TABLE u(x)","btree":"rebuild"`, ""},
		{"encoding", `"encoding":"UTF-8"`, `"encoding":"UTF-7"`, "UTF-8"},
		{"page size", `"page_size":4096`, `"page_size":4095`, "power of two"},
		{"reserved", `"page_size":4096,"reserved":0`, `"page_size":512,"reserved":100`, "from 0 to 32"},
		{"version", `{"litekeep":1,`, `{"litekeep":2,`, "version"},
		{"count of rows", `"rows":6`, `"rows":7`, "6 rows"},
		{"empty file with a schema", `"default_cache_size":0}`, `"default_cache_size":0,"zero_bytes":true}`, "0 bytes"},
	} {
		if strings.Count(text, c.from) != 1 {
			t.Fatalf("%s: %q stands %d times in the document\n%s", c.name, c.from, strings.Count(text, c.from), text)
		}
		dir := t.TempDir()
		changed := strings.Replace(text, c.from, c.to, 1)
		b, err := rebuild.Build(t.Context(), filepath.Join(dir, "new.db"), whole([]byte(changed)), rebuild.Options{Workers: 2, TempDir: dir})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", c.name, b, err, c.want)
		}
		alone(t, dir, "new.db")
	}
}

// TestBuildTruncated builds documents that stop after each line, and in the
// middle of one.
func TestBuildTruncated(t *testing.T) {
	text := small(t)
	for n := range text {
		if n > 0 && text[n-1] != '\n' && n%97 != 0 {
			continue
		}
		dir := t.TempDir()
		if b, err := rebuild.Build(t.Context(), filepath.Join(dir, "new.db"), whole(text[:n]), rebuild.Options{}); err == nil {
			t.Errorf("%d bytes of the document: %+v", n, b)
		}
		alone(t, dir, "new.db")
	}
}

// TestBuildNeverPanics changes bytes of a document. What comes of it is an
// error, or a database.
func TestBuildNeverPanics(t *testing.T) {
	text := small(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "new.db")
	built := 0
	for i := range 600 {
		changed := mutate(text, rand.New(rand.NewPCG(uint64(i), 10)))
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if _, err := rebuild.Build(t.Context(), path, whole(changed), rebuild.Options{Workers: 2}); err == nil {
			built++
		}
		alone(t, dir, "new.db")
	}
	// A change of a value goes through: it is the digest that finds it.
	if built < 3 || built > 300 {
		t.Errorf("%d of 600 changed documents are built", built)
	}
}

// mutate changes bytes or lines of a document in one to three places.
func mutate(text []byte, rng *rand.Rand) []byte {
	changed := bytes.Clone(text)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(changed))
		lines := bytes.SplitAfter(changed, []byte("\n"))
		switch rng.IntN(4) {
		case 0:
			changed[at] = byte(rng.IntN(256))
		case 1:
			const syntax = "[]{},:\"\n0189-e."
			changed[at] = syntax[rng.IntN(len(syntax))]
		case 2:
			changed = bytes.Join(slices.Insert(lines, rng.IntN(len(lines)+1), lines[rng.IntN(len(lines))]), nil)
		default:
			i := rng.IntN(len(lines))
			changed = bytes.Join(slices.Delete(lines, i, i+1), nil)
		}
	}
	return changed
}

func TestBuildNeverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	if err := os.WriteFile(path, []byte("dear to somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rebuild.Build(t.Context(), path, whole(small(t)), rebuild.Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "dear to somebody" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}
