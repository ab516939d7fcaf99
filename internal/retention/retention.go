// Package retention decides which backups stay and which may go. It is pure: it
// reads no clock and touches no file.
//
// Plan looks at each group (one database) on its own. A backup is good when it
// is verified, not damaged, and of a time that is known and not in the future.
// A backup is dropped only if all of this is so:
//
//   - it is older than Policy.KeepWithin, measured against now;
//   - it is not among the newest Policy.KeepLast good backups;
//   - a good backup that is no older exists, so that what goes is never the
//     last word on its database: while verification fails, nothing newer than
//     the last good backup goes, and without any good backup nothing goes at all;
//   - it is not pinned, and its time is known and not in the future.
//
// So failures never count: an unverified or damaged backup neither fills the
// minimum nor lets a verified one go. A backup from the future is kept and
// reported, because either its clock or ours is wrong, and it does not stand in
// for the newest good backup. A pinned backup that is good counts like any other.
//
// What is planned holds for the plan as a whole: planning again on what stays
// drops nothing, a longer KeepWithin never keeps less, and the order of the input
// does not matter.
package retention

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// DefaultKeepWithin is how long backups are kept when a policy does not say.
const DefaultKeepWithin = 7 * 24 * time.Hour

// Policy says how long backups are kept. The zero Policy keeps seven days and at
// least one good backup.
type Policy struct {
	// KeepWithin is the age up to which every backup stays, that age included.
	// Zero is DefaultKeepWithin.
	KeepWithin time.Duration
	// KeepLast is how many good backups of each group stay, however old. Zero
	// is 1, the least there is.
	KeepLast int
}

// Validate returns an error that names every field that makes no sense. Plan
// takes such a field for its default.
func (p Policy) Validate() error {
	var errs []error
	if p.KeepWithin < 0 {
		errs = append(errs, fmt.Errorf("keep within %v: must not be negative", p.KeepWithin))
	}
	if p.KeepLast < 0 {
		errs = append(errs, fmt.Errorf("keep last %d: must not be negative", p.KeepLast))
	}
	return errors.Join(errs...)
}

func (p Policy) withDefaults() Policy {
	if p.KeepWithin <= 0 {
		p.KeepWithin = DefaultKeepWithin
	}
	return p
}

// Backup is what retention needs to know of one.
type Backup struct {
	ID       string    // tells backups of a group apart
	Group    string    // the database; groups do not affect each other
	Time     time.Time // of the snapshot; zero when it is not known
	Verified bool      // it was read back and found right
	Damaged  bool      // a later check found it wrong
	Pinned   bool      // somebody wants it kept
}

// Decision is what Plan says of one backup.
type Decision struct {
	Backup Backup
	Keep   bool
	Reason string // for people
	Future bool   // its time is later than now; worth a warning
}

// Plan decides about every backup. The decisions are sorted by group, newest
// first within each. Backups are told apart by their fields alone.
func Plan(p Policy, backups []Backup, now time.Time) []Decision {
	p = p.withDefaults()
	sorted := slices.Clone(backups)
	slices.SortFunc(sorted, compare)
	plan := make([]Decision, 0, len(sorted))
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].Group == sorted[0].Group {
			n++
		}
		plan = p.planGroup(plan, sorted[:n], now)
		sorted = sorted[n:]
	}
	return plan
}

// compare is a total order, so that a plan depends on nothing else: the group,
// the newest first, and for equal times good before bad.
func compare(a, b Backup) int {
	return cmp.Or(
		cmp.Compare(a.Group, b.Group),
		b.Time.Compare(a.Time),
		compareBool(b.Verified && !b.Damaged, a.Verified && !a.Damaged),
		cmp.Compare(b.ID, a.ID),
		compareBool(b.Verified, a.Verified),
		compareBool(b.Damaged, a.Damaged),
		compareBool(b.Pinned, a.Pinned),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// good tells whether b counts as a backup that can be relied on.
func (b *Backup) good(now time.Time) bool {
	return b.Verified && !b.Damaged && !b.Time.IsZero() && !b.Time.After(now)
}

// planGroup appends the decisions about one group, which is sorted.
func (p Policy) planGroup(plan []Decision, group []Backup, now time.Time) []Decision {
	var newest time.Time // of the good backups
	anyGood := false
	for i := range group {
		if group[i].good(now) {
			newest, anyGood = group[i].Time, true
			break
		}
	}
	rank := 0 // good backups so far
	for _, b := range group {
		if b.good(now) {
			rank++
		}
		d := Decision{Backup: b, Keep: true, Future: b.Time.After(now)}
		age := now.Sub(b.Time)
		switch {
		case d.Future:
			d.Reason = "clock in the future: kept"
		case b.Time.IsZero():
			d.Reason = "time not known: kept"
		case b.Pinned:
			d.Reason = "pinned"
		case b.good(now) && rank == 1: // whatever KeepLast says
			d.Reason = "newest verified backup"
		case b.good(now) && rank <= p.KeepLast:
			d.Reason = fmt.Sprintf("one of the newest %d verified backups", p.KeepLast)
		case age <= p.KeepWithin:
			d.Reason = "newer than " + words(p.KeepWithin)
		case !anyGood:
			d.Reason = "kept: no backup is verified"
		case newest.Before(b.Time):
			d.Reason = "kept: no verified backup is newer"
		default:
			d.Keep, d.Reason = false, p.tooOld(b, age)
		}
		plan = append(plan, d)
	}
	return plan
}

func (p Policy) tooOld(b Backup, age time.Duration) string {
	limit, is := words(p.KeepWithin), words(age)
	reason := "older than " + limit
	if is != limit {
		reason += " (" + is + ")"
	}
	switch {
	case b.Damaged:
		reason += ", damaged"
	case !b.Verified:
		reason += ", never verified"
	}
	return reason
}

// words writes a duration in its largest unit and, unless that is nothing, the
// next one: 9 days, 7 days 3 hours.
func words(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{
		{24 * time.Hour, "day"},
		{time.Hour, "hour"},
		{time.Minute, "minute"},
		{time.Second, "second"},
	}
	for i, u := range units {
		if d < u.size {
			continue
		}
		text := count(int64(d/u.size), u.name)
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				text += " " + count(int64(rest), units[i+1].name)
			}
		}
		return text
	}
	return d.String()
}

func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
