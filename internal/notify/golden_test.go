package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

var (
	three    = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) // 04:00 in Berlin
	lastGood = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
)

// sample is one story of each kind, as the service would tell it.
func sample(kind Kind) Story {
	e := Event{
		Kind: kind, Database: "app", Time: three, Zone: "Europe/Berlin", LastGood: lastGood, RunID: "20261122T030000-7F",
		Link: "https://backup.example.org/databases/app",
	}
	s := Story{ID: "019abc-" + string(kind), Thread: "019abc-EPISODE"}
	switch kind {
	case KindFailed:
		e.Cause, e.Hint, e.Next = "write object: no space left on device", "free 2.1 GiB in /backups, or set temp to another disk", "litekeep backup /srv/app/app.db"
		s.Since, s.Count = three.Add(-2*time.Hour), 3
	case KindOverdue:
		e.Cause, e.Next = "no run has ended since Sat 02:00", "litekeep backup /srv/app/app.db"
		s.Since, s.Count, s.Again = three.Add(-24*time.Hour), 24, true
	case KindHung:
		e.Cause, e.Details = "the run took longer than its limit", []Field{{"Limit", "1 h"}}
	case KindShrunken:
		e.Details = []Field{{"Rows", "12, before 48,112"}, {"Size", "4.1 KiB, before 17.2 MiB"}}
		e.Hint = "the backup is kept, and nothing is pruned until somebody has looked"
		e.Next = "litekeep info /backups/app/20261122T030000.000Z.json.zst"
	case KindVerificationFailed:
		e.Cause, e.Next = "frame 12: SHA-256 is not that of the manifest", "litekeep verify --all --dir /backups"
	case KindDestinationDown:
		e.Database, e.Place, e.Cause, e.Next = "", "s3://backups/prod", "no answer in time", "litekeep destinations check s3://backups/prod"
		e.Holds = "each backup is still kept in the other destination"
	case KindDestinationUp:
		e.Database, e.Place = "", "s3://backups/prod"
		s.Since = three.Add(-3 * time.Hour)
	case KindDiskLow:
		e.Database, e.Place, e.Hint, e.Next = "", "/backups", "empty the trash, or keep fewer backups", "litekeep trash list"
		e.Details = []Field{{"Free", "1.2 GiB of 100 GiB"}}
	case KindDiskOK:
		e.Database, e.Place = "", "/backups"
	case KindRecovered:
		e.LastGood = three
		s.Since, s.Count = three.Add(-26*time.Hour), 26
	case KindRestoreDone:
		e.Details = []Field{{"By", "ada"}, {"Reason", "ticket 4711"}, {"To", "/srv/app/app.db"}, {"Backup", "20261121T010000.000Z"}}
	case KindStarted:
		e.Database = ""
		e.Details = []Field{{"Databases", "3"}}
	case KindConfigRefused:
		e.Database, e.Cause, e.Next = "", "litekeep.yaml:12:3: unknown key \"shedule\", did you mean \"schedule\"?\r\n     12 |   shedule: \"0 2 * * *\"\n        |   ^^^^^^^\n", "litekeep config check --config /etc/litekeep.yaml"
	case KindJoined:
		e.Details = []Field{{"File", "/srv/tenants/app.db"}, {"Pattern", "/srv/tenants/*.db"}}
	case KindGone:
		e.Cause, e.Details = "the file is not there any more", []Field{{"File", "/srv/tenants/app.db"}}
		e.Hint, e.Next = "was it deleted on purpose?", "litekeep restore 20261121T010000.000Z.json.zst --database app"
	case KindLeftOut:
		e.Database, e.Place, e.Cause = "", "/srv/tenants/a:b.db", `its name cannot be that of a database: "a:b" cannot name a folder; "a_b" can`
		e.Hint, e.Next = "rename the file, or give it an entry of its own", "litekeep config check --config /etc/litekeep.yaml"
		s.Since, s.Count, s.Again = three.Add(-24*time.Hour), 2, true
	}
	s.Event = e.filled(three)
	return s
}

// renderings are all forms of a message.
func renderings(t *testing.T, m *Message) map[string]string {
	t.Helper()
	html, err := m.HTML()
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{
		".txt":  "Subject: " + m.Subject + "\n\n" + m.Text(),
		".html": html,
	}
	for name, v := range map[string]any{".slack.json": slackMessage(m), ".webhook.json": webhookOf(m)} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		list[name] = b.String()
	}
	return list
}

func TestTextsOfKinds(t *testing.T) {
	for _, kind := range append(Kinds(), KindTest) {
		m := newMessage([]Story{sample(kind)}, three.Add(time.Minute), "vault1")
		forms := renderings(t, m)
		golden(t, string(kind)+".txt", forms[".txt"])
		if kind == KindFailed {
			for form, text := range forms {
				golden(t, "failed"+form, text)
			}
		}
	}
}

