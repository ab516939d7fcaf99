// Package retention decides which backups stay and which may go. It is pure: it
// reads no clock and touches no file.
//
// Plan looks at each group (one database) on its own. A backup is good when it
// is verified, not damaged, and of a time that is known and not in the future.
// A backup is dropped only if no rule keeps it, and all of this is so:
//
//   - a good backup that is no older exists, so that what goes is never the
//     last word on its database: while verification fails, nothing newer than
//     the last good backup goes, and without any good backup nothing goes at all;
//   - it is not pinned, and its time is known and not in the future.
//
// # Rules
//
// KeepWithin keeps every backup up to an age. KeepMinimum and KeepLast keep the
// newest good backups. The others divide time into hours, days, ISO weeks, months
// and years, as a calendar in the Location of the policy does, and keep one good
// backup of each of the newest N that have any. A period without a backup does
// not count, so that a machine which was off loses nothing by it.
//
// What stands for a period is the oldest good backup in it, not the newest. So the
// choice is made once: no later backup of the same period pushes it out, whenever
// and however often the plan is carried out, and KeepYearly 2 means what it says
// from the first year on. The newest state of each day is what KeepWithin is for.
//
// Failures never count: an unverified or damaged backup neither fills the minimum
// nor a period nor lets a verified one go. A backup from the future is kept and
// reported, because either its clock or ours is wrong, and it does not stand in
// for the newest good backup. A pinned backup that is good counts among the newest
// like any other, but stands for no period: it stays anyway, and what was pinned is
// often what somebody wanted to be rid of. When its pin is over, it stands for a
// period only if nothing else does.
//
// # Promises
//
// What is planned holds for the plan as a whole: planning again on what stays
// drops nothing; a longer KeepWithin or a larger number never keeps less; the order
// of the input does not matter. All hold within one Location; in another one, days
// begin at another time, and another backup may be the oldest of a day.
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
	// KeepLast is how many of the newest good backups stay, however old.
	KeepLast int
	// KeepHourly and the others are how many hours, days, ISO weeks, months and
	// years keep one good backup, the newest first. Zero is none.
	KeepHourly, KeepDaily, KeepWeekly, KeepMonthly, KeepYearly int
	// KeepMinimum is like KeepLast for Plan. It is apart because it also binds
	// whoever removes a backup by hand. Zero is 1, the least there is.
	KeepMinimum int
	// Location is where hours, days, weeks, months and years begin. Nil is UTC.
	Location *time.Location
}

// Validate returns an error that names every field that makes no sense. Plan
// takes such a field for its default.
func (p Policy) Validate() error {
	var errs []error
	if p.KeepWithin < 0 {
		errs = append(errs, fmt.Errorf("keep within %v: must not be negative", p.KeepWithin))
	}
	number := func(name string, n int) {
		if n < 0 {
			errs = append(errs, fmt.Errorf("keep %s %d: must not be negative", name, n))
		}
	}
	number("last", p.KeepLast)
	for _, k := range kinds {
		number(string(k.rule), k.count(&p))
	}
	number("minimum", p.KeepMinimum)
	return errors.Join(errs...)
}

