package litekeep_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testdb"
	"github.com/litekeep/litekeep/internal/value"
)

// smallSQL makes a database with a little of everything that matters here.
const smallSQL = `
CREATE TABLE account(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, amount INTEGER);
CREATE INDEX account_owner ON account(owner);
INSERT INTO account VALUES(1,'Ada',100),(2,'Bob',9007199254740993),(7,'Zoë',-5);
CREATE TABLE log(at REAL, what BLOB);
INSERT INTO log VALUES(1.5,x'00ff'),(0.0,NULL);
PRAGMA user_version=42;`

// world is a folder with a database and a Service that backs it up.
type world struct {
	*litekeep.Service
	t       testing.TB
	dir     string
	db      string
	backups string // of all databases
	folder  string // of this one's backups
}

// newWorld makes a world whose database is the outcome of sql.
func newWorld(t testing.TB, sql string, change func(*litekeep.Config), options ...litekeep.Option) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, db: filepath.Join(dir, "app.db"), backups: filepath.Join(dir, "backups")}
	w.folder = filepath.Join(w.backups, "app")
	makeDatabase(t, w.db, sql)
	w.Service = w.service(change, options...)
	return w
}

// service makes another Service for the same database.
func (w *world) service(change func(*litekeep.Config), options ...litekeep.Option) *litekeep.Service {
	c := litekeep.DefaultConfig(w.db)
	c.BackupDirectory = w.backups
	c.LockTimeout = patience
	if change != nil {
		change(&c)
	}
	return litekeep.New(c, options...)
}

func (w *world) backup() *litekeep.Backup {
	w.t.Helper()
	b, err := w.CreateBackup(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) list() []*litekeep.Backup {
	w.t.Helper()
	list, err := w.ListBackups(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) restore(path, target string) *litekeep.Restored {
	w.t.Helper()
	r, err := w.RestoreBackup(w.t.Context(), path, target, litekeep.RestoreOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) exec(sql string) { makeDatabase(w.t, w.db, sql) }

// makeDatabase makes or changes the database at path, and closes it again.
func makeDatabase(t testing.TB, path, sql string) {
	t.Helper()
	if err := execSQL(context.Background(), path, sql); err != nil {
		t.Fatal(err)
	}
}

func execSQL(ctx context.Context, path, sql string) error {
	c, err := engine.Open(ctx, path, engine.OpenOptions{Create: true, BusyTimeout: patience})
	if err != nil {
		return err
	}
	return errors.Join(c.Exec(ctx, sql), c.Close())
}

// queryConn returns the rows of a query, the values of each separated by |.
func queryConn(ctx context.Context, c *engine.Conn, sql string) (string, error) {
	var rows []string
	err := c.Query(ctx, sql, nil, func(row []value.Value) error {
		var fields []string
		for i := range row {
			switch v := &row[i]; v.Kind {
			case value.Integer:
				fields = append(fields, fmt.Sprint(v.Int))
			case value.Real:
				fields = append(fields, fmt.Sprint(v.Float()))
			default:
				fields = append(fields, string(v.Bytes))
			}
		}
		rows = append(rows, strings.Join(fields, "|"))
		return nil
	})
	return strings.Join(rows, " "), err
}

// query runs a query on a database that it opens as any program would.
func query(t testing.TB, path, sql string) string {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{BusyTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rows, err := queryConn(t.Context(), c, sql)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// same fails the test where two databases differ.
func same(t testing.TB, a, b string) {
	t.Helper()
	differences, gaps, err := testdb.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(differences, gaps...) {
		t.Errorf("%s and %s: %s", filepath.Base(a), filepath.Base(b), d)
	}
}

// tree describes all that lies in a folder: modes, and hashes of files. No
// database in it may be open in this process, since reading a file and closing
// it again drops the locks on it.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		found[name] = info.Mode().String()
		if !info.Mode().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		found[name] += fmt.Sprintf(" %d bytes %x", len(data), sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unchanged fails the test where a folder is not as tree has described it.
func unchanged(t testing.TB, dir string, before map[string]string) {
	t.Helper()
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("%s has changed (- before, + now):\n%s", dir, diff)
	}
}

// ours are the names that may lie in a folder of backups when nothing runs.
var ours = regexp.MustCompile(`^(\.lock|\d{8}T\d{6}\.\d{3}Z\.json(\.zst|\.gz)?(\.sealed)?(\.manifest\.json|\.checked\.json|\.pin\.json|\.keys-\d+\.json)?)$`)

// leftovers returns what lies in a database's folder that belongs to no listed
// backup.
func leftovers(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	left := maps.Clone(names)
	for name := range names {
		object := name
		for _, suffix := range []string{".manifest.json", ".checked.json", ".pin.json", ".keys-1.json", ".keys-2.json"} {
			object = strings.TrimSuffix(object, suffix)
		}
		whole := names[object] && names[object+".manifest.json"]
		if ours.MatchString(name) && (whole || name == ".lock") {
			delete(left, name)
		}
	}
	var list []string
	for name := range left {
		list = append(list, name)
	}
	return list, nil
}

// clean fails the test where a folder holds what belongs to no listed backup.
func clean(t testing.TB, folder string) {
	t.Helper()
	left, err := leftovers(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%s holds leftovers: %q", folder, left)
	}
}
