package retention

import (
	"fmt"
	"strings"
	"time"
)

// decision is a Decision that is being made.
type decision struct {
	Decision
	keeps, misses []string
	// Of the periods only the one that it missed most narrowly is told: period
	// says so, and by how many others; 0 if another backup stands for it.
	period string
	by     int
}

func (d *decision) keep(r Rule, why string) {
	d.Rules = append(d.Rules, r)
	d.keeps = append(d.keeps, why)
	d.Keep, d.Reason = true, strings.Join(d.keeps, "; ")
}

func (d *decision) miss(why string) { d.misses = append(d.misses, why) }

// missPeriod is called for the shortest periods first.
func (d *decision) missPeriod(by int, why string) {
	if d.period == "" || by < d.by || by == d.by && by > 0 {
		d.period, d.by = why, by
	}
}

// settled returns the decision once all rules were asked.
func (d *decision) settled() Decision {
	if !d.Keep {
		if d.period != "" {
			d.misses = append(d.misses, d.period)
		}
		d.Reason = strings.Join(d.misses, "; ")
	}
	return d.Decision
}

func pinned(note string) string {
	if note == "" {
		return "pinned"
	}
	return "pinned: " + note
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
