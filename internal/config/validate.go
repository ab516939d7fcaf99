package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/retention"
)

// validate checks the values of a file that was read, and makes paths absolute. What
// could not be read is left alone.
func (d *decoder) validate(c *Config) {
	d.required("state", c.State, "a folder")
	d.path("state", &c.State)
	d.databases(c)
	c.split()
	d.notifications(c)
	d.server(&c.Server)
	d.runs(&c.Runs)
}

// required refuses an empty text.
func (d *decoder) required(path, text, what string) {
	if text == "" && !d.bad[path] {
		d.wrong(path, "", "is empty; want %s", what)
	}
}

// between holds a duration to its bounds, both included.
func (d *decoder) between(path string, x, least, most time.Duration) {
	switch {
	case d.bad[path]:
	case x < least:
		d.wrong(path, "", "%s is too short; the least is %s", retention.FormatDuration(x), retention.FormatDuration(least))
	case x > most:
		d.wrong(path, "", "%s is too long; the most is %s", retention.FormatDuration(x), retention.FormatDuration(most))
	}
}

// databases checks what the databases have in common, and each of them.
func (d *decoder) databases(c *Config) {
	if len(c.Databases) == 0 && !d.bad["databases"] {
		d.wrong("databases", "add one with its name and path", "there is no database")
	}
	names, paths := map[string]string{}, map[string]string{}
	for i := range c.Databases {
		if d.full() {
			return
		}
		db := &c.Databases[i]
		at := "databases." + strconv.Itoa(i)
		if d.bad[at] {
			continue
		}
		d.database(at, db)
		if db.Match != "" || d.has(join(at, "match")) {
			if first, ok := paths[db.Match]; ok && !d.bad[join(at, "match")] {
				d.wrong(join(at, "match"), "it stands on line "+d.line(first)+" already", "a second entry with this pattern")
			}
			paths[db.Match] = join(at, "match")
			continue
		}
		name := strings.ToLower(db.Name) // some file systems do not tell the case
		if first, ok := names[name]; ok && !d.bad[join(at, "name")] {
			d.wrong(join(at, "name"), "the first is on line "+d.line(first), "a second database %q", db.Name)
		} else if db.Name != "" {
			names[name] = join(at, "name")
		}
		if first, ok := paths[db.Path]; ok && !d.bad[join(at, "path")] {
			d.wrong(join(at, "path"), "it stands on line "+d.line(first)+" already", "a second database with this path")
		} else if db.Path != "" {
			paths[db.Path] = join(at, "path")
		}
	}
}

func (d *decoder) line(path string) string { return strconv.Itoa(d.place(path).line) }

// coreProblem asks the root package what is wrong with one field of its Config; ""
// if nothing is. field is its name there.
func coreProblem(field string, c litekeep.Config) string {
	err := c.Validate()
	var lib *litekeep.Error
	if err == nil {
		return ""
	}
	text := err.Error()
	if errors.As(err, &lib) {
		text = lib.Err.Error()
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, field+": "); ok {
			rest = strings.TrimSuffix(rest, "\n")
			if _, after, ok := strings.Cut(rest, "1: "); ok && strings.HasPrefix(rest, "1: ") {
				rest = after // the first of a list of one
			}
			return rest
		}
	}
	return ""
}

func (d *decoder) database(at string, db *Database) {
	if d.has(join(at, "match")) {
		d.pattern(at, db)
	} else {
		d.single(at, db)
	}
	d.settings(at, &db.Settings)
	d.schedule(at, &db.Settings)
	switch destinations := d.from(at, "destinations"); {
	case d.bad[destinations]:
	case len(db.Destinations) == 0:
		d.wrong(join(at, "destinations"), "give one here, or under defaults for all", "there is no destination")
	case db.MinCopies > len(db.Destinations):
		d.wrong(d.from(at, "min_copies"), "", "%d copies cannot be in %s", db.MinCopies, places(len(db.Destinations)))
	}
	if db.Sealed && len(db.Keys) == 0 && !d.bad[d.from(at, "keys")] {
		d.wrong(d.from(at, "sealed"), "give one under keys; `litekeep key new FILE` makes one", "backups are to be sealed, but there is no key")
	}
	if wrong := coreProblem("Compression", litekeep.Config{Compression: db.Compression, CompressionLevel: db.CompressionLevel}); wrong != "" {
		d.wrong(d.from(at, "compression_level"), "", "%s", wrong)
	}
}

// single checks the name and the path of an entry that is one database.
func (d *decoder) single(at string, db *Database) {
	if path := join(at, "name"); !d.bad[path] {
		d.required(path, db.Name, "a name")
		if wrong := nameProblem(db.Name); wrong != "" {
			d.wrong(path, "", "%s", wrong)
		}
	}
	d.required(join(at, "path"), db.Path, "the path of a SQLite file")
	d.path(join(at, "path"), &db.Path)
	if path := join(at, "except"); d.has(path) {
		d.wrong(path, "", "is for entries with match only")
	}
}

func places(n int) string {
	if n == 1 {
		return "1 destination"
	}
	return strconv.Itoa(n) + " destinations"
}

// from is the path of a setting of a database: its own, or that of the defaults where
// only they have it.
func (d *decoder) from(at, name string) string {
	own, shared := join(at, name), join("defaults", name)
	if !d.has(own) && d.has(shared) {
		return shared
	}
	return own
}

