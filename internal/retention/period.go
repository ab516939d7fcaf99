package retention

import (
	"fmt"
	"slices"
	"time"
)

// kind is one of the rules that divide time into periods.
type kind struct {
	rule  Rule
	unit  string // one period
	count func(*Policy) int
	// key orders periods: two times are of one period when their keys are equal,
	// and a later period has a higher key.
	key    func(local time.Time) int64
	format func(local time.Time) string
}

var kinds = []kind{
	{RuleHourly, "hour", func(p *Policy) int { return p.KeepHourly }, hour, layout("2006-01-02 15:00")},
	{RuleDaily, "day", func(p *Policy) int { return p.KeepDaily }, day, layout("2006-01-02")},
	{RuleWeekly, "week", func(p *Policy) int { return p.KeepWeekly }, week, weekName},
	{RuleMonthly, "month", func(p *Policy) int { return p.KeepMonthly }, month, layout("2006-01")},
	{RuleYearly, "year", func(p *Policy) int { return p.KeepYearly }, year, layout("2006")},
}

// hour is the moment at which the hour of the wall clock began. When clocks are
// set back, the hour that comes twice is two: they differ in their offset.
func hour(local time.Time) int64 {
	_, offset := local.Zone()
	wall := local.Unix() + int64(offset)
	past := wall % 3600
	if past < 0 {
		past += 3600
	}
	return wall - past - int64(offset)
}

func day(local time.Time) int64 {
	y, m, d := local.Date()
	return (int64(y)*100+int64(m))*100 + int64(d)
}

func week(local time.Time) int64 {
	y, w := local.ISOWeek()
	return int64(y)*100 + int64(w)
}

func month(local time.Time) int64 { return int64(local.Year())*100 + int64(local.Month()) }

func year(local time.Time) int64 { return int64(local.Year()) }

func layout(l string) func(time.Time) string {
	return func(local time.Time) string { return local.Format(l) }
}

func weekName(local time.Time) string {
	y, w := local.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", y, w)
}

// periods is one kind, applied to a group.
type periods struct {
	*kind
	n     int           // how many are kept
	rank  map[int64]int // of each period that has a good backup, the newest first, from 1
	stand map[int64]int // the index of the backup that stands for it
	keys  []int64       // by index; only of backups that can stand for a period
	can   []bool
	names []string
}

// periods applies the kinds that the policy asks for to a group, which is sorted.
func (p *Policy) periods(group []Backup, now time.Time) []*periods {
	var all []*periods
	for k := range kinds {
		if n := kinds[k].count(p); n > 0 {
			all = append(all, newPeriods(&kinds[k], n, group, p.Location, now))
		}
	}
	return all
}

func newPeriods(k *kind, n int, group []Backup, where *time.Location, now time.Time) *periods {
	of := &periods{
		kind: k, n: n, rank: map[int64]int{}, stand: map[int64]int{},
		keys: make([]int64, len(group)), can: make([]bool, len(group)), names: make([]string, len(group)),
	}
	var order []int64
	for i := range group { // the newest first, so that the oldest has the last word
		b := &group[i]
		if b.Pinned || !b.Good(now) {
			continue
		}
		local := b.Time.In(where)
		key := k.key(local)
		of.can[i], of.keys[i], of.names[i] = true, key, k.format(local)
		other, taken := of.stand[key]
		if !taken {
			order = append(order, key)
		}
		if !taken || !b.Unpinned || group[other].Unpinned {
			of.stand[key] = i
		}
	}
	// By the calendar, not as they were met: where clocks are set back over
	// midnight, a day can come twice.
	slices.Sort(order)
	slices.Reverse(order)
	for i, key := range order {
		of.rank[key] = i + 1
	}
	return of
}

// judge says whether the rule keeps the i-th backup.
func (of *periods) judge(d *decision, i int) {
	if !of.can[i] {
		return
	}
	key := of.keys[i]
	switch rank := of.rank[key]; {
	case rank > of.n:
		d.missPeriod(rank-of.n, fmt.Sprintf("%s: %s is %s %d, %d stay", of.rule, of.names[i], of.unit, rank, of.n))
	case of.stand[key] != i:
		d.missPeriod(0, fmt.Sprintf("%s: another one stands for %s", of.rule, of.names[i]))
	default:
		d.keep(of.rule, fmt.Sprintf("%s %d of %d (%s)", of.rule, rank, of.n, of.names[i]))
	}
}
