// Command bench measures litekeep against the tools that people use in its
// place: the sqlite3 shell, alone and piped through zstd, and Python's sqlite3
// and json modules; restic for what the vault does.
//
//	go run ./bench [-size 400MB] [-shapes mixed,narrow,text] [-runs 3] [-only backup,restore,memory,writer,vault,service]
//
// It makes its databases itself, the same each time, and keeps them in a
// folder (-dir) for the next run. Every work is one or more whole processes,
// and what they write goes to files on that folder's file system. In each round
// every contender runs once, in turns, so that a machine that gets slower or
// faster during the measurement does so for all. Dirty pages are written out
// (sync) before each run, so that none pays for the one before.
//
// Measured are wall time, CPU time (user and system, of all processes of a
// pipeline), and the peak of resident memory (of the largest process of a
// pipeline, as the kernel reports it). Reported are medians. A process cannot
// report less memory than this program had when it started it, which is printed
// as the floor.
//
// The part service puts `litekeep serve` under load by HTTP instead, with as many
// databases as -databases says, at rest and while it makes backups.
//
// Vocabulary: a shape is a kind of database, a work is what is to be done, a
// contender is one way of doing it, a target is what issues 2 and 3 of the
// project demand of litekeep in relation to its peers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run is main without the process around it. The first argument "child" makes
// this process a part of a measurement.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == childArgument {
		return child(ctx, args[1:])
	}
	c, err := parse(args)
	if err != nil {
		return err
	}
	b, err := prepare(ctx, c)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.print(os.Stdout)
}
