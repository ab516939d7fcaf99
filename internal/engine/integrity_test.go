package engine

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/value"
)

// replaceSchema changes the sql of one object behind SQLite's back, and the
// rows are not checked against it.
func replaceSchema(t testing.TB, path, name, sql string) {
	t.Helper()
	c, err := Open(t.Context(), path, OpenOptions{WritableSchema: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(t.Context(), "UPDATE sqlite_schema SET sql=? WHERE name=?", value.OfText(sql), value.OfText(name)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestIntegrityCheck(t *testing.T) {
	type complaint struct {
		begins  string
		logical bool
	}
	tests := []struct {
		name   string
		make   func(t *testing.T, path string)
		want   []complaint
		quick  bool // quick_check finds the same
		noting string
	}{
		{name: "sound", quick: true, make: func(t *testing.T, path string) { mustCreate(t, path, manyKinds, fillTable) }},
		{name: "constraints", quick: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a, b, c); INSERT INTO t VALUES(NULL, 2, 'x'); CREATE TABLE plain(a)")
			replaceSchema(t, path, "t", "CREATE TABLE t(a INT NOT NULL, b INT CHECK(b<2), c INT) STRICT")
		}, want: []complaint{{"CHECK constraint failed in t", true}, {"NULL value in t.a", true}, {"non-INT value in t.c", true}}},
		{name: "not unique", make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(1); CREATE INDEX i ON t(a)")
			replaceSchema(t, path, "i", "CREATE UNIQUE INDEX i ON t(a)")
		}, want: []complaint{{"non-unique entry in index i", true}}},
		{name: "wrong entries", make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a,b); INSERT INTO t VALUES(1,2); CREATE INDEX i ON t(a)")
			replaceSchema(t, path, "i", "CREATE INDEX i ON t(b)")
		}, want: []complaint{{"row 1 missing from index i", false}}},
		{name: "wrong number of entries", quick: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a); INSERT INTO t VALUES(1); CREATE INDEX i ON t(a) WHERE a>1")
			replaceSchema(t, path, "i", "CREATE INDEX i ON t(a)")
		}, want: []complaint{{"wrong # of entries in index i", false}}},
		{name: "page never used", quick: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a)")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			binary.BigEndian.PutUint32(data[offsetPageCount:], 3)
			writeFile(t, path, string(append(data, make([]byte, 4096)...)))
		}, want: []complaint{{"*** in database main ***\nPage 3: never used", false}}},
		{name: "damaged page", quick: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 4096*9); err != nil {
				t.Fatal(err)
			}
		}, want: []complaint{{"*** in database main ***", false}}},
		{name: "unknown collation", make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO t VALUES(NULL); CREATE INDEX i ON t(a)")
			replaceSchema(t, path, "t", "CREATE TABLE t(a COLLATE mine NOT NULL)")
			replaceSchema(t, path, "i", "CREATE INDEX i ON t(a)")
		}, want: []complaint{{"NULL value in t.a", true}}, noting: "no such collation sequence: mine"},
		{name: "unknown function", make: func(t *testing.T, path string) {
			mustCreate(t, path, "CREATE TABLE t(a); INSERT INTO t VALUES(NULL); CREATE INDEX i ON t(a)")
			replaceSchema(t, path, "t", "CREATE TABLE t(a NOT NULL CHECK(mine(a)))")
		}, want: []complaint{{"NULL value in t.a", true}}, noting: "unknown function: mine()"},
		{name: "virtual table", make: func(t *testing.T, path string) {
			mustCreate(t, path, `CREATE VIRTUAL TABLE f USING fts5(x);
				INSERT INTO f VALUES('words'); UPDATE f_content SET c0='other'`)
		}, want: []complaint{{"fts5: checksum mismatch", true}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "check.db")
			test.make(t, path)
			complaints, notes, err := IntegrityCheck(t.Context(), path, describe(t, path), false)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !slices.ContainsFunc(complaints, func(c Complaint) bool {
					return strings.HasPrefix(c.Message, want.begins) && c.Logical == want.logical
				}) {
					t.Errorf("no complaint %+v in %+v", want, complaints)
				}
			}
			if len(test.want) == 0 && len(complaints) > 0 || len(test.want) > 1 && len(complaints) != len(test.want) {
				t.Errorf("complaints %+v", complaints)
			}
			if (len(notes) > 0) != (test.noting != "") || !strings.Contains(strings.Join(notes, "\n"), test.noting) {
				t.Errorf("notes %q, want %q", notes, test.noting)
			}
			quick, _, err := IntegrityCheck(t.Context(), path, describe(t, path), true)
			if err != nil {
				t.Fatal(err)
			}
			if len(test.want) > 0 && test.noting == "" && (len(quick) > 0) != test.quick {
				t.Errorf("quick check: %+v", quick)
			}
		})
	}
}

func TestIndexOf(t *testing.T) {
	for message, want := range map[string]string{
		"wrong # of entries in index a index b":                             "a index b",
		"non-unique entry in index x":                                       "x",
		"row 12 missing from index y":                                       "y",
		"row 12 values differ from index missing from index":                "missing from index",
		"rowid not at end-of-record for row 3 of index z":                   "z",
		"index q stores an imprecise floating-point value for row 9":        "q",
		"row not in PRIMARY KEY order for t":                                "",
		"*** in database main ***\nTree 3 page 4: row 1 missing from index": "",
		"NULL value in t.a":                                                 "",
	} {
		if got := indexOf(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

// TestIntegrityCheckAgreesWithPragma damages a database at random places and
// compares with what PRAGMA integrity_check of the whole says.
func TestIntegrityCheckAgreesWithPragma(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sound.db")
	mustCreate(t, path, "PRAGMA page_size=512", fillTable, "CREATE TABLE w(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID; INSERT INTO w SELECT a, b FROM t WHERE a<300; CREATE INDEX wi ON w(a); DELETE FROM t WHERE a BETWEEN 500 AND 900")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range 60 {
		data := slices.Clone(sound)
		at := 512 + (i*7919*13)%(len(data)-512)
		data[at] ^= byte(1 << (i % 8))
		damaged := filepath.Join(t.TempDir(), "damaged.db")
		writeFile(t, damaged, string(data))
		c, err := Open(t.Context(), damaged, OpenOptions{Immutable: true})
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.complaints(t.Context(), "PRAGMA integrity_check")
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		got, notes, err := IntegrityCheck(t.Context(), damaged, describe(t, damaged), false)
		if err != nil || len(notes) > 0 {
			t.Fatal(err, notes)
		}
		if len(want) > 0 {
			found++
		}
		if (len(want) > 0) != (len(got) > 0) {
			t.Errorf("byte %d: %v, want %v", at, got, want)
		}
	}
	if found < 20 || found > 55 {
		t.Errorf("%d of 60 changes are damage", found)
	}
}
