package pagereader_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
)

// FuzzReader reads arbitrary bytes as a database file. That must end, without a
// panic, in all rows or in an error that says that the file is damaged; and take
// memory that is bounded by a multiple of the file's size.
func FuzzReader(f *testing.F) {
	numbers := func(n, table, columns string) string {
		return "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < " + n + ") INSERT INTO " + table + " SELECT " + columns + " FROM n;"
	}
	for i, sql := range []string{
		"PRAGMA user_version=1",
		"CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, 4.5)",
		"CREATE TABLE t(a); " + numbers("60", "t", "zeroblob(i*40)"),
		"CREATE TABLE t(a UNIQUE, b); " + numbers("250", "t", "i*7919%251, format('%040d', i)"),
		"CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID; " + numbers("250", "w", "format('%030d', i*7919%251), i"),
		"PRAGMA auto_vacuum=2; CREATE TABLE t(a, b); " + numbers("150", "t", "i, zeroblob(i%5*300)") + "DELETE FROM t WHERE a%2; CREATE INDEX i ON t(b)",
		"PRAGMA encoding='UTF-16le'; CREATE TABLE t(a); " + numbers("50", "t", "'text ' || i"),
		"CREATE TABLE a(x); CREATE TABLE b(y); CREATE TABLE c(z); CREATE TABLE d(z, y, x, w, v, u, t, s, r, q, p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a)",
	} {
		path := filepath.Join(f.TempDir(), "a.db")
		b := create(f, path, nil, "PRAGMA page_size=512", sql)
		if r := readAll(b); r.err != nil {
			f.Fatal(r.err)
		}
		f.Add(b)
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		for range 40 { // the fuzzer finds more; these are tried in every test run
			m := bytes.Clone(b)
			for range 1 + rng.IntN(4) {
				m[rng.IntN(len(m))] = byte(rng.IntN(256))
			}
			f.Add(m)
		}
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := readAll(data)
		runtime.ReadMemStats(&after)
		if r.err != nil && !refused(r.err) {
			t.Fatalf("the refusal is %v", r.err)
		}
		// Each page is read once, and a cell takes two bytes at least.
		if r.rows > int64(len(data)) || r.bytes > int64(len(data)) {
			t.Fatalf("%d rows with %d bytes in a file of %d", r.rows, r.bytes, len(data))
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(len(data))*16+2<<20 {
			t.Fatalf("%d bytes of memory for a file of %d", n, len(data))
		}
	})
}
