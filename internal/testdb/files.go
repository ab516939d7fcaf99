package testdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

// sample fills a database with two tables and an index, enough rows for
// b-trees of two or three levels and some values that spill.
func (m *maker) sample() {
	m.run("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, score REAL, data BLOB)", "CREATE TABLE kv(k TEXT PRIMARY KEY, v) WITHOUT ROWID", "CREATE INDEX users_name ON users(name)", "BEGIN")
	for i := range 400 {
		m.exec("INSERT INTO users VALUES (?,?,?,?)", value.OfInt(int64(i*3)), value.OfText(words(i, 3)), value.OfFloat(float64(i)/8), value.OfBlob([]byte(words(i, i%9*40))))
		m.exec("INSERT INTO kv VALUES (?,?)", value.OfText(fmt.Sprintf("key %d", i*7919%400)), value.OfInt(int64(i)))
	}
	m.run("COMMIT")
}

func fileCases() []Case {
	var list []Case
	for size := 512; size <= 65536; size *= 2 {
		page := fmt.Sprintf("PRAGMA page_size=%d", size)
		list = append(list, Case{Name: fmt.Sprintf("page-size-%d", size), Build: making(func(m *maker) { m.run(page); m.sample() })})
		for _, reserved := range []int{1, 32, 255} {
			if size-reserved < 480 {
				continue
			}
			list = append(list, Case{Name: fmt.Sprintf("page-size-%d-reserved-%d", size, reserved), Build: making(func(m *maker) { m.run(page); m.reserve(reserved); m.sample() })})
		}
	}
	for format := 1; format <= 4; format++ {
		list = append(list, Case{Name: fmt.Sprintf("schema-format-%d", format), Build: making(func(m *maker) { oldFormat(m, format) })})
	}
	for _, mode := range []string{"full", "incremental"} {
		for _, size := range []int{512, 4096} {
			list = append(list, Case{Name: fmt.Sprintf("auto-vacuum-%s-%d", mode, size), Build: making(func(m *maker) {
				m.run(fmt.Sprintf("PRAGMA page_size=%d", size), "PRAGMA auto_vacuum="+mode)
				m.sample()
				m.run("CREATE TABLE third(x)", "INSERT INTO third SELECT data FROM users", "DELETE FROM users WHERE id % 2 = 0", "DROP TABLE kv", "CREATE INDEX third_x ON third(x)")
			})})
		}
	}
	return append(list, oddFileCases()...)
}

