// Package service keeps databases safe unattended: it runs their schedules,
// watches over them, and is the one door for everybody who wants something of
// them.
//
// # Words
//
// A keeper is a database that the service keeps, with all that is known of it. A
// run is one thing that is done to a database: a backup, a verification, a
// restore, a cleanup, a synchronisation. A job is a run that is queued or goes
// on. A slot is a moment at which a schedule asks for a backup (package
// schedule). A look is what was found at a destination. A listing is what the
// primary folder holds.
//
// # The door
//
// Every method that somebody from outside can cause takes an access.Principal,
// asks it whether it may, records in the audit log what changes something (and
// whatever is refused), acts, and tells those who watch. What cannot be recorded
// is not done; scheduled backups go on without the audit log, since a backup is
// worth more than its record.
//
// # Runs
//
// There is never more than one run of a database, and never more at once than the
// configuration allows; others wait for their turn in the order in which they
// came. A slot is written to the state in one transaction with the beginning of
// its run, so that neither a crash nor a clock that is set back runs it twice. A
// run that fails for a reason that may pass is tried again, with growing pauses;
// people are told when the tries are used up. A run that is longer than its limit
// is stopped. One that does not even stop loses its turn, so that the other
// databases go on, and keeps its database.
//
// # Truth
//
// What backups there are is read from the folders and destinations, never from
// the state. Losing the state loses the history of runs, and the slots: at the
// next start each database waits for its next slot, or is backed up at once if
// there is no backup at all.
//
// # Caveats
//
// Nothing here opens a database; package litekeep does. The clock is injected;
// timers are those of the runtime, and never sleep for longer than half a minute,
// since machines are suspended and clocks are set.
package service
