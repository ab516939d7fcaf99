package dashboard_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/service"
)

func fileName(t time.Time) string { return t.UTC().Format("20060102T150405.000Z") + ".json.zst" }

// month fills a database with a backup for each of its last days.
func (f *fake) month(s service.Status, days int, size, rows float64, growth float64) {
	berlin, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		panic(err)
	}
	for i := range days {
		day := now.In(berlin).AddDate(0, 0, -i)
		if s.Name == "crm" && i < 2 || s.Name == "wiki" && i%9 == 4 {
			f.runs = append(f.runs, service.Run{
				ID: fmt.Sprintf("%s-%d", s.Name, 100-i), Database: s.Name, Kind: service.KindBackup, Trigger: "schedule", Attempt: 3, Seconds: 31,
				Started: time.Date(day.Year(), day.Month(), day.Day(), 2, 3, 0, 0, berlin), Ended: day, Outcome: service.OutcomeFailed,
				Error: "open " + s.Path + ": permission denied", Hint: "let the user litekeep read the file and write its folder",
				Log: []service.LogLine{{Time: day, Level: "info", Text: "attempt 3 of 3"}, {Time: day, Level: "error", Text: "open " + s.Path + ": permission denied"}},
			})
			continue
		}
		at := time.Date(day.Year(), day.Month(), day.Day(), 2, 3, 11, 402e6, berlin)
		grown := math.Pow(growth, float64(days-i)) * (1 + 0.02*math.Sin(float64(i)))
		b := &litekeep.Backup{
			Path: "/var/backups/" + s.Name + "/" + fileName(at), Database: s.Name, Source: s.Path, Timestamp: at, SizeBytes: int64(size * grown), RecordCount: int64(rows * grown),
			Checksum: strings.Repeat("9f86d081884c7d65", 4), Digest: strings.Repeat("2c26b46b68ffc68f", 4), TableCount: 8, DocumentBytes: int64(size * grown * 7.3),
			Compression: "zstd", Sealed: s.Encrypted,
		}
		if s.Name == "sessions" && i == 0 {
			b.SizeBytes, b.RecordCount = b.SizeBytes/9, b.RecordCount/11
		}
		v := service.BackupView{File: fileName(at), Backup: b, VerifiedAt: at.Add(9 * time.Second), Duration: 2.1 + grown, Kept: "the newest of its day (daily)"}
		switch {
		case i == 0:
			v.Kept = "the newest verified backup"
		case i < 7:
			v.Kept = "younger than 7 days"
		case i == 12:
			v.Pinned, v.PinNote, v.Kept = true, "Before the upgrade", "pinned: Before the upgrade"
		case i > 21:
			v.Kept, v.Goes = "no rule keeps it", true
		}
		for _, c := range s.Copies {
			v.Places = append(v.Places, service.CopyView{Destination: c.Name, OK: c.OK || i > 3, Missing: !c.OK && i <= 3, Looked: now.Add(-3 * time.Hour), Full: c.Primary})
		}
		f.backups[s.Name] = append(f.backups[s.Name], v)
		f.runs = append(f.runs, service.Run{
			ID: fmt.Sprintf("%s-%d", s.Name, 100-i), Database: s.Name, Kind: service.KindBackup, Trigger: "schedule", Attempt: 1, Verified: true,
			Slot: at.Truncate(time.Minute), Started: at, Ended: at.Add(3 * time.Second), Seconds: 2.1 + grown, Outcome: service.OutcomeOK, Backup: v.File,
			SizeBytes: b.SizeBytes, RecordCount: b.RecordCount, TableCount: 8,
			Log: []service.LogLine{{Time: at, Level: "info", Text: "snapshot of 120 MiB"}, {Time: at, Level: "warn", Text: "s3://backups-eu/prod answers slowly"}, {Time: at, Level: "info", Text: "verified"}},
		})
	}
	views := f.backups[s.Name]
	for i := len(views) - 1; i >= 0; i-- {
		s.Trend = append(s.Trend, service.Point{Time: views[i].Timestamp, SizeBytes: views[i].SizeBytes, RecordCount: views[i].RecordCount, Seconds: views[i].Duration})
		s.SizeBytes += views[i].SizeBytes
	}
	s.Count = len(views)
	if len(views) > 0 {
		s.RestorableTo, s.LastSuccess = views[0].Timestamp, views[0].Timestamp.Add(9*time.Second)
	}
	s.Next = time.Date(2026, 11, 23, 1, 3, 0, 0, time.UTC)
	s.Overdue = now.Add(20 * time.Hour)
	f.list = append(f.list, s)
}