func oddFileCases() []Case {
	return []Case{
		{Name: "zero-bytes", Build: func(_ context.Context, path string) error { return os.WriteFile(path, nil, 0o600) }},
		{Name: "one-byte", MayRefuse: true, Build: written("S")}, // SQLite takes it for 0 bytes
		{Name: "empty-with-header", Build: making(func(m *maker) { m.header(func(*image) {}) })},
		{Name: "empty-with-settings", Build: making(func(m *maker) {
			m.run("PRAGMA page_size=8192", "PRAGMA encoding='UTF-16be'", "PRAGMA auto_vacuum=incremental", "PRAGMA user_version=-2147483648", "PRAGMA application_id=2147483647")
		})},
		{Name: "empty-after-drop", Build: script("CREATE TABLE t(x)", "INSERT INTO t VALUES (zeroblob(100000))", "DROP TABLE t")},
		{Name: "versions-extreme", Build: script("PRAGMA user_version=2147483647", "PRAGMA application_id=-2147483648", "CREATE TABLE t(x)", "PRAGMA schema_version=4294967295")},
		{Name: "default-cache-size", Build: script("CREATE TABLE t(x)", "PRAGMA default_cache_size=12345", "INSERT INTO t VALUES (1)")},
		{Name: "default-cache-size-negative", Build: making(func(m *maker) {
			m.header(func(f *image) { binary.BigEndian.PutUint32(f.b[48:], 0xffff0000) })
			m.run("CREATE TABLE t(x)")
		})},
		{Name: "freelist", Build: making(func(m *maker) {
			m.run("PRAGMA page_size=512", "CREATE TABLE t(x)", "CREATE TABLE u(x)", "INSERT INTO u VALUES ('stays')", "BEGIN")
			for range 300 {
				m.run("INSERT INTO t VALUES (zeroblob(900))")
			}
			m.run("COMMIT", "DELETE FROM t", "INSERT INTO t VALUES (1)")
		})},
		{Name: "fragmented-pages", Build: making(func(m *maker) {
			m.sample()
			m.run("DELETE FROM users WHERE id % 5 = 0", "UPDATE users SET name = name || 'x' WHERE id % 7 = 0", "UPDATE users SET data = NULL WHERE id % 11 = 0", "DELETE FROM kv WHERE v % 3 = 0")
		})},
		{Name: "deleted-ranges", Build: making(func(m *maker) {
			deepTrees(m)
			m.run("DELETE FROM t WHERE a BETWEEN '00001000' AND '00003000'", "DELETE FROM t WHERE a > '00008000'", "DELETE FROM w WHERE k < '00004000' OR k LIKE '%7 some%'")
		})},
		{Name: "deep-trees", Build: making(deepTrees)},
		{Name: "write-ahead-log-mode", Build: making(func(m *maker) { m.keepMode = true; m.run("PRAGMA journal_mode=WAL"); m.sample() })},
		{Name: "trailing-bytes", Build: making(func(m *maker) {
			m.sample()
			m.patch(func(f *image) error {
				f.b = append(f.b, strings.Repeat("junk beyond the last page ", 500)...)
				return nil
			})
		})},
		{Name: "page-count-missing", Build: making(func(m *maker) {
			// As written by SQLite before 3.7.0: the size is that of the file.
			m.sample()
			m.patch(func(f *image) error { binary.BigEndian.PutUint32(f.b[28:], 0); return nil })
		})},
		{Name: "page-count-stale", Build: making(func(m *maker) {
			m.sample()
			m.patch(func(f *image) error {
				binary.BigEndian.PutUint32(f.b[28:], 2)
				binary.BigEndian.PutUint32(f.b[92:], 77) // not the change counter: the count above does not hold
				return nil
			})
		})},
		{Name: "reserved-for-expansion", Build: making(func(m *maker) {
			m.sample()
			m.patch(func(f *image) error { copy(f.b[72:92], "not zero, not ours.."); return nil })
		})},
		{Name: "free-space-not-zero", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(x)", "INSERT INTO t VALUES ('secret of old'), ('kept')", "PRAGMA secure_delete=OFF", "DELETE FROM t WHERE rowid=1")
		})},
	}
}

// oldFormat has a schema of an older format: 1 has neither short records nor
// descending indexes, 2 adds columns, 3 defaults, 4 DESC and small booleans.
func oldFormat(m *maker, format int) {
	m.header(func(f *image) { binary.BigEndian.PutUint32(f.b[44:], uint32(format)) })
	m.run("CREATE TABLE t(a, b TEXT)", "INSERT INTO t VALUES (0,'z'), (1,'o'), (2,'t'), (-1,NULL)", "CREATE INDEX i ON t(a DESC)", "CREATE INDEX j ON t(b COLLATE NOCASE DESC, a)", "CREATE UNIQUE INDEX k ON t(a, b DESC)", "INSERT INTO t VALUES (5,'later'), (0,NULL)")
	if format >= 3 {
		m.run("ALTER TABLE t ADD COLUMN c DEFAULT 1")
	}
	if format == 4 {
		m.run("CREATE TABLE d(a INTEGER PRIMARY KEY DESC)", "INSERT INTO d VALUES (1), (2)")
	}
}

