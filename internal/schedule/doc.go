// Package schedule says when a job is to run. It is pure: it reads no clock and
// does no I/O.
//
// # Words
//
// A slot is a moment at which a schedule asks for a run: a minute of the wall
// clock in the schedule's time zone, as a moment of real time. The spread is how
// long after its slot a run begins, so that many databases do not begin
// together; it belongs to a database, not to a schedule. Last is the newest slot
// that was handled, which the caller keeps on disk.
//
// # Expressions
//
// A cron expression has the five fields of crontab(5): minute, hour, day of the
// month, month, day of the week, with lists, ranges, steps and English names. A
// range may pass the end of its field: 22-2 is 22, 23, 0, 1, 2. As in crontab(5),
// a day matches either of the day fields where both are set, and a day field
// that begins with * is not set. @hourly, @daily (@midnight), @weekly, @monthly
// and @yearly (@annually) are short for midnight or the first minute of the
// hour. "@every 90m" has no wall clock: its slots are the multiples of the
// interval since 1970-01-01 00:00 UTC, so that a restart does not move them.
//
// # When clocks change
//
// Two kinds of schedule want different things on the day that a zone changes its
// offset. One that names hours ("at 02:30") means the wall clock, and people
// count its runs by days. One for every hour (its hour field has all 24) means
// an interval, and people count its runs by hours.
//
//   - Clocks go forward, and minutes of the wall clock do not exist. A schedule
//     that names hours runs once, at the first moment after the gap, if any of
//     its minutes fell into it: a day without its backup would be a day lost.
//     One for every hour goes on in real time; the gap takes none of its runs
//     away. Only where the gap is not of whole hours (Lord Howe Island: half an
//     hour) and swallows a minute of it, it too runs at the end of the gap, so
//     that no more than an hour passes.
//   - Clocks go back, and minutes of the wall clock happen twice. A schedule that
//     names hours runs at the first of the two: nothing runs twice a day. One for
//     every hour runs at both, since an hour of real time lies between. (On Lord
//     Howe Island it is half an hour, or the pause is one and a half.)
//
// No two slots are the same moment. The offsets come from the time.Location; a
// zone that is a fixed offset has no changes.
//
// # Missed slots and clocks that jump
//
// See Due. Only the newest of the slots that were missed is run, since a backup
// of now is what each of them would be. A slot that is not newer than last is
// never run again, so that a clock that is set back repeats nothing.
//
// # Caveats
//
// A program that may run where no time zone database is installed must import
// time/tzdata; this package does not, for the sake of programs that know better.
// Changes of offset that are nearer to each other than the offsets differ (none
// since 1970) may drop a slot.
package schedule
