package schedule

import "time"

// period is a stretch of time in which a zone has one offset from UTC.
type period struct {
	start, end time.Time     // it holds start, and not end; zero where there is no bound
	offset     time.Duration // local time less UTC
	before     time.Duration // the offset that ended at start; offset if there is none
}

// periodOf returns the period of zone that holds t. What a zone tells apart
// for other reasons than the offset, such as a new abbreviation, is one period.
func periodOf(t time.Time, zone *time.Location) period {
	p := period{offset: offsetAt(t, zone)}
	p.before = p.offset
	for probe := t; ; {
		if p.start, _ = bounds(probe, zone); p.start.IsZero() {
			break
		}
		probe = p.start.Add(-1)
		if p.before = offsetAt(probe, zone); p.before != p.offset {
			break
		}
	}
	for probe := t; ; probe = p.end {
		if _, p.end = bounds(probe, zone); p.end.IsZero() || offsetAt(p.end, zone) != p.offset {
			break
		}
	}
	return p
}

// bounds is ZoneBounds for t in zone, with an end that is after t. Beyond the
// years that a zone's table lists, Go 1.26 ends each year after 365 days, and
// says of the last day of a leap year that it ended when it began.
func bounds(t time.Time, zone *time.Location) (start, end time.Time) {
	start, end = t.In(zone).ZoneBounds()
	for probe := t; !end.IsZero() && !end.After(t); {
		probe = probe.Add(time.Hour)
		_, end = probe.In(zone).ZoneBounds()
	}
	return start, end
}

// offsetAt is local time less UTC in zone at t.
func offsetAt(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
