// Package state keeps what the service remembers over a restart, in one SQLite
// database of its own: runs, slots, tokens, messages that are to be sent,
// troubles that people were told of, and notes.
//
// # What it is worth
//
// Losing the state loses history, never a backup: backups describe themselves.
// So a Store never stands in the way. Where the file cannot be used (a full disk,
// no permission, a damaged or removed file) each method returns an error that is
// ErrUnavailable, and the caller goes on without. A nil *Store is one that could
// not be opened: all of its methods return ErrUnavailable. Tokens are the one
// thing that has to be made anew after a loss.
//
// # Slots
//
// The slot of a database is the newest moment of its schedule that was handled
// (see package schedule). BeginSlot stores it and the run that handles it in one
// transaction, before the run does anything. A crash at any moment therefore
// leaves either neither of them, and the slot is still due, or both, and CutOff
// finds the run.
//
// # Runs
//
// A run is a row from its beginning on; it is under way as long as Ended is zero.
// Its ID is chosen by the caller and MUST sort by the time at which it began,
// because lists are in the order of IDs. Each Store has a name of its own, which
// is kept with the runs that it begins, so that CutOff can tell the runs of
// processes that are gone from those of this one. It cannot tell them from the
// runs of another process that is alive; the service makes sure, by a lock of its
// own, that it is alone.
//
// # Times
//
// Times are stored as milliseconds since 1970 UTC, and come back in UTC; what is
// finer is cut off. The zero time is stored as NULL.
//
// # Versions
//
// PRAGMA user_version counts the steps in schema/, which are never changed once
// released. An older database is brought up to date when it is opened; a newer
// one is refused with ErrNewer, since an older litekeep could not keep what it
// does not know. The table drills is of version 1; nothing uses it.
//
// # Caveats
//
// A file that is removed while it is open could still be written to, for nobody;
// each write looks for that first. What is read then still comes from the removed
// file. Open makes a new one.
package state