// settings checks the settings that stand at a path, each for itself. Those that a
// database has from the defaults were checked there.
func (d *decoder) settings(at string, s *Settings) {
	own := func(name string) (string, bool) {
		path := join(at, name)
		return path, d.has(path) && !d.bad[path]
	}
	if path, ok := own("schedule"); ok && s.Schedule != Off {
		if _, err := parseSchedule(s.Schedule, "UTC"); err != nil {
			d.wrong(path, scheduleHint(s.Schedule), "%s", strings.TrimPrefix(err.Error(), "schedule "))
		}
	}
	if path, ok := own("time_zone"); ok {
		if err := checkZone(s.TimeZone); err != nil {
			d.wrong(path, zoneHint(s.TimeZone), "%v", err)
		}
	}
	if path, ok := own("destinations"); ok {
		d.destinations(path, s.Destinations)
	}
	if path, ok := own("keys"); ok {
		d.keys(path, s.Keys)
	}
	if path, ok := own("time_limit"); ok {
		d.between(path, s.TimeLimit, time.Second, 30*day)
	}
	if path, ok := own("promise"); ok {
		d.between(path, s.Promise, time.Minute, maxDuration)
	}
	if path, ok := own("busy_timeout"); ok {
		d.between(path, s.BusyTimeout, 0, time.Hour)
	}
	if path, ok := own("temp"); ok {
		d.path(path, &s.Temp)
	}
}

func (d *decoder) destinations(path string, texts []string) {
	seen := map[string]int{}
	for i, text := range texts {
		at := join(path, strconv.Itoa(i))
		c := litekeep.Config{Copies: []string{text}}
		if i == 0 {
			c = litekeep.Config{BackupDirectory: text}
		}
		switch wrong := coreProblem("Copies", c); {
		case d.bad[at]:
			d.bad[path] = true
			continue
		case text == "":
			d.wrong(at, "", "is empty; want a folder or a URL")
		case i == 0 && !destination.IsURL(text) && coreProblem("BackupDirectory", c) != "":
			d.wrong(at, "", "%s", coreProblem("BackupDirectory", c))
		case i == 0 && coreProblem("BackupDirectory", c) != "":
			d.wrong(at, "put a folder before it; the URL then gets copies", "the first destination must be a folder, by its path: backups are written there first")
		case wrong != "":
			d.wrong(at, "", "%s", wrong)
		case folderOf(text) == text:
			d.path(at, &texts[i])
		}
		if first, ok := seen[texts[i]]; ok && !d.bad[at] {
			d.wrong(at, "", "is the same as destination %d", first+1)
		}
		seen[texts[i]] = i
		d.bad[path] = d.bad[path] || d.bad[at]
	}
}

func (d *decoder) keys(path string, refs []string) {
	seen := map[string]bool{}
	for i, ref := range refs {
		at := join(path, strconv.Itoa(i))
		switch wrong := coreProblem("Keys", litekeep.Config{Keys: []string{ref}}); {
		case d.bad[at]:
		case wrong != "":
			d.wrongHidden(at, wrong)
		case ref == "prompt":
			d.wrong(at, "use passphrase-file:PATH or passphrase-env:NAME", "a service has nobody to ask")
		case seen[d.reference(ref)]:
			d.wrong(at, "", "the same key twice")
		}
		refs[i] = d.reference(ref)
		seen[refs[i]] = true
		d.bad[path] = d.bad[path] || d.bad[at]
	}
}

// wrongHidden is wrong for a value that may be a secret that somebody put where a
// reference belongs: its line is not shown.
func (d *decoder) wrongHidden(path, message string) {
	d.hidden[d.place(path)] = true
	d.wrong(path, "", "%s", message)
}

// maxSpread is the longest spread that nobody wrote.
const maxSpread = 10 * time.Minute

// schedule checks the spread against the schedule, and sets it where nobody wrote it.
func (d *decoder) schedule(at string, s *Settings) {
	for _, name := range []string{"schedule", "time_zone", "spread"} {
		if d.bad[d.from(at, name)] {
			return
		}
	}
	gap, ok := d.gap(s)
	if !ok {
		if s.Spread == derived {
			s.Spread = 0 // without slots there is nothing to spread
		}
		return
	}
	switch {
	case s.Spread == derived:
		s.Spread = min(maxSpread, gap/10).Truncate(time.Second)
	case s.Spread >= gap:
		where := d.from(at, "spread")
		if d.has(join(at, "schedule")) && !d.has(join(at, "spread")) {
			where = join(at, "schedule") // the database has the more special of the two
		}
		d.wrong(where, "give the database a shorter spread",
			"a spread of %s is not less than the %s between two slots of %q", retention.FormatDuration(s.Spread), retention.FormatDuration(gap), s.Schedule)
	}
}

// gap is the shortest time between two slots; ok is false if there are none.
func (d *decoder) gap(s *Settings) (gap time.Duration, ok bool) {
	id := [2]string{s.Schedule, s.TimeZone}
	if gap, ok = d.gaps[id]; ok {
		return gap, true
	}
	plan, err := parseSchedule(s.Schedule, s.TimeZone)
	if err != nil || plan == nil {
		return 0, false
	}
	d.gaps[id] = shortestGap(plan)
	return d.gaps[id], true
}

func (d *decoder) runs(r *Runs) {
	d.between("runs.retry_after", r.RetryAfter, time.Second, day)
	d.between("runs.grace", r.Grace, 0, time.Hour)
	d.between("runs.history", r.History, day, maxDuration)
}
