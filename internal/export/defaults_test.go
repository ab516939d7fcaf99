package export_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/export"
)

// TestDisputedDefaults checks with which defaults rows that are older than their
// column are kept without it.
func TestDisputedDefaults(t *testing.T) {
	for column, disputed := range map[string]bool{
		"c DEFAULT 1.0": true, "c BLOB DEFAULT 1e3": true, "c DEFAULT -0.0": true, "c TEXT DEFAULT TRUE": true,
		"c TEXT DEFAULT (false)": true, "c DEFAULT 0x7fffffffffffffff": true, "c REAL DEFAULT 0x7fffffffffffffff": true,
		"c REAL DEFAULT 1.0": false, "c DEFAULT 1.5": false, "c NUMERIC DEFAULT 1.0": false, "c TEXT DEFAULT '1'": false,
		"c REAL DEFAULT -5.21718796270916e+222": true, "c REAL DEFAULT 2.62270707301689423e-308": true, "c REAL DEFAULT (1e23)": true,
		"c NUMERIC DEFAULT '0.30000000000000000004'": true, "c REAL DEFAULT 18446744073709553664": true,
		"c REAL DEFAULT 99999999999999999999": false, "c DEFAULT 9223372036854775808": false, "c REAL DEFAULT 9223372036854775807": true, "c REAL DEFAULT 9007199254740992": false,
		"c REAL DEFAULT 3.141592653589793": false, "c REAL DEFAULT 9e999": false, "c REAL DEFAULT -9223372036854775807": true,
		"c REAL DEFAULT 0.00000000000000000000000000": false, "c REAL DEFAULT 1000000000000000000000000e-5": false, "c REAL DEFAULT .5e-3": false,
		"c BOOLEAN DEFAULT TRUE": false, "c DEFAULT 0x10": false, "c TEXT DEFAULT 'true'": false, "c DEFAULT 1e19": false,
	} {
		path := filepath.Join(t.TempDir(), "a.db")
		run(t, path, "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "ALTER TABLE t ADD COLUMN "+column)
		s, _, err := runPlan(t.Context(), t, path, 2, export.Choices{})
		var wrong *export.ChoicesError
		if disputed != errors.As(err, &wrong) || !disputed && err != nil {
			t.Errorf("%s: %v", column, err)
			continue
		}
		if disputed {
			if !strings.Contains(err.Error(), `UPDATE "t" SET "c" = "c"`) {
				t.Errorf("%s: what to do is not said: %v", column, err)
			}
			s, _, err = runPlan(t.Context(), t, path, 2, wrong.Missing)
		}
		if err != nil || strings.Contains(s.text(), "\n[1,1]\n") != disputed || strings.Contains(s.text(), `,"short":true,`) != disputed {
			t.Errorf("%s: %v\n%s", column, err, s.text())
		}
		run(t, path, `UPDATE "t" SET "c" = "c"`)
		if s, _, err = runPlan(t.Context(), t, path, 2, export.Choices{}); err != nil || strings.Contains(s.text(), "short") {
			t.Errorf("%s, stored: %v", column, err)
		}
	}
}

// TestDefaultsOpenNothing exports rows that are older than their columns while nobody can open
// the database any more: to open it for each table takes minutes where there are thousands.
func TestDefaultsOpenNothing(t *testing.T) {
	path := create(t, "CREATE TABLE t(a); INSERT INTO t VALUES (1); ALTER TABLE t ADD COLUMN b DEFAULT 'x'")
	p, err := plan(t, path, export.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	s := &sink{spare: make(chan []byte, 4)}
	if _, err := p.Run(t.Context(), source, s, export.Options{Workers: 2, Spare: s.spare}); err != nil || !strings.Contains(s.text(), `[1,1,"x"]`) {
		t.Errorf("%v\n%s", err, s.text())
	}
}

// TestShortRows checks rows of all kinds that lack columns, alone and in batches.
func TestShortRows(t *testing.T) {
	long := "CREATE TABLE long(id INTEGER PRIMARY KEY, a)"
	path := create(t, "CREATE TABLE t(a, b INTEGER PRIMARY KEY)", "CREATE TABLE w(k, v, PRIMARY KEY (v, k)) WITHOUT ROWID", long,
		"INSERT INTO t VALUES ('x', 5)", "INSERT INTO w VALUES (1, 2)", "INSERT INTO long VALUES (1, zeroblob(5000000)), (2, 'y')",
		"ALTER TABLE t ADD COLUMN c DEFAULT 7", "INSERT INTO t VALUES ('x', 6, 8)", "ALTER TABLE t ADD COLUMN d DEFAULT 1.0", "ALTER TABLE t ADD COLUMN e",
		"ALTER TABLE w ADD COLUMN c DEFAULT 1.0", "ALTER TABLE long ADD COLUMN c DEFAULT 1.0", "INSERT INTO t VALUES ('x', 7, 8, 9, 10)",
		"CREATE INDEX i ON t(d)", "CREATE INDEX j ON w(k)", "CREATE INDEX other ON long(a) WHERE a IS NULL")
	_, _, err := runPlan(t.Context(), t, path, 2, export.Choices{})
	var wrong *export.ChoicesError
	if !errors.As(err, &wrong) || len(wrong.Missing.Short) != 3 || len(wrong.Missing.Carry) != 0 {
		t.Fatal(err)
	}
	s, counted, err := runPlan(t.Context(), t, path, 2, wrong.Missing)
	if err != nil || len(counted.Indexes) != 3 {
		t.Fatalf("%+v, %v", counted, err)
	}
	for _, want := range []string{
		`"columns":["a","b","c","d","e"],"rowid":1,"short":true,"rows":[` + "\n[\"x\",5],\n[\"x\",6,8],\n[\"x\",7,8,9,10]\n",
		`"rowid":null,"short":true,"rows":[` + "\n[1,2]\n", "AAA=\"}],\n[2,\"y\"]\n",
	} {
		if !strings.Contains(s.text(), want) {
			t.Errorf("no %s", want)
		}
	}
	if len(wrong.Missing.Carry) != 0 {
		t.Error("the plan has changed the choices of its caller")
	}
}

// TestShortRowsWithGaps checks that rows are refused which lack a column, but not
// those after it: no list of values says that.
func TestShortRowsWithGaps(t *testing.T) {
	path := create(t, "CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1, 2)", "ALTER TABLE t ADD COLUMN c DEFAULT 1.0",
		"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a, b, c DEFAULT 1.0, id INTEGER PRIMARY KEY)'")
	_, _, err := runPlan(t.Context(), t, path, 2, export.Choices{})
	var wrong *export.ChoicesError
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	if _, _, err := runPlan(t.Context(), t, path, 2, wrong.Missing); !errors.Is(err, export.ErrRefused) || !strings.Contains(err.Error(), `column "c"`) {
		t.Fatal(err)
	}
}
