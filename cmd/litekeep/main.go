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
	"syscall"
	"time"

	"github.com/litekeep/litekeep/internal/heap"
)

// Backups and restores have to stay under 128 MiB of resident memory, whatever
// the size of the database. softMemory bounds what Go has from the system: above
// it the collector works harder and gives back what is free. It leaves room for
// what Go does not count: the memory of SQLite, and the program itself, of which
// the SDKs of the clouds alone bring some 30 MiB into memory when they start.
const softMemory = 72 << 20

func main() {
	heap.Limit(softMemory)
	// A reader that closes the pipe shows as an error of the write, which
	// `litekeep cat … | head` is not to be punished for.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, time.Now))
}
