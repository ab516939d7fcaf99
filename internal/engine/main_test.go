package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/value"
)

// TestMain runs the tests, or, in a process that a test started, the role
// that the test gave it.
func TestMain(m *testing.M) {
	if role := os.Getenv("ENGINE_TEST_ROLE"); role != "" {
		if err := play(role, os.Getenv("ENGINE_TEST_PATH")); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// mustOpen opens a database that is created if need be, and closes it when
// the test ends.
func mustOpen(t testing.TB, path string, sql ...string) *Conn {
	t.Helper()
	c, err := Open(t.Context(), path, OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	mustExec(t, c, sql...)
	return c
}

// mustCreate makes a database and closes it again.
func mustCreate(t testing.TB, path string, sql ...string) {
	t.Helper()
	c, err := Open(t.Context(), path, OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, c, sql...)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustExec(t testing.TB, c *Conn, sql ...string) {
	t.Helper()
	for _, s := range sql {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// rows returns the rows of a query, one text a row, with storage classes.
func rows(t testing.TB, c *Conn, sql string, args ...value.Value) []string {
	t.Helper()
	got, err := queryRows(t.Context(), c, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func queryRows(ctx context.Context, c *Conn, sql string, args ...value.Value) ([]string, error) {
	var got []string
	err := c.Query(ctx, sql, args, func(row []value.Value) error {
		var line []string
		for i := range row {
			line = append(line, show(&row[i]))
		}
		got = append(got, strings.Join(line, "|"))
		return nil
	})
	return got, err
}

func show(v *value.Value) string {
	switch v.Kind {
	case value.Integer:
		return fmt.Sprint(v.Int)
	case value.Real:
		return fmt.Sprintf("%gr", v.Float())
	case value.Text:
		return fmt.Sprintf("%q", v.Bytes)
	case value.RawText:
		return fmt.Sprintf("raw%x", v.Bytes)
	case value.Blob:
		return fmt.Sprintf("x%x", v.Bytes)
	}
	return "null"
}

// immutableRows queries a private copy.
func immutableRows(t testing.TB, path, sql string) []string {
	t.Helper()
	c, err := Open(t.Context(), path, OpenOptions{Immutable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return rows(t, c, sql)
}

// folder lists the files of a folder with their size and checksum. Files that
// a live database has open are listed by whoever calls this with care: reading
// one closes a descriptor of it.
func folder(t testing.TB, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%s %d %x %s", d.Name(), len(data), sha256.Sum256(data), info.ModTime()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
