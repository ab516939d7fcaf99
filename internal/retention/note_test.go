package retention_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/litekeep/litekeep/internal/retention"
)

// goldenNote is a note as version 1 wrote it.
const goldenNote = "testdata/note-1.json"

func TestNoteGolden(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(goldenNote)
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	note := retention.Note{
		Policy: retention.Policy{KeepWithin: 36 * time.Hour, KeepLast: 3, KeepDaily: 7, KeepWeekly: 4, KeepMonthly: 12, KeepMinimum: 2, Location: berlin},
		Grace:  3 * day, Prune: true, Configuration: "/etc/litekeep/litekeep & more.yaml",
	}
	got, err := retention.EncodeNote(note)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s%s, %v", got, want, err)
	}
	back, err := retention.DecodeNote(want)
	if err != nil || back.Policy.Location.String() != "Europe/Berlin" {
		t.Fatalf("%+v, %v", back, err)
	}
	back.Policy.Location = berlin // two of one zone are two
	if *back != note {
		t.Errorf("%+v", back)
	}
}

func TestNoteRefused(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(goldenNote)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		old, new string
		want     error // nil for one of its own
	}{
		{`"retention":1`, `"retention":2`, retention.ErrNoteVersion},
		{`"retention":1`, `"retention":0`, retention.ErrNoteVersion},
		{`"retention":1,`, ``, retention.ErrNote},
		{`"retention":1`, `"retention":"1"`, retention.ErrNote},
		{`"keep_daily":7`, `"keep_daily":-7`, retention.ErrNote},
		{`"keep_daily":7,`, ``, retention.ErrNote},
		{`"keep_daily":7`, `"keep_daily":7,"keep_all":1`, retention.ErrNote},
		{`"keep_within":"1d12h"`, `"keep_within":"36h"`, retention.ErrNote},
		{`"keep_within":"1d12h"`, `"keep_within":"soon"`, retention.ErrNote},
		{`"trash_grace":"3d"`, `"trash_grace":"-3d"`, retention.ErrNote},
		{"}\n", "}", retention.ErrNote},
		{"{", "", retention.ErrNote},
		{"Europe/Berlin", "Nowhere/None", nil},
	} {
		changed := strings.Replace(string(text), test.old, test.new, 1)
		if changed == string(text) {
			t.Fatalf("%s is not in it", test.old)
		}
		n, err := retention.DecodeNote([]byte(changed))
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, %v", changed, n, err)
		}
	}
}

// FuzzDecodeNote wants what is accepted to be what would be written again, and to keep
// no less than it says.
func FuzzDecodeNote(f *testing.F) {
	text, err := os.ReadFile(goldenNote)
	if err != nil {
		f.Fatal(err) // a fuzz test without its seed tests nothing
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("Europe/Berlin"), []byte("Local"), 1))
	f.Add(bytes.Replace(text, []byte(`:1,`), []byte(`:2,`), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := retention.DecodeNote(text)
		if err != nil {
			return
		}
		again, err := retention.EncodeNote(*n)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, encodes to %q, %v", text, again, err)
		}
		if err := n.Policy.Validate(); err != nil || n.Grace < 0 || n.Policy.KeepWithin <= 0 || n.Policy.KeepMinimum < 1 {
			t.Fatalf("accepted %+v, %v", n, err)
		}
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]retention.Policy{
		"never fewer than 1; 3d in the trash":                     {KeepWithin: time.Nanosecond, KeepMinimum: 1},
		"all of the last 7d; never fewer than 2; 3d in the trash": {KeepWithin: 7 * day, KeepMinimum: 2},
		"the newest 3, 1 hourly, 2 daily, 3 weekly, 4 monthly, 5 yearly; never fewer than 1; 3d in the trash": {
			KeepLast: 3, KeepHourly: 1, KeepDaily: 2, KeepWeekly: 3, KeepMonthly: 4, KeepYearly: 5, KeepMinimum: 1,
		},
	} {
		if got := retention.Words(p, 3*day); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
