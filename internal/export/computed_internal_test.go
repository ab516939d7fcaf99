package export

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/engine"
)

// TestUncomputed finds that the indexes are known to be good without being built, but for
// those that are not, and those that cannot be asked for.
func TestUncomputed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	execute(t, path, `
		CREATE TABLE t(id INTEGER PRIMARY KEY, "a""b" TEXT, body TEXT, r REAL, n, v AS (r*2), w REAL AS (n), "rowid");
		CREATE TABLE k(x TEXT, y, z, PRIMARY KEY(y, x)) WITHOUT ROWID;
		CREATE TABLE taken(rowid, _rowid_, oid, a);
		CREATE TABLE series AS WITH RECURSIVE s(value) AS (VALUES(1) UNION ALL SELECT value+1 FROM s LIMIT 1000) SELECT value FROM s;
		INSERT INTO t("a""b", body, r, n) SELECT char(65+value%26)||'é'||value||' ', json_object('user', value%7, 'tags', json_array(value)),
			CASE value%3 WHEN 0 THEN value ELSE value/7.0 END, CASE value%5 WHEN 0 THEN NULL WHEN 1 THEN value WHEN 2 THEN value+0.0 WHEN 3 THEN x'00ff' ELSE 'n'||value END
			FROM series;
		INSERT INTO k SELECT 'x'||value, value%10, value FROM series WHERE value <= 300;
		INSERT INTO taken SELECT value, value, value, 'A' FROM series WHERE value <= 10;
		CREATE INDEX json ON t(json_extract(body, '$.user'), id);
		CREATE INDEX json_list ON t(body->'$.tags' DESC);
		CREATE INDEX joined ON t("a""b" || ',' || n COLLATE NOCASE DESC, trim("a""b"));
		CREATE INDEX cases ON t(CASE WHEN n IS NULL THEN 'none' ELSE typeof(n) END) WHERE r BETWEEN 3 AND 400 -- or so
		;
		CREATE INDEX virtual ON t(v, w);
		CREATE INDEX substring ON k(substr(x, 2, 1));
		CREATE INDEX no_name_for_the_rowid ON taken(lower(a)||'');
		CREATE INDEX whole_reals ON t(CAST(n AS REAL));
		CREATE INDEX stale ON t(abs(r));
		CREATE INDEX stale_condition ON t(n) WHERE length(body) > 3;
		CREATE INDEX liked ON t(n) WHERE "a""b" LIKE 'C%' /* nothing follows`)
	execute(t, path, `
		PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET sql = replace(sql, 'abs(r)', 'abs(r)+1') WHERE name = 'stale';
		UPDATE sqlite_schema SET sql = replace(sql, '> 3', '> 40') WHERE name = 'stale_condition'`)
	d, err := engine.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, unsure := d.Carried()
	rest, err := uncomputed(t.Context(), path, d, unsure)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("cases joined json json_list liked no_name_for_the_rowid stale stale_condition substring virtual whole_reals", namesOf(unsure)); d != "" {
		t.Fatalf("unsure indexes (-want +got):\n%s", d)
	}
	if d := cmp.Diff("no_name_for_the_rowid stale stale_condition", namesOf(rest)); d != "" {
		t.Errorf("indexes to build (-want +got):\n%s", d)
	}
	carried, err := Carried(t.Context(), path, d)
	if err != nil {
		t.Fatal(err)
	}
	if len(carried) != 2 {
		t.Errorf("carried: %v", carried)
	}
}

func namesOf(objects []*engine.Object) string {
	var names []string
	for _, o := range objects {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
