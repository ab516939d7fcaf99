package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/litekeep/litekeep/internal/engine"
)

// sampleRun is a run with something in each field.
func sampleRun() Run {
	return Run{
		ID: "20260505T020000.123Z-abcdef", Database: "app", Kind: "backup", Trigger: "schedule", Actor: "Ada", Slot: at(0),
		Attempt: 2, DryRun: true, Started: at(1), Ended: at(2), Outcome: "partial", Error: "copy: no route", Hint: "see the log",
		Backup: "20260505T020000.123Z.json.zst", SizeBytes: 1 << 40, DocumentBytes: 1 << 41, TableCount: 3, RecordCount: 1 << 33,
		Duration: 12345678901, Verified: true, Detail: json.RawMessage(`{"copies": 2}`),
		Log: []LogLine{{Time: at(1), Level: "info", Text: "begun\x00 \"ä\""}, {Time: at(2), Level: "warn", Text: ""}},
	}
}

func TestRunRoundTrip(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	r := sampleRun()
	begun := Run{ID: r.ID, Database: "app", Kind: "backup", Started: at(1)}
	must(t, s.BeginRun(ctx, begun))
	begun.Outcome = OutcomeRunning
	want(t, "begun", begun)(s.Run(ctx, r.ID))
	if _, err := s.LastRun(ctx, "app", "backup"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the last run is one that has not ended: %v", err)
	}
	must(t, s.EndRun(ctx, r))
	want(t, "ended", r)(s.Run(ctx, r.ID))
	want(t, "last", r)(s.LastRun(ctx, "app", "backup"))
	brief := r
	brief.Log, brief.Detail = nil, nil
	want(t, "list", []Run{brief})(s.Runs(ctx, RunFilter{}))

	// The end of a run is kept also where its beginning was not.
	r.ID = "z"
	must(t, s.EndRun(ctx, r))
	want(t, "only ended", r)(s.Run(ctx, "z"))

	if err := s.BeginRun(ctx, begun); !errors.Is(err, engine.ErrConstraint) || errors.Is(err, ErrUnavailable) {
		t.Errorf("a second run of the same ID: %v", err)
	}
	if _, err := s.Run(ctx, "y"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
	for name, call := range map[string]error{
		"no ID":      s.BeginRun(ctx, Run{Database: "app", Kind: "backup", Started: at(0)}),
		"no start":   s.BeginRun(ctx, Run{ID: "a", Database: "app", Kind: "backup"}),
		"no slot":    s.BeginSlot(ctx, Run{ID: "a", Database: "app", Kind: "backup", Started: at(0)}),
		"no end":     s.EndRun(ctx, Run{ID: "a", Database: "app", Kind: "backup", Started: at(0), Outcome: "ok"}),
		"bad detail": s.BeginRun(ctx, Run{ID: "a", Database: "app", Kind: "backup", Started: at(0), Detail: json.RawMessage("{")}),
	} {
		if !errors.Is(call, errInvalid) || errors.Is(call, ErrUnavailable) {
			t.Errorf("%s: %v", name, call)
		}
	}
}

func TestLogBounds(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	r := sampleRun()
	r.Log = nil
	for i := range MaxLogLines + 500 {
		r.Log = append(r.Log, LogLine{Time: at(i), Level: "info", Text: fmt.Sprint("line ", i)})
	}
	r.Log[0].Text = strings.Repeat("ä", 3000) + "!"
	must(t, s.EndRun(t.Context(), r))
	got, err := s.Run(t.Context(), r.ID)
	must(t, err)
	if len(got.Log) != MaxLogLines || got.Log[499].Text != "line 499" || got.Log[500].Text != "501 lines are left out here" ||
		got.Log[501].Text != "line 1001" || got.Log[999].Text != "line 1499" {
		t.Errorf("%d lines: %v", len(got.Log), got.Log[498:503])
	}
	if text := got.Log[0].Text; text != strings.Repeat("ä", 2048)+" …" {
		t.Errorf("a long line has %d bytes: …%q", len(text), text[len(text)-20:])
	}
	if r.Log[0].Text != strings.Repeat("ä", 3000)+"!" {
		t.Error("the caller's log was changed")
	}
}

// history stores runs that have ended: "ID database kind outcome second".
func history(t *testing.T, s *Store, lines ...string) {
	t.Helper()
	for _, line := range lines {
		var r Run
		var second int
		if _, err := fmt.Sscan(line, &r.ID, &r.Database, &r.Kind, &r.Outcome, &second); err != nil {
			t.Fatal(err)
		}
		r.Started, r.Ended = at(second), at(second+1)
		if r.Outcome == OutcomeRunning {
			r.Ended = time.Time{}
			must(t, s.BeginRun(t.Context(), r))
			continue
		}
		must(t, s.EndRun(t.Context(), r))
	}
}

func ids(runs []Run, err error) (string, error) {
	var list []string
	for _, r := range runs {
		list = append(list, r.ID)
	}
	return strings.Join(list, " "), err
}

func TestRunsFilter(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	history(t, s, "1 app backup ok 1", "2 app backup failed 2", "3 web backup ok 3", "4 app verify ok 4", "5 app backup running 5", "6 log backup ok 6")
	for _, c := range []struct {
		f    RunFilter
		want string
	}{
		{RunFilter{}, "6 5 4 3 2 1"},
		{RunFilter{Limit: 2}, "6 5"},
		{RunFilter{Limit: 2, Before: "5"}, "4 3"},
		{RunFilter{Database: "app"}, "5 4 2 1"},
		{RunFilter{Databases: []string{"web", "log", "' OR 1"}}, "6 3"},
		{RunFilter{Database: "app", Databases: []string{"web"}}, ""},
		{RunFilter{Kind: "verify"}, "4"},
		{RunFilter{Outcome: "failed"}, "2"},
		{RunFilter{Outcome: "running"}, "5"},
		{RunFilter{Database: "none"}, ""},
	} {
		want(t, fmt.Sprintf("%+v", c.f), c.want)(ids(s.Runs(t.Context(), c.f)))
	}
	for _, c := range []struct {
		database, kind, outcome, want string
	}{
		{"app", "backup", "", "2"},
		{"app", "backup", "ok", "1"},
		{"web", "backup", "", "3"},
		{"web", "verify", "", ""},
	} {
		var outcomes []string
		if c.outcome != "" {
			outcomes = []string{"other", c.outcome}
		}
		r, err := s.LastRun(t.Context(), c.database, c.kind, outcomes...)
		if r.ID != c.want || (c.want == "") != errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %s, %v", c, r.ID, err)
		}
	}
}

