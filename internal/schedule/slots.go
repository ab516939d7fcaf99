package schedule

import "time"

// Next returns the first slot after the moment after, which is not a slot
// itself then. It is in the schedule's zone. A slot exists for all times that
// people care for; the zero time says that none was found within 45 years.
func (s *Schedule) Next(after time.Time) time.Time {
	if s.every > 0 {
		return s.multiple(after).Add(s.every).In(s.zone)
	}
	p := periodOf(after, s.zone)
	// Past is the wall clock up to which nothing is wanted any more.
	past := later(wall(after, p.offset), s.repeated(p).Add(-time.Second))
	for {
		next := s.spec.Next(past)
		if next.IsZero() {
			return time.Time{}
		}
		if p.end.IsZero() || next.Before(wall(p.end, p.offset)) {
			return moment(next, p.offset).In(s.zone)
		}
		end := p.end
		p = periodOf(end, s.zone)
		if s.atGapEnd(p) && next.Before(wall(end, p.offset)) {
			return end.In(s.zone)
		}
		past = later(wall(end, p.offset), s.repeated(p)).Add(-time.Second)
	}
}

// Latest returns the newest slot that is after the moment after and not after
// notAfter, in the schedule's zone, or the zero time if there is none. The work
// does not grow with the number of slots in between.
func (s *Schedule) Latest(notAfter, after time.Time) time.Time {
	slot := s.newest(notAfter, after)
	if !slot.After(after) {
		return time.Time{}
	}
	return slot.In(s.zone)
}

// newest returns the newest slot that is not after notAfter. It gives up, with
// any time that is not after the moment after, when it finds none until there.
func (s *Schedule) newest(notAfter, after time.Time) time.Time {
	if s.every > 0 {
		return s.multiple(notAfter)
	}
	p := periodOf(notAfter, s.zone)
	// Before is the wall clock from which on nothing is wanted. It is of whole
	// seconds, because SpecSchedule.Prev loses up to two of them otherwise.
	before := ceil(wall(notAfter, p.offset).Add(1))
	for {
		prev := s.spec.Prev(before)
		if prev.IsZero() {
			return time.Time{}
		}
		first := s.repeated(p)
		if p.start.IsZero() || !prev.Before(later(wall(p.start, p.offset), first)) {
			return moment(prev, p.offset)
		}
		if s.atGapEnd(p) {
			from, to := wall(p.start, p.before), ceil(wall(p.start, p.offset))
			if gap := s.spec.Prev(to); !gap.IsZero() && !gap.Before(from) {
				return p.start
			}
		}
		if !p.start.After(after) {
			return time.Time{}
		}
		before = ceil(wall(p.start, p.before))
		p = periodOf(p.start.Add(-1), s.zone)
	}
}

// multiple is the newest slot of "@every" that is not after t.
func (s *Schedule) multiple(t time.Time) time.Time {
	seconds, step := t.Unix(), int64(s.every/time.Second)
	rest := seconds % step
	if rest < 0 {
		rest += step
	}
	return time.Unix(seconds-rest, 0)
}

// atGapEnd reports whether minutes that are missing before the period p are made
// up for at its start. The package documentation says why.
func (s *Schedule) atGapEnd(p period) bool {
	gap := p.offset - p.before
	return !p.start.IsZero() && gap > 0 && (!s.everyHour || gap%time.Hour != 0)
}

// repeated is the wall clock until which the period p repeats what the one
// before has had, for a schedule to which that matters; else the zero time.
func (s *Schedule) repeated(p period) time.Time {
	if p.start.IsZero() || p.before <= p.offset || s.everyHour {
		return time.Time{}
	}
	return wall(p.start, p.before)
}

// wall is what the wall clock shows at t, as if it were UTC.
func wall(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }

// moment is the moment at which the wall clock shows w.
func moment(w time.Time, offset time.Duration) time.Time { return w.Add(-offset) }

// ceil rounds t up to a whole second.
func ceil(t time.Time) time.Time {
	if down := t.Truncate(time.Second); !down.Equal(t) {
		return down.Add(time.Second)
	}
	return t
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
