package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/audit"
)

var start = time.Date(2026, 11, 22, 2, 0, 0, 123e6, time.UTC)

// clock returns a clock that goes on by a second with each look.
func clock() func() time.Time {
	t := start.Add(-time.Second)
	return func() time.Time { t = t.Add(time.Second); return t }
}

func still() time.Time { return start }

// at is a log in dir whose clock stands still. Its files hold some three entries.
func at(t *testing.T, dir string) *audit.Log {
	t.Helper()
	l := audit.New(dir, audit.Options{Now: still, MaxSize: 800})
	t.Cleanup(func() { l.Close() })
	return l
}

func add(t *testing.T, l *audit.Log, e audit.Entry) audit.Entry {
	t.Helper()
	e, err := l.Append(e)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fill makes a log of n entries in several files, and closes it.
func fill(t *testing.T, dir string, n int) []audit.Entry {
	t.Helper()
	l := at(t, dir)
	var all []audit.Entry
	for i := range n {
		all = append(all, add(t, l, audit.Entry{Actor: "ada", Action: "restore", Database: fmt.Sprint("db", i%3), Outcome: audit.Done}))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func verify(t *testing.T, dir string, o audit.VerifyOptions) audit.Report {
	t.Helper()
	r, err := audit.Verify(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantGood(t *testing.T, dir string, entries int) audit.Report {
	t.Helper()
	r := verify(t, dir, audit.VerifyOptions{})
	if !r.OK() || int(r.Entries) != entries {
		t.Fatalf("%d entries, not %d; problems %v", r.Entries, entries, r.Problems)
	}
	return r
}

// files returns the names of the files of a log.
func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "audit-*.jsonl"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAppend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "audit")
	l := audit.New(dir, audit.Options{Now: clock()})
	defer l.Close()
	first := add(t, l, audit.Entry{
		Actor: "ada", ActorID: "tk_1", Role: "admin", From: "192.0.2.7", Action: "restore", Database: "app",
		Object: "x.json.zst", Outcome: audit.Allowed, Detail: "<table> \"t\" lost\n", Request: "r1",
	})
	second := add(t, l, audit.Entry{Action: "backup", Outcome: audit.Done})
	path := files(t, dir)[0]
	lines := strings.Split(string(read(t, path)), "\n")
	want := `{"seq":1,"time":"2026-11-22T02:00:01.123Z","actor":"ada","actor_id":"tk_1","role":"admin","from":"192.0.2.7",` +
		`"action":"restore","database":"app","object":"x.json.zst","outcome":"allowed","detail":"<table> \"t\" lost\n","request_id":"r1",` +
		`"prev":"` + strings.Repeat("0", 64) + `","hash":"` + first.Hash.String() + `"}`
	if len(lines) != 3 || lines[0] != want {
		t.Errorf("the file has\n%s\nnot\n%s", lines[0], want)
	}
	if second.Seq != 2 || second.Prev != first.Hash {
		t.Errorf("the second entry is %+v", second)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || filepath.Base(path) != "audit-000000000001.jsonl" {
		t.Error(info, err)
	}
	head, err := audit.ReadHead(dir)
	if err != nil || head != l.Head() || head != (audit.Head{Seq: 2, Hash: second.Hash}) {
		t.Error(head, l.Head(), err)
	}
	wantGood(t, dir, 2)
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	all := fill(t, dir, 7)
	l := at(t, dir)
	if err := l.Check(); err != nil || l.Head().Seq != 7 {
		t.Fatal(l.Head(), err)
	}
	if next := add(t, l, audit.Entry{}); next.Seq != 8 || next.Prev != all[6].Hash {
		t.Errorf("%+v", next)
	}
	if r := wantGood(t, dir, 8); r.Files < 3 || r.First != 1 || r.Head != l.Head() || len(r.Crashes) > 0 {
		t.Errorf("%+v", r)
	}
}

func TestClosed(t *testing.T) {
	var none *audit.Log
	l := at(t, t.TempDir())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*audit.Log{none, l} {
		if _, err := l.Append(audit.Entry{}); !errors.Is(err, audit.ErrUnavailable) {
			t.Error(err)
		}
		if err := l.Check(); !errors.Is(err, audit.ErrUnavailable) {
			t.Error(err)
		}
		if l.Head() != (audit.Head{}) || l.Close() != nil {
			t.Error("a closed log has a head")
		}
	}
}

// TestTexts writes what cannot be written as it is.
func TestTexts(t *testing.T) {
	dir := t.TempDir()
	l := at(t, dir)
	e := add(t, l, audit.Entry{
		Actor: "a\xffb", From: strings.Repeat("ä", 400), Detail: strings.Repeat("\x01", 5000), Object: strings.Repeat("\x02", 600),
		Database: strings.Repeat("\x02", 600), Action: strings.Repeat("\x02", 600), Role: strings.Repeat("\x02", 600),
		ActorID: strings.Repeat("\x02", 600), Outcome: audit.Outcome(strings.Repeat("\x02", 600)), Request: strings.Repeat("\x02", 600),
	})
	if e.Actor != "a\ufffdb" || len(e.From) > 512 || !strings.HasSuffix(e.From, "ä…") || len(e.Detail) != 4096 {
		t.Errorf("%+v", e)
	}
	wantGood(t, dir, 1)
	for got, err := range audit.Entries(dir, audit.Filter{}) {
		if diff := cmp.Diff(e, got); err != nil || diff != "" {
			t.Error(diff, err)
		}
	}
}

func TestParseHead(t *testing.T) {
	l := at(t, t.TempDir())
	add(t, l, audit.Entry{})
	h, err := audit.ParseHead(l.Head().String())
	if err != nil || h != l.Head() {
		t.Error(h, err)
	}
	good := h.String()
	for _, bad := range []string{"", "1", "1:", good + "0", "0" + good, "-" + good, strings.ToUpper(good), good[1:], "x" + good[1:]} {
		if h, err := audit.ParseHead(bad); err == nil {
			t.Errorf("%q is %v", bad, h)
		}
	}
}

func TestNoLog(t *testing.T) {
	dir := t.TempDir()
	if _, err := audit.Verify(dir, audit.VerifyOptions{}); !errors.Is(err, audit.ErrNoLog) {
		t.Error(err)
	}
	if _, err := audit.Verify(filepath.Join(dir, "no"), audit.VerifyOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for range audit.Entries(filepath.Join(dir, "no"), audit.Filter{}) {
		t.Error("an entry, or an error")
	}
	if err := at(t, dir).Check(); err != nil {
		t.Fatal(err)
	}
	wantGood(t, dir, 0)
	if err := os.Remove(filepath.Join(dir, "audit.head")); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(dir, audit.VerifyOptions{}); !errors.Is(err, audit.ErrNoLog) {
		t.Error(err)
	}
}

// TestEveryByte changes, removes and inserts each single byte of a log.
func TestEveryByte(t *testing.T) {
	dir := t.TempDir()
	l := audit.New(dir, audit.Options{Now: still, MaxSize: 500}) // two in a file
	for range 3 {
		add(t, l, audit.Entry{})
	}
	l.Close()
	for _, path := range append(files(t, dir), filepath.Join(dir, "audit.head")) {
		whole := read(t, path)
		for i := range whole {
			changed := bytes.Clone(whole)
			changed[i] ^= 1
			upper := bytes.Clone(whole)
			upper[i] ^= 0x20
			feed := bytes.Clone(whole)
			feed[i] = '\n'
			for kind, b := range map[string][]byte{
				"changed": changed, "changed in case": upper, "made a line feed": feed,
				"removed": slices.Delete(bytes.Clone(whole), i, i+1), "inserted": slices.Insert(bytes.Clone(whole), i, ' '),
			} {
				if bytes.Equal(b, whole) {
					continue
				}
				write(t, path, b)
				if r := verify(t, dir, audit.VerifyOptions{}); r.OK() {
					t.Fatalf("%s: byte %d %s, and nobody notices", filepath.Base(path), i, kind)
				}
			}
		}
		write(t, path, whole)
	}
	wantGood(t, dir, 3)
}

// lines changes the lines of a log that has one file.
func lines(t *testing.T, dir string, change func([]string) []string) {
	t.Helper()
	path := files(t, dir)[0]
	all := strings.SplitAfter(strings.TrimSuffix(string(read(t, path)), "\n"), "\n")
	all[len(all)-1] += "\n"
	write(t, path, []byte(strings.Join(change(all), "")))
}

// TestLines drops, moves, doubles, swaps and inserts each line.
func TestLines(t *testing.T) {
	const n = 6
	fresh := func(t *testing.T) string {
		dir := t.TempDir()
		l := audit.New(dir, audit.Options{Now: still})
		for range n {
			add(t, l, audit.Entry{Action: "see"})
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	name := "audit-000000000001.jsonl:"
	for i := range n {
		dir := fresh(t)
		var all []string
		lines(t, dir, func(l []string) []string { all = slices.Clone(l); return l })
		other := t.TempDir()
		forged := audit.New(other, audit.Options{Now: clock()})
		for range n {
			add(t, forged, audit.Entry{Action: "forged"})
		}
		foreign := strings.SplitAfter(string(read(t, files(t, other)[0])), "\n")[i]
		forged.Close()
		for what, c := range map[string]struct {
			lines []string
			want  string // in the first problem
		}{
			"dropped":   {slices.Delete(slices.Clone(all), i, i+1), fmt.Sprintf("%s%d: entry %d is missing", name, i+1, i+1)},
			"doubled":   {slices.Insert(slices.Clone(all), i, all[i]), fmt.Sprintf("%s%d: entry %d comes after entry %d", name, i+2, i+1, i+1)},
			"exchanged": {slices.Concat(all[:i], []string{foreign}, all[i+1:]), fmt.Sprintf("%s%d: entry %d does not go on", name, max(i, 1)+1, max(i, 1)+1)},
			"to front":  {slices.Concat([]string{all[i]}, slices.Delete(slices.Clone(all), i, i+1)), name + "1: "},
			"no entry":  {slices.Insert(slices.Clone(all), i, "{}\n"), fmt.Sprintf("%s%d: this line is not an entry", name, i+1)},
			"empty":     {slices.Insert(slices.Clone(all), i, "\n"), fmt.Sprintf("%s%d: this line is not an entry", name, i+1)},
			"blotted":   {slices.Concat(all[:i], []string{strings.Repeat("x", 200_000) + "\n"}, all[i+1:]), fmt.Sprintf("%s%d: this line is not an entry", name, i+1)},
		} {
			if i == n-1 && what == "dropped" {
				c.want = "the end was cut off: audit.head names entry 6, and the log ends with entry 5"
			}
			if i == 0 && what == "to front" {
				continue
			}
			lines(t, dir, func([]string) []string { return c.lines })
			r := verify(t, dir, audit.VerifyOptions{})
			if r.OK() || !strings.Contains(r.Problems[0].String(), c.want) {
				t.Errorf("line %d %s: %v, want %q", i+1, what, r.Problems, c.want)
			}
		}
	}
}

// TestFiles drops, renames and swaps whole files.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 12)
	all := files(t, dir)
	if len(all) < 4 {
		t.Fatal(all)
	}
	for i, path := range all {
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		r := verify(t, dir, audit.VerifyOptions{})
		if r.OK() || !strings.Contains(r.Problems[0].String(), "missing") && i < len(all)-1 {
			t.Errorf("file %d is gone: %v", i, r.Problems)
		}
		renamed := filepath.Join(dir, "audit-000000000900.jsonl")
		if err := os.Rename(path+".away", renamed); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, dir, audit.VerifyOptions{}); r.OK() {
			t.Errorf("file %d has another name", i)
		}
		if err := os.Rename(renamed, path); err != nil {
			t.Fatal(err)
		}
	}
	// Old files may be archived, if who verifies says so.
	second := read(t, all[1])
	for _, path := range all[:2] {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	r := verify(t, dir, audit.VerifyOptions{From: 7})
	if !r.OK() || r.First != 7 {
		t.Errorf("%+v", r)
	}
	if r := verify(t, dir, audit.VerifyOptions{From: 6}); r.OK() {
		t.Errorf("%+v", r)
	}
	write(t, all[1], append([]byte("no entry\n"), second...))
	for from, ok := range map[int64]bool{3: false, 6: true, 7: true} {
		if r := verify(t, dir, audit.VerifyOptions{From: from}); r.OK() != ok {
			t.Errorf("from %d: %v", from, r.Problems)
		}
	}
}

// TestCut cuts the end off at each byte. Who changes the head, too, is found by an
// anchor.
func TestCut(t *testing.T) {
	dir := t.TempDir()
	all := fill(t, dir, 2)
	path := files(t, dir)[0]
	whole, headFile := read(t, path), filepath.Join(dir, "audit.head")
	head := read(t, headFile)
	for i := range whole {
		write(t, path, whole[:i])
		if r := verify(t, dir, audit.VerifyOptions{}); r.OK() {
			t.Fatalf("cut at %d", i)
		}
	}
	write(t, path, whole[:bytes.IndexByte(whole, '\n')+1])
	write(t, headFile, []byte(fmt.Sprintf(`{"seq":1,"hash":"%s"}`+"\n", all[0].Hash)))
	wantGood(t, dir, 1)
	r := verify(t, dir, audit.VerifyOptions{Anchors: []audit.Head{{Seq: 1, Hash: all[0].Hash}, {Seq: 2, Hash: all[1].Hash}}})
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "the anchor 2:") {
		t.Error(r.Problems)
	}
	r = verify(t, dir, audit.VerifyOptions{Anchors: []audit.Head{{Seq: 1, Hash: all[1].Hash}}})
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "rewritten") {
		t.Error(r.Problems)
	}
	write(t, path, whole)
	if err := os.Remove(headFile); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, audit.VerifyOptions{}); r.OK() {
		t.Error("nobody misses the head")
	}
	write(t, headFile, head)
	wantGood(t, dir, 2)
}

// TestManyProblems bounds the report.
func TestManyProblems(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 1)
	path := files(t, dir)[0]
	write(t, path, append(read(t, path), strings.Repeat("no entry\n", 250)...))
	if r := verify(t, dir, audit.VerifyOptions{}); len(r.Problems) != 100 || r.Unlisted != 150 {
		t.Errorf("%d problems and %d more", len(r.Problems), r.Unlisted)
	}
}