// broken is a night: a destination and a disk, and what came of it.
func broken() (stories []Story) {
	add := func(n int, kind Kind, change func(i int, s *Story)) {
		for i := range n {
			s := sample(kind)
			s.Again = false
			s.Database = database(len(stories))
			s.ID = s.ID + "-" + s.Database
			s.Link, s.Next = "https://backup.example.org/", "litekeep runs --failed"
			s.Time = s.Time.Add(time.Duration(i) * time.Minute)
			change(i, &s)
			stories = append(stories, s)
		}
	}
	add(2, KindRecovered, func(int, *Story) {})
	add(12, KindFailed, func(i int, s *Story) {
		s.Cause = []string{"no space left on device", "database disk image is malformed <&>", "locked"}[min(i%4, 2)]
		if i == 3 {
			s.LastGood = time.Time{}
		}
	})
	add(200, KindFailed, func(_ int, s *Story) { s.Place, s.Cause = "s3://backups/prod", "no answer in time" })
	add(2, KindOverdue, func(int, *Story) {})
	return append(stories, sample(KindDestinationDown))
}

func TestTextsOfGroups(t *testing.T) {
	m := newMessage(broken(), three.Add(time.Hour), "vault1", "This channel is limited.")
	for form, text := range renderings(t, m) {
		if form != ".webhook.json" { // 217 events
			golden(t, "night"+form, text)
		}
	}
	if len(m.Text()) > 8000 {
		t.Errorf("a night is %d bytes", len(m.Text()))
	}
	same := []Story{}
	for i := range 4 {
		s := sample(KindFailed)
		s.Database, s.LastGood, s.Again = database(i), lastGood.Add(time.Duration(i)*time.Hour), true
		same = append(same, s)
	}
	golden(t, "same-cause.txt", renderings(t, newMessage(same, three, ""))[".txt"])
}

// TestTimes reads one moment in several zones, in winter and in summer.
func TestTimes(t *testing.T) {
	for _, c := range []struct{ zone, at, want, note string }{
		{"Europe/Berlin", "2026-11-22T01:00:00Z", "Sun 22 Nov 2026, 02:00 CET", "Europe/Berlin"},
		{"Europe/Berlin", "2026-07-22T01:00:00Z", "Wed 22 Jul 2026, 03:00 CEST", "Europe/Berlin"},
		{"Asia/Kolkata", "2026-11-22T01:00:00Z", "Sun 22 Nov 2026, 06:30 IST", "Asia/Kolkata"},
		{"UTC", "2026-11-22T01:00:00Z", "Sun 22 Nov 2026, 01:00 UTC", ""},
		{"No/Where", "2026-11-22T01:00:00Z", "Sun 22 Nov 2026, 01:00 UTC", ""},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		e := Event{Kind: KindFailed, Time: at, Zone: c.zone}
		if got := e.when(at); got != c.want || e.zone() != c.note {
			t.Errorf("%s: %s, %s", c.zone, got, e.zone())
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back Event
		if err := json.Unmarshal(text, &back); err != nil || back.when(at) != c.want {
			t.Errorf("%s: after the store %s, %v", c.zone, back.when(at), err)
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if e := (Event{Kind: KindFailed, Time: three.In(berlin)}).filled(three); e.Zone != "Europe/Berlin" {
		t.Errorf("the zone is %q", e.Zone)
	}
}

// TestHostileText puts what an error might hold into every field.
func TestHostileText(t *testing.T) {
	evil := "x\r\nBcc: a@b\x00\x1b[2J<script>alert(1)</script> <!channel> `rm` | & \xff " + strings.Repeat("ü", 40_000)
	s := Story{ID: "1", Event: Event{
		Kind: KindFailed, Database: evil, Place: evil, Summary: evil, Cause: evil, Hint: evil, Holds: evil, Next: evil,
		Link: "javascript:alert(1)", Details: []Field{{evil, evil}},
	}.filled(three)}
	m := newMessage([]Story{s}, three, evil)
	if strings.ContainsAny(m.Subject, "\r\n\x00\x1b") || len(m.Subject) > subjectLimit {
		t.Errorf("subject of %d bytes: %q", len(m.Subject), m.Subject)
	}
	forms := renderings(t, m)
	if h := forms[".html"]; strings.Contains(h, "<script") || strings.Contains(h, `href="javascript`) {
		t.Error("the page has what was in the text")
	}
	var post slackPost
	if err := json.Unmarshal([]byte(forms[".slack.json"]), &post); err != nil {
		t.Fatal(err)
	}
	for _, b := range post.Blocks {
		if b.Text != nil && (len(b.Text.Text) > slackText || strings.Contains(b.Text.Text, "<!") || strings.Contains(b.Text.Text, "<script")) {
			t.Errorf("block of %d bytes: %.300q", len(b.Text.Text), b.Text.Text)
		}
	}
}