func TestTrimRuns(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	history(t, s, "1 app backup running 1", "2 app backup ok 2", "3 app verify ok 3", "4 app backup failed 4", "5 app backup failed 5", "6 app backup failed 6",
		"7 web backup ok 7", "8 web backup ok 8")
	want(t, "trimmed", 0)(s.TrimRuns(t.Context(), 0, at(0)))
	want(t, "trimmed", 0)(s.TrimRuns(t.Context(), 9, at(100)))
	want(t, "trimmed", 2)(s.TrimRuns(t.Context(), 1, at(7)))
	want(t, "left", "8 7 6 3 2 1")(ids(s.Runs(t.Context(), RunFilter{})))
	want(t, "trimmed", 2)(s.TrimRuns(t.Context(), 0, at(100)))
	want(t, "left", "8 3 2 1")(ids(s.Runs(t.Context(), RunFilter{})))
}

func TestSlots(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	want(t, "no slot", time.Time{})(s.Slot(ctx, "app"))
	run := func(id string, slot int) Run {
		return Run{ID: id, Database: "app", Kind: "backup", Started: at(9), Slot: at(slot)}
	}
	must(t, s.BeginSlot(ctx, run("1", 5)))
	want(t, "slot", at(5))(s.Slot(ctx, "app"))
	if err := s.BeginSlot(ctx, run("2", 5)); !errors.Is(err, ErrSlotTaken) || errors.Is(err, ErrUnavailable) {
		t.Errorf("a slot twice: %v", err)
	}
	if _, err := s.Run(ctx, "2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a run without its slot: %v", err)
	}
	if err := s.BeginSlot(ctx, run("1", 6)); !errors.Is(err, engine.ErrConstraint) {
		t.Errorf("an ID twice: %v", err)
	}
	want(t, "slot after a failure", at(5))(s.Slot(ctx, "app"))
	must(t, s.BeginSlot(ctx, run("3", 7)))
	must(t, s.BeginSlot(ctx, run("4", 2))) // the clock was wrong
	want(t, "slot", at(2))(s.Slot(ctx, "app"))
	must(t, s.SetSlot(ctx, "app", at(8)))
	must(t, s.SetSlot(ctx, "web", at(1)))
	want(t, "slot", at(8))(s.Slot(ctx, "app"))
	want(t, "slot", at(1))(s.Slot(ctx, "web"))
}

func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	old := mustOpen(t, path)
	history(t, old, "2 app backup running 2", "1 web restore running 1", "3 app backup ok 3")
	must(t, old.Close())
	s := mustOpen(t, path)
	history(t, s, "4 log backup running 4")
	cut, err := s.CutOff(t.Context(), at(60))
	must(t, err)
	expected := []Run{
		{ID: "1", Database: "web", Kind: "restore", Started: at(1), Ended: at(60), Outcome: OutcomeCrashed, Error: cutOffError},
		{ID: "2", Database: "app", Kind: "backup", Started: at(2), Ended: at(60), Outcome: OutcomeCrashed, Error: cutOffError},
	}
	if d := cmp.Diff(expected, cut, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("cut off (- want, + got):\n%s", d)
	}
	want(t, "stored", cut[0])(s.Run(t.Context(), "1"))
	want(t, "under way", "4")(ids(s.Runs(t.Context(), RunFilter{Outcome: OutcomeRunning})))
	want(t, "again", []Run(nil))(s.CutOff(t.Context(), at(61)))
}
