package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// punctual is how late a slot may be noticed while last cannot be believed.
const punctual = 10 * time.Minute

// Due decides what a scheduler does now for one database: whether a slot is to
// be run, which one, and when to look again.
//
// Spread is how long after its slot a run begins; less than zero is zero. Last
// is the newest slot that was handled. A caller stores slot as the new last
// before it begins the run, so that a crash cannot repeat it.
//
//   - Due is true if a slot newer than last has come, at now less spread. The
//     slot is the newest such: what else was missed is covered by it.
//   - A zero last is a database that never had a slot. Nothing is due, so that
//     a new database begins with its next slot; slot is what the caller has to
//     store as last: the newest slot that has passed, or now where there was none.
//   - A slot that is not newer than last is never due, also when the clock was set
//     back. A last that lies in the future by more than Period(now) was written
//     by a clock that was wrong, or is read by one. It cannot be told which, so
//     it blocks nothing and triggers nothing: a slot is due then if its time
//     came within the last 10 minutes, and a missed one is not made up for. A
//     last that lies less far in the future is believed, and blocks for a
//     period at most.
//
// Next is when the next slot begins to be due, after this one was handled; the
// zero time if never. It is after now. A clock can be set while one waits, and a
// machine can sleep, so that a scheduler looks again after a minute at most.
func Due(s *Schedule, spread time.Duration, last, now time.Time) (slot time.Time, due bool, next time.Time) {
	spread = max(spread, 0)
	at := now.Add(-spread) // slots up to here have come
	if last.IsZero() {
		if slot = s.newest(at, time.Time{}); slot.IsZero() {
			slot = now
		}
		return slot.In(s.zone), false, delayed(s.Next(at), spread)
	}
	since := last
	if last.After(now) && last.Sub(now) > s.Period(now) {
		since = at.Add(-punctual)
	}
	if slot = s.Latest(at, since); !slot.IsZero() {
		return slot, true, delayed(s.Next(at), spread)
	}
	return time.Time{}, false, delayed(s.Next(later(since, at)), spread)
}

// delayed is slot and spread, or the zero time without a slot.
func delayed(slot time.Time, spread time.Duration) time.Time {
	if slot.IsZero() {
		return slot
	}
	return slot.Add(spread)
}

// Spread returns a time from 0 up to, and not including, limit that depends on
// name alone: the same after each start and on each machine. Over many names
// it is uniform. From 1 s on it is of whole seconds, since people read it. It is
// 0 if limit is not positive.
func Spread(name string, limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(name))
	// The upper half of the product scales the hash to the limit.
	high, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(limit))
	d := time.Duration(high)
	if limit >= time.Second {
		d = d.Truncate(time.Second)
	}
	return d
}
