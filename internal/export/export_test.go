package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/testdb"
)

// TestDocument compares the whole document of a small database that has a bit of
// everything with its text.
func TestDocument(t *testing.T) {
	path := create(t,
		"PRAGMA page_size=1024; PRAGMA user_version=-3; PRAGMA application_id=7",
		"CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, score REAL, up AS (upper(name)), len AS (length(name)) STORED)",
		"CREATE TABLE plain(rowid, a)", "CREATE TABLE w(a, k TEXT, PRIMARY KEY(k)) WITHOUT ROWID", "CREATE TABLE empty(x)",
		"INSERT INTO users(id, name, score) VALUES (-5, 'Ada', 2), (7, char(10) || 'b\"\\', -0.0), (9223372036854775807, CAST(x'ff' AS TEXT), 9e999)",
		"INSERT INTO plain(_rowid_, rowid, a) VALUES (10, NULL, x'00ff'), (12, 1.0, 1)", "INSERT INTO w VALUES (0.1, 'b'), (1e21, 'a')",
		"ALTER TABLE plain ADD COLUMN later DEFAULT 'old'", "INSERT INTO plain VALUES (5, 5, 'new')",
		"CREATE INDEX i ON users(name)", "CREATE INDEX j ON plain(a DESC)", "CREATE VIEW v AS SELECT 1")
	d, err := engine.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	carry := map[int64]string{}
	for _, o := range d.Objects {
		if o.Name == "j" {
			carry[o.SchemaRowID] = "for this test"
		}
	}
	s, counted := mustRun(t, path, 2, export.Choices{Carry: carry, WAL: true})
	want := `{"litekeep":1,
"source":{"name":"a","path":"/a.db","created":"2026-11-22T02:00:00.123Z","sqlite":"3.54.1","litekeep":"0.1.0","schema_version":9},
"database":{"page_size":1024,"reserved":0,"encoding":"UTF-8","user_version":-3,"application_id":7,"auto_vacuum":0,"journal_mode":"wal","schema_format":4,"default_cache_size":0},
"schema":[
{"type":"table","name":"users","tbl_name":"users","sql":"CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, score REAL, up AS (upper(name)), len AS (length(name)) STORED)","btree":"rows"},
{"type":"table","name":"plain","tbl_name":"plain","sql":"CREATE TABLE plain(rowid, a, later DEFAULT 'old')","btree":"rows"},
{"type":"table","name":"w","tbl_name":"w","sql":"CREATE TABLE w(a, k TEXT, PRIMARY KEY(k)) WITHOUT ROWID","btree":"rows"},
{"type":"table","name":"empty","tbl_name":"empty","sql":"CREATE TABLE empty(x)","btree":"rows"},
{"type":"index","name":"i","tbl_name":"users","sql":"CREATE INDEX i ON users(name)","btree":"rebuild"},
{"type":"index","name":"j","tbl_name":"plain","sql":"CREATE INDEX j ON plain(a DESC)","btree":"entries"},
{"type":"view","name":"v","tbl_name":"v","sql":"CREATE VIEW v AS SELECT 1"}
],
"tables":[
{"name":"users","columns":["id","name","score","len"],"rowid":0,"rows":[
[-5,"Ada",2.0,3],
[7,"\nb\"\\",0.0,4],
[9223372036854775807,{"text":"/w=="},{"real":"+Inf"},1]
]},
{"name":"plain","columns":["_rowid_","rowid","a","later"],"rowid":"implicit","rows":[
[10,null,{"blob":"AP8="},"old"],
[12,1.0,1,"old"],
[13,5,5,"new"]
]},
{"name":"w","columns":["a","k"],"rowid":null,"rows":[
[1e+21,"a"],
[0.1,"b"]
]},
{"name":"empty","columns":["rowid","x"],"rowid":"implicit","rows":[
]}
],
"indexes":[
{"name":"j","entries":[
[{"blob":"AP8="},10],
[5,13],
[1,12]
]}
],
"end":{"tables":4,"rows":8,"indexes":1,"entries":3,"digest":"` + counted.End.Digest + "\"}}\n"
	if d := cmp.Diff(want, s.text()); d != "" {
		t.Error(d)
	}
	if digest, _ := (&sink{frames: s.frames[:len(s.frames)-1]}).Digest(); digest != counted.End.Digest {
		t.Errorf("the digest is %s, not %s", counted.End.Digest, digest)
	}
}

// TestZeroBytes exports a file of 0 bytes, which has no plan of its own.
func TestZeroBytes(t *testing.T) {
	p, err := export.NewPlan(t.Context(), bytes.NewReader(nil), 0, nil, export.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	counted, err := p.Run(t.Context(), source, s, export.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := s.text(); !strings.Contains(text, `"zero_bytes":true}`) || !strings.Contains(text, "\"schema\":[\n],\n\"tables\":[\n],\n\"indexes\":[\n],\n\"end\":{\"tables\":0,") {
		t.Errorf("%s", text)
	}
	if counted.End.Tables != 0 || len(s.frames) != 3 {
		t.Errorf("%+v, %d frames", counted, len(s.frames))
	}
}

// TestDocumentsAreCanonical checks that the reader of documents takes what is
// exported of random databases, that the counts and the extents are right, and
// that the number of workers makes no difference.
func TestDocumentsAreCanonical(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		path := filepath.Join(t.TempDir(), "a.db")
		testdb.Random(r, t.Context(), path)
		d, err := engine.Describe(t.Context(), path)
		if err != nil {
			r.Fatal(err)
		}
		var choices export.Choices
		if choices.Carry, err = export.Carried(t.Context(), path, d); err != nil {
			r.Fatal(err)
		}
		s, counted, err := runPlan(t.Context(), t, path, 3, choices)
		var wrong *export.ChoicesError
		for errors.As(err, &wrong) { // text whose order only SQLite knows, and the like
			choices.Add(&wrong.Missing)
			s, counted, err = runPlan(t.Context(), t, path, 3, choices)
		}
		if err != nil {
			r.Fatal(err)
		}
		alone, _, err := runPlan(t.Context(), t, path, 1, choices)
		if err != nil {
			r.Fatal(err)
		}
		if s.text() != alone.text() || len(s.frames) != len(alone.frames) {
			r.Fatal("one worker makes another document than three")
		}
		var canonical bytes.Buffer
		if err := document.Canonicalize(&canonical, strings.NewReader(s.text())); err != nil {
			r.Fatal(err)
		}
		if canonical.String() != s.text() {
			r.Fatal("the document is not in its canonical form")
		}
		checkExtents(r, s, counted)
	})
}

