package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const fleetFile = `
state: /var/lib/litekeep
defaults: {destinations: [/backups], time_zone: Europe/Berlin}
databases:
  - name: "{name}"
    match: /srv/tenants/*.db
    except: ["demo-*", old]
    retention: {daily: 30}
  - name: site-{dir}
    match: /srv/*/app.db
    schedule: "@hourly"
  - {name: main, path: /srv/tenants/main.db}
notifications: {channels: [{name: chat, type: slack, url: "https://example.org", databases: [main, site-shop]}]}
`

// expanded reads text as a file in folder, in which ROOT stands for folder, and returns
// what its patterns bring: the names with their paths below folder, and what cannot be
// a database.
func expanded(t *testing.T, folder, text string, members ...Member) (names, misfits []string, c *Config) {
	t.Helper()
	c, err := parseConfig("litekeep.yaml", folder, []byte(strings.ReplaceAll(text, "ROOT", folder)), testEnv, files)
	if err != nil {
		t.Fatal(err)
	}
	c = c.Expand(t.Context(), members)
	for _, db := range c.Databases {
		line := db.Name + " " + relative(folder, db.Path)
		if db.Gone {
			line += " gone"
		}
		names = append(names, line)
	}
	for _, m := range c.Misfits {
		misfits = append(misfits, relative(folder, m.Path)+": "+strings.ReplaceAll(m.Message, folder, "…"))
	}
	return names, misfits, c
}

func relative(folder, path string) string {
	return strings.TrimPrefix(path, folder+string(filepath.Separator))
}

