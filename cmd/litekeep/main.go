// Command litekeep backs up live SQLite databases to JSON, and verifies, lists,
// prunes and restores the backups.
//
// The work is done by the package litekeep. This command adds flags, the
// environment, progress, tables, JSON results and exit codes; docs/CLI.md says
// what of it is a contract. Each command has a file of its own: its options, its
// flags, its run. An app is one run of the program; a screen is standard error,
// shared by messages, log lines and the live line of a meter.
//
// Only main ends the process.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// A backup has to stay under 128 MiB of resident memory, whatever the size of
// the database. softMemory counts all that Go has from the system, so the
// collector works harder before that is reached; the rest is for the program's
// text and for buffers in flight. gcPercent lets the heap grow by half between
// collections: what lives is a few buffers that are used again and again, so
// collecting more often costs next to nothing.
const (
	softMemory = 80 << 20
	gcPercent  = 50
)

func main() {
	debug.SetMemoryLimit(softMemory)
	debug.SetGCPercent(gcPercent)
	// A reader that closes the pipe shows as an error of the write, which
	// `litekeep cat … | head` is not to be punished for.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, time.Now))
}
