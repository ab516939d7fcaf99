package export_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/export"
)

// TestDisputedDefaults checks which defaults of rows that are older than their
// column are refused, and that storing the value is the way out.
func TestDisputedDefaults(t *testing.T) {
	for column, disputed := range map[string]bool{
		"c DEFAULT 1.0": true, "c BLOB DEFAULT 1e3": true, "c DEFAULT -0.0": true, "c TEXT DEFAULT TRUE": true,
		"c TEXT DEFAULT (false)": true, "c DEFAULT 0x7fffffffffffffff": true, "c REAL DEFAULT 0x7fffffffffffffff": true,
		"c REAL DEFAULT 1.0": false, "c DEFAULT 1.5": false, "c NUMERIC DEFAULT 1.0": false, "c TEXT DEFAULT '1'": false,
		"c BOOLEAN DEFAULT TRUE": false, "c DEFAULT 0x10": false, "c TEXT DEFAULT 'true'": false, "c DEFAULT 1e19": false,
	} {
		path := filepath.Join(t.TempDir(), "a.db")
		run(t, path, "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "ALTER TABLE t ADD COLUMN "+column)
		err := export1(t, path)
		if disputed != errors.Is(err, export.ErrRefused) || !disputed && err != nil {
			t.Errorf("%s: %v", column, err)
		}
		if disputed && !strings.Contains(err.Error(), `UPDATE "t" SET "c" = "c"`) {
			t.Errorf("%s: no way out: %v", column, err)
		}
		run(t, path, `UPDATE "t" SET "c" = "c"`)
		if err := export1(t, path); err != nil {
			t.Errorf("%s, stored: %v", column, err)
		}
	}
}

func export1(t *testing.T, path string) error {
	t.Helper()
	p, err := plan(t, path, export.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(t.Context(), source, &gauge{}, export.Options{Workers: 2})
	return err
}