// plant makes empty files.
func plant(t *testing.T, folder string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExpand(t *testing.T) {
	const defaults = "state: state\ndefaults: {destinations: [backups]}\ndatabases:\n"
	for _, c := range []struct {
		name    string
		files   []string
		yaml    string
		want    []string
		misfits []string
	}{
		{
			name: "a folder", files: []string{"t/b.db", "t/a.db", "t/a.txt", "t/.hidden.db", "t/c.db/file", "u/x.db"},
			yaml: `  - {name: "{name}", match: "t/*.db"}`, want: []string{"a t/a.db", "b t/b.db"},
		},
		{
			name: "a folder each", files: []string{"t/a/app.db", "t/b/app.db", "t/c/other.db", "t/file"},
			yaml: `  - {name: "tenant-{dir}", match: "t/*/app.db"}`, want: []string{"tenant-a t/a/app.db", "tenant-b t/b/app.db"},
		},
		{
			name: "both placeholders", files: []string{"t/a/x.db", "t/b/x.db", "t/b/y.z.db"},
			yaml: `  - {name: "{dir}.{name}", match: "t/*/*"}`, want: []string{"a.x t/a/x.db", "b.x t/b/x.db", "b.y.z t/b/y.z.db"},
		},
		{
			name: "classes and single letters", files: []string{"t/a1.db", "t/b2.db", "t/c3.db", "t/a10.db"},
			yaml: `  - {name: "{name}", match: "t/[ab]?.db"}`, want: []string{"a1 t/a1.db", "b2 t/b2.db"},
		},
		{
			name: "what lies beside a database",
			files: []string{
				"t/a.db", "t/a.db-wal", "t/a.db-shm", "t/a.db-journal", "t/a.db-mj12AB34CD", "t/a.db.damaged-20260102T030405Z",
				"t/a.db.damaged-20260102T030405Z-2-wal", "t/a.db.0123456789abcdef.partial", "t/.a.db.litekeep-restore/a.db", "t/b-walnut.db",
			},
			yaml: `  - {name: "{name}", match: "t/*"}`, want: []string{"a t/a.db", "b-walnut t/b-walnut.db"},
		},
		{
			name: "the service's own", files: []string{"state/state.db", "state/x/y.db"},
			yaml: `  - {name: "{name}", match: "state/*.db"}` + "\n  - {name: app, path: app.db}", want: []string{"app app.db"},
		},
		{
			name: "an entry of its own wins", files: []string{"t/a.db", "t/b.db"},
			yaml: "  - {name: \"{name}\", match: \"t/*.db\"}\n  - {name: special, path: t/a.db}", want: []string{"special t/a.db", "b t/b.db"},
		},
		{
			name: "the first of two patterns wins", files: []string{"t/a.db", "t/b.db"},
			yaml: "  - {name: \"{name}\", match: \"t/a*.db\"}\n  - {name: \"x-{name}\", match: \"t/*.db\"}", want: []string{"a t/a.db", "x-b t/b.db"},
		},
		{
			name: "except", files: []string{"t/a.db", "t/Demo-1.db", "t/b:c.db"},
			yaml: `  - {name: "{name}", match: "t/*.db", except: ["demo-*", "b:c"]}`, want: []string{"a t/a.db"},
		},
		{
			name: "no name", files: []string{"t/a:b.db", "t/c.db"},
			yaml: `  - {name: "{name}", match: "t/*.db"}`, want: []string{"c t/c.db"},
			misfits: []string{`t/a:b.db: its name cannot be that of a database: "a:b" cannot name a folder; "a_b" can`},
		},
		{
			name: "one name", files: []string{"t/a.db", "t/A.sqlite", "t/B.db", "t/b/b.db"},
			yaml: "  - {name: \"{name}\", match: \"t/*.*\"}\n  - {name: b, path: t/b/b.db}", want: []string{"b t/b/b.db", "A t/A.sqlite"},
			misfits: []string{
				`t/B.db: the name "B" is that of another database, …/t/b/b.db`,
				`t/a.db: the name "a" is that of another database, …/t/A.sqlite`,
			},
		},
		{
			name: "left out by two patterns", files: []string{"t/a:b.db"},
			yaml:    "  - {name: \"{name}\", match: \"t/*.db\"}\n  - {name: \"x-{name}\", match: \"t/a*\"}",
			misfits: []string{`t/a:b.db: its name cannot be that of a database: "a:b" cannot name a folder; "a_b" can`},
		},
		{
			name: "left out by one pattern, taken by the next", files: []string{"t/a:b.db"},
			yaml: "  - {name: \"{name}\", match: \"t/*.db\"}\n  - {name: \"x-{dir}\", match: \"t/a*\"}", want: []string{"x-t t/a:b.db"},
		},
		{name: "nothing", yaml: `  - {name: "{name}", match: "t/*.db"}`},
		{
			name: "a literal path with signs", files: []string{"t/[a]*.db", "t/a.db"},
			yaml: `  - {name: app, path: "t/[a]*.db"}`, want: []string{"app t/[a]*.db"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "with [signs] *") // which are no pattern
			plant(t, folder, c.files...)
			got, misfits, _ := expanded(t, folder, defaults+c.yaml)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.misfits, misfits); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestExpandMembers: who was there stays, keeps its name, and is gone only where there
// is no file.
func TestExpandMembers(t *testing.T) {
	folder := t.TempDir()
	plant(t, folder, "t/a.db", "t/z.DB", "t/z.db", "t/dir.db/x", "t/main.db")
	const text = `
defaults: {destinations: [/b]}
databases:
  - {name: "{name}", match: "t/*.[dD][bB]", except: [left]}
  - {name: main, path: t/main.db}
`
	member := func(name, path string) Member { return Member{name, filepath.Join(folder, path)} }
	got, misfits, c := expanded(t, folder, text,
		member("z", "t/z.db"), member("away", "t/away.db"), member("left", "t/left.db"), member("renamed", "t/b.db"),
		member("elsewhere", "u/elsewhere.db"), member("dir", "t/dir.db"), member("main", "t/main.db"))
	if diff := cmp.Diff([]string{"main t/main.db", "z t/z.db", "away t/away.db gone", "dir t/dir.db", "a t/a.db"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`t/z.DB: the name "z" is that of another database, …/t/z.db`}, misfits); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Member{member("z", "t/z.db"), member("away", "t/away.db"), member("dir", "t/dir.db"), member("a", "t/a.db")}, c.Members()); diff != "" {
		t.Error(diff)
	}
	// Again is the same.
	again := c.Expand(t.Context(), c.Members())
	if diff := cmp.Diff(c.Databases, again.Databases); diff != "" {
		t.Error(diff)
	}
}

// TestExpandSettings: a database has the settings of its entry, and shares none.
func TestExpandSettings(t *testing.T) {
	folder := t.TempDir()
	plant(t, folder, "a.db", "b.db")
	_, _, c := expanded(t, folder, "defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: \"*.db\", schedule: \"@hourly\", retention: {daily: 30}}]")
	a, b := c.Database("a"), c.Database("b")
	if a.Retention.Daily != 30 || a.Spread != 6*time.Minute || a.Match != filepath.Join(folder, "*.db") || a.Delay() == b.Delay() {
		t.Errorf("%+v, delays %s and %s", a, a.Delay(), b.Delay())
	}
	a.Destinations[0] = "changed"
	if b.Destinations[0] != "/b" || c.Patterns[0].Destinations[0] != "/b" {
		t.Error("databases share their destinations")
	}
}

// TestExpandUnreadable: what cannot be looked at is told, and takes nobody away.
func TestExpandUnreadable(t *testing.T) {
	folder := t.TempDir()
	plant(t, folder, "t/a/app.db", "t/b/app.db", "t/c/x")
	if err := os.Symlink("loop", filepath.Join(folder, "t/c/app.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("app.db", filepath.Join(folder, "t/c/loop")); err != nil {
		t.Fatal(err)
	}
	const text = "defaults: {destinations: [/b]}\ndatabases: [{name: \"{dir}\", match: \"t/*/app.db\"}]"
	got, misfits, _ := expanded(t, folder, text, Member{"c", filepath.Join(folder, "t/c/app.db")})
	if diff := cmp.Diff([]string{"c t/c/app.db", "a t/a/app.db", "b t/b/app.db"}, got); diff != "" {
		t.Error(diff)
	}
	if len(misfits) != 1 || !strings.HasPrefix(misfits[0], "t/c/app.db: cannot be looked at: ") {
		t.Errorf("misfits %q", misfits)
	}
}

// TestExpandEnds: a folder that does not answer holds nobody up, and takes nobody away.
func TestExpandEnds(t *testing.T) {
	folder := t.TempDir()
	plant(t, folder, "a.db")
	c, err := parseConfig("litekeep.yaml", folder, []byte("defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: \"*.db\"}]"), testEnv, files)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c = c.Expand(ctx, []Member{{"b", filepath.Join(folder, "b.db")}})
	if len(c.Databases) != 1 || c.Databases[0].Name != "b" || c.Databases[0].Gone || len(c.Misfits) != 1 {
		t.Errorf("databases %+v, misfits %+v", c.Databases, c.Misfits)
	}
}

// TestExpandMany matches as many files as may be, and one more.
func TestExpandMany(t *testing.T) {
	folder := t.TempDir()
	var all []string
	for i := range maxMatches {
		all = append(all, fmt.Sprintf("t/%05d.db", i))
	}
	plant(t, folder, all...)
	const text = "defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: \"t/*.db\"}]"
	began := time.Now()
	got, misfits, c := expanded(t, folder, text)
	if len(got) != maxMatches || misfits != nil || !slices.IsSorted(got) {
		t.Errorf("%d databases, misfits %q", len(got), misfits)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	} else {
		t.Logf("took %s", took)
	}
	plant(t, folder, "t/one-more.db")
	got, misfits, _ = expanded(t, folder, text, c.Members()[:10]...)
	if len(got) != 10 || len(misfits) != 1 || !strings.Contains(misfits[0], "too many files: more than 10000") {
		t.Errorf("%d databases, misfits %q", len(got), misfits)
	}
}

// TestExpandManyOfTwo: the bound is that of all patterns.
func TestExpandManyOfTwo(t *testing.T) {
	folder := t.TempDir()
	var all []string
	for i := range maxMatches {
		all = append(all, fmt.Sprintf("t/%05d.db", i))
	}
	plant(t, folder, append(all, "t/one-more.db")...)
	got, misfits, _ := expanded(t, folder, "defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: \"t/0*.db\"}, {name: \"{name}\", match: \"t/one*.db\"}]")
	if len(got) != maxMatches || len(misfits) != 1 || !strings.HasPrefix(misfits[0], "t/one*.db: it matches too many files") {
		t.Errorf("%d databases, misfits %q", len(got), misfits)
	}
}

func TestExpandManyMisfits(t *testing.T) {
	folder := t.TempDir()
	for i := range maxMisfits + 10 {
		plant(t, folder, fmt.Sprintf("t/%d:.db", i))
	}
	_, misfits, _ := expanded(t, folder, "defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: \"t/*.db\"}]")
	if len(misfits) != maxMisfits+1 || !strings.HasSuffix(misfits[maxMisfits], "more files that cannot be databases than are told") {
		t.Errorf("%d misfits: %q", len(misfits), misfits)
	}
}

func TestMayBring(t *testing.T) {
	for _, c := range []struct {
		template, name string
		want           bool
	}{
		{"{name}", "anything", true},
		{"t-{name}", "t-a", true},
		{"t-{name}", "a", false},
		{"t-{name}", "t-", false},
		{"{dir}.{name}", "a.b", true},
		{"{dir}.{name}", "ab", false},
		{"{name}+", "x+", true},
		{"{name}", "old", false},
	} {
		p := Database{Name: c.template, Except: []string{"old"}}
		if got := p.mayBring(c.name); got != c.want {
			t.Errorf("%s brings %s: %v", c.template, c.name, got)
		}
	}
}

// TestFleetShown: what is written, shown and compared of an entry with a pattern.
func TestFleetShown(t *testing.T) {
	folder := t.TempDir()
	plant(t, folder, "a.db")
	const text = "defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: \"*.db\", except: [x]}, {name: main, path: main.sqlite}]"
	_, _, before := expanded(t, folder, text)
	again, err := parseTest(encode(before, Secret.Reveal))
	if err != nil {
		t.Fatal(err)
	}
	if diff := same(before, again.Expand(t.Context(), nil)); diff != "" {
		t.Error(diff)
	}
	plant(t, folder, "b.db")
	_, _, after := expanded(t, folder, strings.Replace(text, "except: [x]", "schedule: \"@hourly\"", 1))
	pattern := "databases " + folder + "/*.db: "
	want := []string{"database b: added", pattern + "except: x → none", pattern + "schedule: 0 2 * * * → @hourly", pattern + "spread: 10m → 6m"}
	if diff := cmp.Diff(want, Changes(before, after)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"database b: removed"}, Changes(after, before)[:1]); diff != "" {
		t.Error(diff)
	}
	if err := os.Remove(filepath.Join(folder, "b.db")); err != nil {
		t.Fatal(err)
	}
	gone := after.Expand(t.Context(), after.Members())
	if diff := cmp.Diff([][]string{{"database b: the file is gone"}, {"database b: the file is back"}}, [][]string{Changes(after, gone), Changes(gone, after)}); diff != "" {
		t.Error(diff)
	}
	var shown []string
	for _, l := range after.Lines() {
		if l.Section == "database a" || l.Key == "match" || l.Key == "name" {
			shown = append(shown, l.Section+": "+l.Key+" "+relative(folder, l.Value))
		}
	}
	want = []string{"database main: name main", "databases " + folder + "/*.db: name {name}", "databases " + folder + "/*.db: match *.db", "database a: path a.db", "database a: match *.db", "database b: match *.db"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}