// tb is what *testing.T and *rapid.T have in common here.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkExtents reads the frames and compares what is in them with what Run says.
func checkExtents(t tb, s *sink, counted *export.Counted) {
	t.Helper()
	var tables, indexes []export.Extent
	var sc document.Scanner
	for i, f := range s.frames {
		rows := int64(0)
		err := sc.Feed(f.Parts[0], func(e document.Event) error {
			switch e.Kind {
			case document.EventTableOpen:
				tables = append(tables, export.Extent{First: i})
			case document.EventIndexOpen:
				indexes = append(indexes, export.Extent{First: i})
			case document.EventItems:
				rows += int64(e.Count)
				if e.Table != nil {
					tables[len(tables)-1].Rows += int64(e.Count)
				} else {
					indexes[len(indexes)-1].Rows += int64(e.Count)
				}
			case document.EventTableClose:
				tables[len(tables)-1].Last = i
			case document.EventIndexClose:
				indexes[len(indexes)-1].Last = i
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if f.Rows != rows {
			t.Fatalf("frame %d says %d rows, it has %d", i, f.Rows, rows)
		}
	}
	if err := sc.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(tables, counted.Tables); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(indexes, counted.Indexes); d != "" {
		t.Fatal(d)
	}
}

// filled makes a database with enough rows for many frames.
func filled(t testing.TB) string {
	return create(t, "CREATE TABLE t(a, b); CREATE TABLE u(a); CREATE INDEX i ON t(b)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, format('%0200d', i*7919%20000) FROM n",
		"INSERT INTO u SELECT a FROM t", "INSERT INTO u VALUES (zeroblob(5000000)), (zeroblob(100)), (zeroblob(9000000))")
}

// TestManyFrames checks extents and order where a table has many frames, and
// rows that go through by themselves.
func TestManyFrames(t *testing.T) {
	path := filled(t)
	s, counted := mustRun(t, path, 2, export.Choices{})
	alone, _ := mustRun(t, path, 1, export.Choices{})
	if s.text() != alone.text() {
		t.Error("one worker makes another document than two")
	}
	if len(s.frames) < 6 {
		t.Fatalf("%d frames", len(s.frames))
	}
	checkExtents(t, s, counted)
	last := int64(0)
	for line := range strings.Lines(s.text()) {
		var rowid int64
		if n, _ := fmt.Sscanf(line, "[%d,", &rowid); n == 1 {
			if rowid != last+1 && rowid != 1 {
				t.Fatalf("rowid %d follows %d", rowid, last)
			}
			last = rowid
		}
	}
	if last != 20_003 {
		t.Errorf("the last rowid is %d", last)
	}
}

func TestProgress(t *testing.T) {
	p, err := plan(t, filled(t), export.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	var rows, size int64
	calls := 0
	s := &sink{}
	_, err = p.Run(t.Context(), source, s, export.Options{Workers: 2, Progress: func(r, b int64) {
		if r < rows || b < size {
			t.Errorf("progress goes back from %d rows and %d bytes to %d and %d", rows, size, r, b)
		}
		rows, size = r, b
		calls++
	}})
	if err != nil {
		t.Fatal(err)
	}
	if all := int64(len(s.text())); rows != 40_003 || size > all || size < all-10_000 || calls < 10 {
		t.Errorf("at the end, after %d calls: %d rows, %d of %d bytes", calls, rows, size, all)
	}
}

// TestSinkFails checks that the sink's error, wherever it comes, is returned.
func TestSinkFails(t *testing.T) {
	path := filled(t)
	s, _ := mustRun(t, path, 2, export.Choices{})
	for _, at := range []int{0, 1, len(s.frames) / 2, len(s.frames) - 1} {
		p, err := plan(t, path, export.Choices{})
		if err != nil {
			t.Fatal(err)
		}
		broken := &sink{fail: func(n int) error {
			if n == at {
				return errFault
			}
			return nil
		}}
		if _, err := p.Run(t.Context(), source, broken, export.Options{Workers: 2}); !errors.Is(err, errFault) {
			t.Errorf("the sink fails at frame %d: %v", at, err)
		}
	}
}

// TestCancel checks that the end of the context, wherever it comes, ends a run
// with its error.
func TestCancel(t *testing.T) {
	path := filled(t)
	for _, at := range []int{0, 1, 4} {
		p, err := plan(t, path, export.Choices{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s := &sink{fail: func(n int) error {
			if n == at {
				cancel()
			}
			return nil
		}}
		if _, err := p.Run(ctx, source, s, export.Options{Workers: 2}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at frame %d: %v", at, err)
		}
		cancel()
	}
}
