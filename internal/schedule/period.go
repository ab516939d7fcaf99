package schedule

import "time"

// Period returns the longest pause between two neighbouring slots, of those
// pauses that touch the eight days before or after the moment at. So it is 3 days
// for a schedule of Monday to Friday, about a month for a monthly one, and never
// less than the pause in which at lies. Who expects a success in each period has
// to add the spread and the time that a run takes.
func (s *Schedule) Period(at time.Time) time.Duration {
	if s.every > 0 {
		return s.every
	}
	around := 8 * 24 * time.Hour
	if s.everyHour && s.everyDay {
		around = 3 * time.Hour // all hours are alike, and there may be many slots
	}
	slot := s.newest(at.Add(-around), time.Time{})
	var longest time.Duration
	for !slot.IsZero() && !slot.After(at.Add(around)) {
		// What lies between two slots that are no further apart than the longest
		// pause so far holds no longer one.
		if jump := s.Latest(slot.Add(longest), slot); !jump.IsZero() {
			slot = jump
			continue
		}
		next := s.Next(slot)
		if next.IsZero() {
			break
		}
		longest = next.Sub(slot)
		slot = next
	}
	return longest
}
