package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"
)

// The limits of the interval of "@every". A slot is a minute, and an interval
// beyond a year is a slip of the pen.
const (
	minEvery = time.Minute
	maxEvery = 366 * 24 * time.Hour
)

// searchYears is how far slots are searched for: the 29th of February falls on
// a given day of the week every 28 years, or 40 around a year such as 2100.
const searchYears = 45

// unset marks a day field of cron.SpecSchedule that does not choose days.
const unset = uint64(1) << 63

// Schedule says at which moments a job is to run. Make one with Parse. It does
// not change and may be used by many goroutines.
type Schedule struct {
	expr      string
	zone      *time.Location
	every     time.Duration      // of "@every", else 0
	spec      *cron.SpecSchedule // over the wall clock, taken for UTC; nil for "@every"
	everyHour bool               // all 24 hours are in the hour field
	everyDay  bool               // all days match
}

// shorthands are the names of common expressions.
var shorthands = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// fields are the fields of an expression, and what each may hold.
var fields = [5]struct{ name, allowed string }{
	{"minute", "0-59"},
	{"hour", "0-23"},
	{"day of month", "1-31"},
	{"month", "1-12 or JAN-DEC"},
	{"day of week", "0-7 (0 and 7 are Sunday) or SUN-SAT"},
}

// item is what stands between two commas of a field. The parser that it goes to
// reads more into a field than crontab(5) has, and takes "*-5" for "*".
var item = regexp.MustCompile(`^(?:[*?]|[0-9]{1,4}|[A-Za-z]{3}|(?:[0-9]{1,4}|[A-Za-z]{3})-(?:[0-9]{1,4}|[A-Za-z]{3}))(?:/[0-9]{1,4})?$`)

var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom).
	WithMaxSearchYears(searchYears)

// Parse reads the cron expression expr, whose fields are meant in zone; nil is
// UTC. An error names the field that is wrong and what it may hold. An
// expression that never comes true (the 30th of February) is an error as well.
func Parse(expr string, zone *time.Location) (*Schedule, error) {
	if zone == nil {
		zone = time.UTC
	}
	words := strings.Fields(expr)
	s := &Schedule{expr: strings.Join(words, " "), zone: zone}
	if len(words) == 0 {
		return nil, errors.New(`schedule is empty: want 5 fields such as "30 2 * * *", or a name such as @daily`)
	}
	if strings.HasPrefix(words[0], "@") {
		name := strings.ToLower(words[0])
		if name == "@every" {
			return s.parseEvery(words[1:])
		}
		long, ok := shorthands[name]
		if !ok || len(words) > 1 {
			return nil, fmt.Errorf("schedule %q: want @hourly, @daily, @weekly, @monthly, @yearly, or @every with an interval", s.expr)
		}
		words = strings.Fields(long)
	}
	if strings.Contains(words[0], "TZ=") {
		return nil, fmt.Errorf("schedule %q: the time zone is not part of the expression; it is given on its own", s.expr)
	}
	if len(words) != len(fields) {
		return nil, fmt.Errorf("schedule %q: want 5 fields (minute, hour, day of month, month, day of week), found %d", s.expr, len(words))
	}
	return s.parseFields(words)
}

// parseFields sets what the five fields say.
func (s *Schedule) parseFields(words []string) (*Schedule, error) {
	for i, word := range words {
		if err := checkField(i, word); err != nil {
			return nil, fmt.Errorf("schedule %q: %s %q: %w; allowed are %s, lists (a,b), ranges (a-b), steps (*/n) and *",
				s.expr, fields[i].name, word, err, fields[i].allowed)
		}
	}
	spec, err := parseSpec(words)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", s.expr, err)
	}
	spec.Location = time.UTC
	spec.Dom = markUnset(spec.Dom, words[2])
	spec.Dow = markUnset(spec.Dow, words[4])
	s.spec = spec
	const hours, days, months, week = 1<<24 - 1, 1<<32 - 2, 1<<13 - 2, 1<<7 - 1
	s.everyHour = spec.Hour&hours == hours
	s.everyDay = spec.Dom&days == days && spec.Month&months == months && spec.Dow&week == week
	if spec.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("schedule %q: no year has such a day: day of month %q never comes in month %q", s.expr, words[2], words[3])
	}
	return s, nil
}

// parseSpec reads five fields.
func parseSpec(words []string) (*cron.SpecSchedule, error) {
	parsed, err := parser.Parse(strings.Join(words, " "))
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("unknown kind of schedule %T", parsed)
	}
	return spec, nil
}

// checkField finds out whether word can stand in field i, by parsing it alone.
func checkField(i int, word string) error {
	for part := range strings.SplitSeq(word, ",") {
		switch {
		case part == "":
			return errors.New("nothing stands between two commas")
		case !item.MatchString(part):
			return fmt.Errorf("%q is not a number, name, range or step", part)
		case strings.Contains(part, "?") && fields[i].name != "day of month" && fields[i].name != "day of week":
			return errors.New("? is for days only")
		}
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = part
		if _, err := parseSpec(alone); err != nil {
			return err
		}
		if fields[i].name == "day of week" && strings.Contains(part, "/") && wraps(part) {
			// The parser would count Sunday twice, as 7 and as 0.
			return errors.New("a range past the end of the week cannot have a step; list the days")
		}
	}
	return nil
}

// wraps reports whether the range of part, a day of the week, ends before it
// begins.
func wraps(part string) bool {
	first, last, ok := strings.Cut(strings.SplitN(part, "/", 2)[0], "-")
	return ok && weekday(first) > weekday(last)
}

// weekday is the number of a day of the week that the parser accepts.
func weekday(text string) int {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(text, d.String()[:3]) {
			return int(d)
		}
	}
	n := 0
	for _, digit := range text {
		n = 10*n + int(digit-'0')
	}
	return n
}

// markUnset sets the mark of a day field that does not choose days, as
// crontab(5) tells it: by its first character.
func markUnset(bits uint64, word string) uint64 {
	if strings.HasPrefix(word, "*") || strings.HasPrefix(word, "?") {
		return bits | unset
	}
	return bits &^ unset
}

// parseEvery reads the interval of "@every".
func (s *Schedule) parseEvery(words []string) (*Schedule, error) {
	want := fmt.Sprintf("want an interval of whole minutes from 1m to %s, such as @every 90m", plain(maxEvery))
	if len(words) != 1 {
		return nil, fmt.Errorf("schedule %q: %s", s.expr, want)
	}
	every, err := time.ParseDuration(words[0])
	if err != nil || every < minEvery || every > maxEvery || every%time.Minute != 0 {
		return nil, fmt.Errorf("schedule %q: interval %q: %s", s.expr, words[0], want)
	}
	s.every = every
	return s, nil
}

// plain is a duration of whole hours without zero minutes and seconds.
func plain(d time.Duration) string {
	return strings.TrimSuffix(d.String(), "0m0s")
}

// String returns the expression as it was given, with single spaces, and its
// time zone: "30 2 * * * Europe/Berlin". "@every 90m" has no time zone.
func (s *Schedule) String() string {
	if s.every > 0 {
		return s.expr
	}
	return s.expr + " " + s.zone.String()
}

// Expr returns the expression as it was given, with single spaces.
func (s *Schedule) Expr() string { return s.expr }

// Zone returns the time zone in which the expression is meant, never nil.
func (s *Schedule) Zone() *time.Location { return s.zone }