// deepTrees has b-trees of four and more levels of each kind.
func deepTrees(m *maker) {
	m.run("PRAGMA page_size=512", "CREATE TABLE t(a, b)", "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID", "CREATE INDEX i ON t(b)", "BEGIN")
	for i := range 9000 {
		s := value.OfText(fmt.Sprintf("%08d some length of key", i*7919%9000))
		m.exec("INSERT INTO t(rowid, a, b) VALUES (?,?,?)", value.OfInt(int64(i)<<33-1<<45), s, s)
		if i%2 == 0 {
			m.exec("INSERT INTO w VALUES (?,?)", s, value.OfInt(int64(i)))
		}
	}
	m.run("COMMIT")
}

// lockByteCases has a database around the page at 1 GiB that SQLite never
// uses. It takes as much room, so it is made only on demand.
func lockByteCases(o Options) []Case {
	if !o.LockByte {
		return nil
	}
	return []Case{{Name: "beyond-one-gibibyte", Build: making(func(m *maker) {
		m.run("PRAGMA page_size=65536", "CREATE TABLE t(id INTEGER PRIMARY KEY, x)", "CREATE INDEX i ON t(length(x), id)", "BEGIN")
		for range 23 {
			m.run("INSERT INTO t(x) VALUES (zeroblob(50000000))")
		}
		m.run("INSERT INTO t(x) VALUES ('after the gap')", "COMMIT", "CREATE TABLE u(x)", "INSERT INTO u VALUES (1)")
	})}}
}

func sidecarCases() []Case {
	return []Case{
		{Name: "log-holds-everything", Sidecars: true, Build: func(ctx context.Context, path string) error { return leftOver(ctx, path, "WAL, all of it", "-wal") }},
		{Name: "persistent-journal", Sidecars: true, Build: making(func(m *maker) { // its header is zero: it is not hot
			m.keepMode = true
			m.run("PRAGMA journal_mode=PERSIST")
			m.sample()
		})},
		{Name: "empty-log", Sidecars: true, Build: making(func(m *maker) {
			m.keepMode = true
			m.run("PRAGMA journal_mode=WAL")
			m.sample()
			if m.close(); m.err == nil {
				m.err = os.WriteFile(m.path+"-wal", nil, 0o600)
			}
		})},
		{Name: "left-over-log", Sidecars: true, Build: func(ctx context.Context, path string) error { return leftOver(ctx, path, "WAL", "-wal") }},
		{Name: "hot-journal", Sidecars: true, Build: func(ctx context.Context, path string) error { return leftOver(ctx, path, "DELETE", "-journal") }},
	}
}

// leftOver leaves a database as a crash does: with a log that holds committed
// rows, or with a journal that takes an open transaction back.
func leftOver(ctx context.Context, path, state, suffix string) error {
	mode, _, whole := strings.Cut(state, ",")
	dir, err := os.MkdirTemp(filepath.Dir(path), "crash")
	if err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	defer os.RemoveAll(dir)
	live := filepath.Join(dir, "live.db")
	err = making(func(m *maker) {
		m.keepMode = true
		m.run("PRAGMA journal_mode="+mode, "PRAGMA wal_autocheckpoint=0", "PRAGMA cache_size=5", "PRAGMA cache_spill=1")
		m.sample()
		if mode == "WAL" {
			if !whole {
				m.run("PRAGMA wal_checkpoint(TRUNCATE)")
			}
			m.run("DELETE FROM users WHERE id % 2 = 0", "CREATE TABLE added(x)", "INSERT INTO added VALUES ('only in the log')")
		} else {
			m.run("BEGIN IMMEDIATE", "UPDATE users SET name = 'must be rolled back'", "DELETE FROM kv")
		}
		if m.err == nil {
			m.err = copyFiles(live, path, "", suffix)
		}
		if mode != "WAL" {
			m.run("ROLLBACK")
		}
	})(ctx, live)
	if err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	return nil
}

// copyFiles copies a database and its sidecars of the given suffixes.
func copyFiles(from, to string, suffixes ...string) error {
	for _, s := range suffixes {
		b, err := os.ReadFile(from + s)
		if err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		if err := os.WriteFile(to+s, b, 0o600); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	return nil
}
