package config

import (
	"strings"
	"testing"
	"time"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// oneDatabase has the settings in text.
func oneDatabase(t *testing.T, settings string) *Database {
	t.Helper()
	text := "defaults: {destinations: [/b]}\ndatabases:\n  - {name: app, path: /srv/app.db, " + settings + "}\n"
	return &mustParse(t, text).Databases[0]
}

func TestSpread(t *testing.T) {
	for settings, want := range map[string]time.Duration{
		`schedule: "0 2 * * *"`:             10 * time.Minute,
		`schedule: "@hourly"`:               6 * time.Minute,
		`schedule: "*/5 * * * *"`:           30 * time.Second,
		`schedule: "0,3 2 * * *"`:           18 * time.Second, // three minutes apart, once a day
		`schedule: "* * * * *"`:             6 * time.Second,
		`schedule: "@weekly", spread: 6d`:   6 * day,
		`schedule: off`:                     0,
		`schedule: off, spread: 1h`:         time.Hour,
		`schedule: "@hourly", spread: 0`:    0,
		`schedule: "0 2 * * *", spread: 1h`: time.Hour,
	} {
		db := oneDatabase(t, settings)
		if db.Spread != want {
			t.Errorf("%s: %s, not %s", settings, db.Spread, want)
		}
		if d := db.Delay(); d < 0 || d >= max(want, 1) || d != oneDatabase(t, settings).Delay() {
			t.Errorf("%s: delay %s", settings, d)
		}
	}
}

// TestSpreadOfDefaults: a spread for all that is too long for one is that one's problem.
func TestSpreadOfDefaults(t *testing.T) {
	const text = `
defaults: {destinations: [/b], spread: 30m}
databases:
  - {name: a, path: /a}
  - {name: b, path: /b, schedule: "*/10 * * * *"}
`
	_, err := parseTest(text)
	if err == nil || !strings.Contains(err.Error(), "litekeep.yaml:5:35: schedule: a spread of 30m is not less than the 10m") {
		t.Errorf("%v", err)
	}
}

func TestOverdueAt(t *testing.T) {
	for _, c := range []struct{ settings, last, want string }{
		{`schedule: "0 2 * * *", time_zone: UTC, spread: 0, time_limit: 1h`, "2026-03-04T02:05:00Z", "2026-03-05T03:00:00Z"},
		{`schedule: "0 2 * * 1-5", time_zone: UTC, spread: 0, time_limit: 1h`, "2026-03-06T02:05:00Z", "2026-03-09T03:00:00Z"}, // over a weekend
		{`schedule: "0 2 * * *", time_zone: Europe/Berlin, spread: 0, time_limit: 2h`, "2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z"},
		{`schedule: "@hourly", promise: 26h`, "2026-03-04T02:05:00Z", "2026-03-05T04:05:00Z"},
		{`schedule: off, promise: 1d`, "2026-03-04T02:05:00Z", "2026-03-05T02:05:00Z"},
		{`schedule: off`, "2026-03-04T02:05:00Z", ""},
	} {
		got := oneDatabase(t, c.settings).OverdueAt(at(c.last))
		if c.want == "" && !got.IsZero() || c.want != "" && !got.Equal(at(c.want)) {
			t.Errorf("%s: %s, not %s", c.settings, got.UTC(), c.want)
		}
	}
}

// TestZones reads every zone that a hint may name.
func TestZones(t *testing.T) {
	if len(zones()) < 400 {
		t.Fatalf("%d zones", len(zones()))
	}
	for _, name := range zones() {
		if _, err := time.LoadLocation(name); err != nil {
			t.Error(err)
		}
	}
}
