// Package doctor looks whether a machine has what the service needs, and says what
// to do where it has not: `litekeep doctor`.
//
// # Model
//
// A Check is one thing that was looked at: in an area (databases, keys, clock …), about
// a subject (one database, one folder), with what was found, what that means for
// somebody's backups, and a command that mends it. Run makes all of them; it stops at
// nothing, since who asks wants to know of everything at once.
//
// Fail is for what loses backups or keeps the service from its work; Warn for what works
// today and will not on a bad day; Skip for what was not tried, and how to have it tried.
//
// # What it touches
//
// Nothing is changed, but for small files that are made and removed again in the folders
// and destinations, because a right to write is only certain once something was written.
// The state is opened read-only, by SQLite. With Options.Send each channel gets a message.
//
// The header of a live database is read through a file descriptor of our own, which
// elsewhere in litekeep is forbidden: closing it drops all locks of this process on the
// file. Here that is safe, since nothing in this process has the database open. So Run is
// for a process of its own, and never for the service.
//
// # Caveats
//
// The rights are those of who runs it: run it as the user of the service. What the sandbox
// of a systemd unit takes away on top cannot be seen from outside of it. The file of a
// database tells which version of SQLite wrote to it last, not which ones are in use.
package doctor
