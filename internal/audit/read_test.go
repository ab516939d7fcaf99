package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/audit"
)

// TestEntries compares what a filter reads with a plain look at all entries.
func TestEntries(t *testing.T) {
	dir := t.TempDir()
	l := audit.New(dir, audit.Options{Now: clock(), MaxSize: 4000})
	var all []audit.Entry
	for i := range 60 {
		all = append(all, add(t, l, audit.Entry{
			Actor: fmt.Sprint("a", i%3), ActorID: fmt.Sprint("id", i%3), Action: []string{"see", "restore"}[i%2], Database: []string{"", "app", "shop"}[i/7%3],
			Outcome: []audit.Outcome{audit.Allowed, audit.Refused}[i/5%2], Request: fmt.Sprint("r", i/2), Detail: strings.Repeat("x", i*40),
		}))
	}
	l.Close()
	slices.Reverse(all)
	rapid.Check(t, func(t *rapid.T) {
		moment := func(name string) time.Time {
			n := rapid.IntRange(-2, 62).Draw(t, name)
			if n == -2 {
				return time.Time{}
			}
			return start.Add(time.Duration(n) * time.Second)
		}
		pick := func(name string, s ...string) string {
			return rapid.SampledFrom(append(s, "", "", "")).Draw(t, name)
		}
		f := audit.Filter{
			Since: moment("since"), Until: moment("until"), Actor: pick("actor", "a1", "id2", "x"), Action: pick("action", "see", "x"),
			Database: pick("database", "app", "x"), Outcome: audit.Outcome(pick("outcome", "refused")), Request: pick("request", "r4"),
			Before: rapid.Int64Range(0, 70).Draw(t, "before"), Limit: rapid.IntRange(0, 70).Draw(t, "limit"),
			Databases: rapid.SampledFrom([][]string{nil, {}, {"app"}, {"app", "shop"}}).Draw(t, "databases"),
		}
		var want []audit.Entry
		for _, e := range all {
			if (f.Since.IsZero() || e.Time.After(f.Since) || e.Time.Equal(f.Since)) && (f.Until.IsZero() || e.Time.Before(f.Until)) &&
				(f.Actor == "" || f.Actor == e.Actor || f.Actor == e.ActorID) && (f.Action == "" || f.Action == e.Action) &&
				(f.Database == "" || f.Database == e.Database) && (f.Outcome == "" || f.Outcome == e.Outcome) &&
				(f.Request == "" || f.Request == e.Request) && (f.Before == 0 || e.Seq < f.Before) &&
				(f.Databases == nil || slices.Contains(f.Databases, e.Database)) && (f.Limit == 0 || len(want) < f.Limit) {
				want = append(want, e)
			}
		}
		var got []audit.Entry
		for e, err := range audit.Entries(dir, f) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestEntriesStop leaves the loop early, and reads no more files than it has to.
func TestEntriesStop(t *testing.T) {
	dir := t.TempDir()
	l := audit.New(dir, audit.Options{Now: clock(), MaxSize: 800})
	var last audit.Entry
	for range 12 {
		last = add(t, l, audit.Entry{Detail: strings.Repeat("x", 100)})
	}
	l.Close()
	all := files(t, dir)
	rest := 12 - bytes.Count(read(t, all[0]), []byte("\n"))
	write(t, all[0], []byte("no entry\n")) // a reader that comes here says so
	count := func(f audit.Filter) (n int, last error) {
		for _, err := range audit.Entries(dir, f) {
			if last = err; err == nil {
				n++
			}
		}
		return n, last
	}
	if n, err := count(audit.Filter{Since: last.Time}); n != 1 || err != nil {
		t.Error(n, err)
	}
	if n, err := count(audit.Filter{Limit: rest}); n != rest || err != nil {
		t.Error(n, err)
	}
	if n, err := count(audit.Filter{}); n != rest || !errors.Is(err, audit.ErrSkipped) {
		t.Error(n, err)
	}
	for range audit.Entries(dir, audit.Filter{}) {
		break
	}
	// A file that was begun when the disk was full has no entry, and hides none.
	empty := filepath.Join(dir, fmt.Sprintf("audit-%012d.jsonl", last.Seq+1))
	write(t, empty, nil)
	if n, err := count(audit.Filter{Since: last.Time}); n != 1 || err != nil {
		t.Error("before a file without entries:", n, err)
	}
	if err := os.Remove(empty); err != nil {
		t.Fatal(err)
	}
	// A line that is being written is none yet; in an old file it is damage.
	newest := all[len(all)-1]
	write(t, newest, append(read(t, newest), `{"seq":`...))
	if n, err := count(audit.Filter{Limit: rest}); n != rest || err != nil {
		t.Error(n, err)
	}
	write(t, all[1], append(read(t, all[1]), strings.Repeat("x", 200_000)...))
	if n, err := count(audit.Filter{}); n != rest || !strings.HasPrefix(fmt.Sprint(err), "2 lines") {
		t.Error(n, err)
	}
}