func (p Policy) withDefaults() Policy {
	if p.KeepWithin <= 0 {
		p.KeepWithin = DefaultKeepWithin
	}
	p.KeepMinimum = max(p.KeepMinimum, 1)
	if p.Location == nil {
		p.Location = time.UTC
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
	Note     string    // why it is pinned, for the reason
	// Unpinned says that it was pinned once, so that it stands for a period only
	// where nothing else does.
	Unpinned bool
}

// A Rule is one of the reasons to keep a backup.
type Rule string

// The rules.
const (
	RuleFuture      Rule = "future"       // its time lies in the future
	RuleUnknownTime Rule = "unknown-time" // its time is not known
	RulePinned      Rule = "pinned"
	RuleNewest      Rule = "newest"  // it is the newest good one
	RuleMinimum     Rule = "minimum" // Policy.KeepMinimum, and so on
	RuleLast        Rule = "last"
	RuleWithin      Rule = "within"
	RuleHourly      Rule = "hourly"
	RuleDaily       Rule = "daily"
	RuleWeekly      Rule = "weekly"
	RuleMonthly     Rule = "monthly"
	RuleYearly      Rule = "yearly"
	RuleNoneGood    Rule = "none-verified" // there is no good backup at all
	RuleNoneNewer   Rule = "none-newer"    // no good backup is newer
	RuleHeld        Rule = "held"          // nothing may go, see vault.Terms; Plan does not use it
)

// Decision is what Plan says of one backup.
type Decision struct {
	Backup Backup
	Keep   bool
	Rules  []Rule // all that keep it; none when it is dropped
	Reason string // for people: the rules that keep it, or those that it missed most narrowly
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
		compareBool(b.Unpinned, a.Unpinned),
		cmp.Compare(b.Note, a.Note),
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

// Good tells whether b counts as a backup that can be relied on.
func (b *Backup) Good(now time.Time) bool {
	return b.Verified && !b.Damaged && !b.Time.IsZero() && !b.Time.After(now)
}

// planGroup appends the decisions about one group, which is sorted.
func (p *Policy) planGroup(plan []Decision, group []Backup, now time.Time) []Decision {
	var newest time.Time // of the good backups
	if i := slices.IndexFunc(group, func(b Backup) bool { return b.Good(now) }); i >= 0 {
		newest = group[i].Time
	}
	periods := p.periods(group, now)
	rank := 0 // good backups so far
	for i := range group {
		if group[i].Good(now) {
			rank++
		}
		d := decision{Decision: Decision{Backup: group[i]}}
		p.decide(&d, now, newest, rank)
		for _, of := range periods {
			of.judge(&d, i)
		}
		plan = append(plan, d.settled())
	}
	return plan
}

// decide applies all rules but those for periods. newest is the time of the newest
// good backup, zero if there is none; rank is how many good ones there are up to
// this one.
func (p *Policy) decide(d *decision, now, newest time.Time, rank int) {
	b := &d.Backup
	d.Future = b.Time.After(now)
	if b.Pinned {
		d.keep(RulePinned, pinned(b.Note))
	}
	switch {
	case d.Future:
		d.keep(RuleFuture, "clock in the future: kept")
		return
	case b.Time.IsZero():
		d.keep(RuleUnknownTime, "time not known: kept")
		return
	}
	if b.Good(now) {
		p.byRank(d, rank)
	}
	p.byAge(d, now.Sub(b.Time))
	switch {
	case d.Keep:
	case newest.IsZero():
		d.keep(RuleNoneGood, "kept: no backup is verified")
	case newest.Before(b.Time):
		d.keep(RuleNoneNewer, "kept: no verified backup is newer")
	}
}

// byRank applies the rules for the newest good backups; the newest has rank 1.
func (p *Policy) byRank(d *decision, rank int) {
	if rank == 1 {
		d.keep(RuleNewest, "newest verified backup")
	}
	if p.KeepMinimum > 1 && rank <= p.KeepMinimum {
		d.keep(RuleMinimum, fmt.Sprintf("minimum of %d", p.KeepMinimum))
	}
	switch {
	case p.KeepLast <= 1: // the newest stays in any case
	case rank <= p.KeepLast:
		d.keep(RuleLast, fmt.Sprintf("last %d of %d", rank, p.KeepLast))
	default:
		d.miss(fmt.Sprintf("not among the last %d", p.KeepLast))
	}
}

// byAge applies the rule for young backups.
func (p *Policy) byAge(d *decision, age time.Duration) {
	limit, is := words(p.KeepWithin), words(age)
	if age <= p.KeepWithin {
		d.keep(RuleWithin, "within "+limit)
		return
	}
	reason := "older than " + limit
	if is != limit {
		reason += " (" + is + ")"
	}
	switch {
	case d.Backup.Damaged:
		reason += ", damaged"
	case !d.Backup.Verified:
		reason += ", never verified"
	}
	d.misses = append([]string{reason}, d.misses...) // what most people look for
}