// newFake returns a service with a believable month behind it.
func newFake() *fake {
	f := &fake{backups: map[string][]service.BackupView{}, ended: make(chan struct{})}
	places := func(down bool) []service.Destination {
		d := []service.Destination{
			{Name: "/var/backups", Primary: true, OK: true, Looked: now.Add(-3 * time.Hour), Full: true, Count: 30, SizeBytes: 420 << 20, Newest: now.Add(-6 * time.Hour), FreeBytes: 212 << 30},
			{Name: "s3://backups-eu/prod", OK: true, Looked: now.Add(-3 * time.Hour), Count: 30, SizeBytes: 420 << 20, Newest: now.Add(-6 * time.Hour), FreeBytes: -1},
			{Name: "azblob://offsite", OK: true, Looked: now.Add(-3 * time.Hour), Count: 30, SizeBytes: 420 << 20, Newest: now.Add(-6 * time.Hour), FreeBytes: -1},
		}
		if down {
			d[2].OK, d[2].Problem, d[2].Newest = false, "dial tcp 20.60.1.7:443: connection refused", now.AddDate(0, 0, -4)
		}
		return d
	}
	db := func(name, zone string, c service.Condition, words string) service.Status {
		return service.Status{
			Name: name, Path: "/srv/" + name + "/" + name + ".db", Condition: c, Words: words, Schedule: "@daily", TimeZone: zone, SourceBytes: 121 << 20,
			Retention: "7 days, then 1 a day for 3 weeks, 1 a week for 8 weeks", Copies: places(false),
		}
	}
	s := db("billing", "Europe/Berlin", service.ConditionUnprotected, "it has never been backed up")
	s.Problems = []service.Problem{{Kind: "failed", Since: now.Add(-30 * time.Hour), Summary: "the database is encrypted by SQLCipher, which cannot be read", Holds: "there is no backup of billing", Next: "litekeep backup billing"}}
	f.month(s, 0, 0, 0, 1)
	s = db("crm", "America/New_York", service.ConditionOverdue, "no verified success for 55 hours")
	s.Problems = []service.Problem{{Kind: "overdue", Since: now.Add(-5 * time.Hour), Summary: "crm has not been backed up since Fri 02:03 EST: open /srv/crm/crm.db: permission denied", Holds: "you can restore to 02:03 on Fri 20 Nov", Next: "litekeep backup crm"}}
	f.month(s, 24, 88<<20, 4.1e6, 1.001)
	s = db("shop", "Europe/Berlin", service.ConditionWarning, "a destination is down")
	s.Copies, s.Encrypted, s.TrashCount, s.TrashBytes = places(true), true, 3, 9<<20
	s.Problems = []service.Problem{{Kind: "destination-down", Since: now.AddDate(0, 0, -4), Summary: "azblob://offsite: connection refused", Holds: "2 of 3 places have the newest backup", Next: "litekeep destinations check azblob://offsite"}}
	f.month(s, 30, 14.2*(1<<20), 1.2e6, 1.004)
	s = db("sessions", "UTC", service.ConditionWarning, "it shrank")
	s.PruningPaused = "the newest backup has 91 % fewer rows than the one before"
	s.Problems = []service.Problem{{Kind: "shrunken", Since: now.Add(-5 * time.Hour), Summary: "the newest backup has 91 % fewer rows than the one before", Holds: "the older backups are kept, cleanups pause", Next: "litekeep list --database sessions"}}
	f.month(s, 30, 6<<20, 312000, 1.002)
	s = db("wiki", "Europe/London", service.ConditionOK, "all is well")
	f.month(s, 29, 2.6*(1<<20), 48213, 1.01)
	wiki := f.find("wiki")
	r := service.Run{
		ID: "live-1", Database: "wiki", Kind: service.KindBackup, Trigger: "schedule", Attempt: 1, Started: now.Add(-14 * time.Second), Seconds: 14, Outcome: service.OutcomeRunning,
		Progress: &service.Progress{Phase: "export", Rows: 31200, Bytes: 12 << 20, Total: 21 << 20, Percent: 57.1, Left: 9},
		Log:      []service.LogLine{{Time: now.Add(-14 * time.Second), Level: "info", Text: "snapshot of 21.0 MiB"}},
	}
	f.runs = append([]service.Run{r}, f.runs...)
	wiki.Running = &r
	for _, name := range []string{"auth", "forum", "metrics-eu", "newsletter"} {
		f.month(db(name, "Europe/Berlin", service.ConditionOK, "all is well"), 30, float64(len(name))*(3<<20), float64(len(name))*31000, 1.003)
	}
	slices.SortStableFunc(f.runs, func(a, b service.Run) int { return b.Started.Compare(a.Started) })
	f.tokens = []service.Token{
		{ID: "t1", Name: "ada", Role: "admin", Created: now.AddDate(0, -2, 0), LastUsed: now.Add(-time.Minute), Expires: now.AddDate(0, 1, 0)},
		{ID: "t2", Name: "ci", Role: "operator", Databases: []string{"shop", "wiki"}, Created: now.AddDate(0, -4, 0), Expires: now.AddDate(0, 0, -3)},
		{ID: "t3", Name: "erin", Role: "viewer", Created: now.AddDate(0, -1, 0), Revoked: now.AddDate(0, 0, -2)},
	}
	return f
}
