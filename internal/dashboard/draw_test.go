package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/service"
)

func TestNiceTop(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 0.3: 0.4, 1: 1, 1.1: 2, 3: 4, 5.5: 6, 7: 8, 9: 10, 10: 10, 11: 20, 999: 1000} {
		if got := niceTop(v); got < want*0.999 || got > want*1.001 {
			t.Errorf("niceTop(%v) = %v, not %v", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "1 B", 1500: "2.00 KiB", 14.9 * (1 << 20): "20.0 MiB", 1023 << 20: "1.00 GiB"} {
		if got := byteScale.text(byteScale.top(v)); got != want {
			t.Errorf("the axis of %v bytes ends at %s, not %s", v, got, want)
		}
	}
}

func TestChart(t *testing.T) {
	day := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)
	samples := []sample{{day, 100}, {day.AddDate(0, 0, 1), 200}, {day.AddDate(0, 0, 4), 50}}
	c := newChart("rows", "Rows", samples, rowScale, time.UTC)
	if c.Line != "M0.00 50.00L25.00 0.00L100.00 75.00" {
		t.Error("the line is", c.Line)
	}
	if c.Area != c.Line+"L100.00 100L0.00 100Z" || c.Dots != "M0.00 50.00h0M25.00 0.00h0M100.00 75.00h0" {
		t.Error("the rest is", c.Area, c.Dots)
	}
	if got := strings.Join(c.Y, " ") + ", " + strings.Join(c.X, " "); got != "200 100 0, 1 Nov 3 Nov 5 Nov" {
		t.Error("the axes say", got)
	}
	if c.Desc != "Rows of 3 backups from 1 Nov 2026 to 5 Nov 2026. Least 50, most 200, now 50." || c.Trend != "−50 % in 4 days" {
		t.Error(c.Desc, c.Trend)
	}
	if m := c.Marks[1]; m.X != "12.50" || m.Width != "50.00" || m.Text != "200 · Mon 2 Nov 2026 02:00 UTC" {
		t.Error(m)
	}
	if c := newChart("duration", "Duration", []sample{{day, 0.12}, {day.AddDate(0, 0, 1), 0.09}}, timeScale, time.UTC); c.Trend != "−25 % in 24 hours" {
		t.Error(c.Trend)
	}
	if newChart("x", "X", samples[:1], rowScale, time.UTC) != nil || newSparkline("X", nil, rowScale) != nil {
		t.Error("one point makes no line")
	}
	same := []sample{{day, 0}, {day, 0}}
	if s := newSparkline("X", same, rowScale); s.Line != "M0.00 100.00L100.00 100.00" {
		t.Error("nothing at one time is", s.Line)
	}
	if c := newChart("x", "X", same, rowScale, time.UTC); strings.Contains(c.Line, "NaN") {
		t.Error(c.Line)
	}
}

// TestCalendar counts days by the calendar of the zone, over a change of clocks.
func TestCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 28, 9, 0, 0, 0, berlin) // Wednesday; the clocks changed on Sunday
	at := func(day, hour int) service.BackupView {
		return service.BackupView{Backup: &litekeep.Backup{Timestamp: time.Date(2026, 10, day, hour, 30, 0, 0, berlin)}}
	}
	runs := []service.Run{
		{Kind: service.KindBackup, Outcome: service.OutcomeFailed, Started: time.Date(2026, 10, 26, 23, 30, 0, 0, time.UTC)},
		{Kind: service.KindBackup, Outcome: service.OutcomeTimeout, Started: time.Date(2026, 10, 26, 2, 0, 0, 0, berlin)},
		{Kind: service.KindBackup, Outcome: service.OutcomeCancelled, Started: now},
		{Kind: service.KindVerify, Outcome: service.OutcomeFailed, Started: now},
	}
	c := newCalendar([]service.BackupView{at(28, 0), at(27, 2), at(25, 0), at(25, 23)}, runs, now)
	last := c.Weeks[calendarWeeks-1]
	var got []string
	for _, d := range append(c.Weeks[calendarWeeks-2][6:], last[:]...) {
		got = append(got, d.Key+" "+d.State+": "+d.Text)
	}
	want := []string{
		"2026-10-25 ok: 2 backups", "2026-10-26 bad: no backup, 1 failed run", "2026-10-27 mixed: 1 backup, 1 failed run",
		"2026-10-28 ok: 1 backup", "2026-10-29 future: still to come", "2026-10-30 future: still to come",
		"2026-10-31 future: still to come", "2026-11-01 future: still to come",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	if !last[2].Today || last[6].Month != "Nov" || c.Weeks[0][0].Key != "2026-09-21" {
		t.Error(last[2], last[6].Month, c.Weeks[0][0].Key)
	}
}

// TestWords checks that every condition and outcome has a badge of its own.
func TestWords(t *testing.T) {
	seen := map[badge]bool{}
	for _, b := range conditionBadges {
		seen[b] = true
	}
	if len(seen) != 6 || len(outcomeBadges) != 11 {
		t.Error(len(seen), len(outcomeBadges))
	}
	for _, b := range outcomeBadges {
		if icons[b.Icon] == "" {
			t.Error("no picture for", b)
		}
	}
	if b := outcomeBadge("sleeping"); b.Word != "Sleeping" {
		t.Error("what is new shows as", b)
	}
	for in, want := range map[string]string{
		"": "", "no room": "No room.", "s3://x is down": "s3://x is down.", "Done!": "Done!", "open /x: denied": "Open /x: denied.", "ünter": "ünter.",
	} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) = %q", in, got)
		}
	}
	r := service.Run{Outcome: service.OutcomeRunning}
	if got := progressText(r); got != "Starting" {
		t.Error(got)
	}
	r.Progress = &service.Progress{Phase: "prove"}
	if got := progressText(r); got != "Proving it" {
		t.Error(got)
	}
	r.Outcome = service.OutcomeQueued
	if got := phaseName(r); got != "Waiting for its turn" {
		t.Error(got)
	}
}
