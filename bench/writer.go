package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// childArgument makes this program a part of a measurement.
const childArgument = "-child"

// child is what this program does as another process: make a database, or
// write to one until its standard input ends.
func child(ctx context.Context, args []string) error {
	switch {
	case len(args) == 4 && args[0] == "generate":
		size, err := strconv.ParseInt(args[3], 10, 64)
		if err != nil {
			return err
		}
		return generate(ctx, args[1], args[2], size)
	case len(args) == 4 && args[0] == "write":
		pause, err := time.ParseDuration(args[3])
		if err != nil {
			return err
		}
		return write(ctx, os.Stdin, os.Stdout, args[1], args[2], pause)
	}
	return fmt.Errorf("unknown child %q", args)
}

// waits are how long a writer's transactions took.
type waits struct {
	Commits int           `json:"commits"`
	Longest time.Duration `json:"longest"`
	P99     time.Duration `json:"p99"`
	Median  time.Duration `json:"median"`
}

// write commits a small transaction again and again, like an application with
// a busy timeout, until in ends. It says "ready" after the first commits.
func write(ctx context.Context, in io.Reader, out io.Writer, path, synchronous string, pause time.Duration) (err error) {
	c, err := engine.Open(ctx, path, engine.OpenOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	// SQLite's own busy handler, as nearly every application uses it.
	if err := c.Exec(ctx, "PRAGMA busy_timeout=600000; PRAGMA synchronous="+synchronous+"; CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY, n INTEGER); INSERT OR IGNORE INTO written VALUES (1, 0)"); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in) // an error ends it as well
		close(ended)
	}()
	var took []time.Duration
	for n := int64(0); ; n++ {
		started := time.Now()
		if err := c.Exec(ctx, "UPDATE written SET n = ? WHERE id = 1", value.OfInt(n)); err != nil {
			return err
		}
		if took = append(took, time.Since(started)); n == 20 {
			took = took[:0]
			if _, err := fmt.Fprintln(out, "ready"); err != nil {
				return err
			}
		}
		select {
		case <-ended:
			return json.NewEncoder(out).Encode(summary(took))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func summary(took []time.Duration) waits {
	slices.Sort(took)
	if len(took) == 0 {
		return waits{}
	}
	return waits{Commits: len(took), Longest: took[len(took)-1], P99: took[len(took)*99/100], Median: took[len(took)/2]}
}

// writerLimit is how long a backup may take beside the writer. A peer that starts
// again at each change may never end: it is given up after peerPatience times what
// litekeep took in the round, and peerLeast.
const (
	writerLimit  = time.Minute
	peerPatience = 3
	peerLeast    = 5 * time.Second
)

// writerPart measures a writer's longest wait while a database in rollback
// mode is backed up: with synchronous off, when nearly all of a wait is for
// locks, and in full, when it is for the disk too.
func (b *bench) writerPart(ctx context.Context) error {
	db, err := b.database(ctx, b.shapes[0], b.size)
	if err != nil {
		return err
	}
	live := b.out("live.db")
	copied := pipeline{commands: [][]string{{"cp", db, live}}}
	if _, err := copied.run(ctx, b.env); err != nil {
		return err
	}
	to := b.out("peer.db")
	list := []contender{
		{name: "no backup", steps: []pipeline{{commands: [][]string{{"sleep", "2"}}}}},
		b.ownBackup(live, backupZstd),
		{name: peerBackup, needs: []string{"sqlite3"}, steps: []pipeline{{commands: [][]string{{"sqlite3", "-cmd", ".timeout 60000", live, ".backup '" + to + "'"}}}}, clear: []string{to, to + "-journal"}},
	}
	for _, synchronous := range []string{"OFF", "FULL"} {
		for round := range b.runs {
			limit := writerLimit
			for _, c := range list {
				if !b.available(c.needs) {
					continue
				}
				b.note("writer, synchronous=%s %d/%d: %s", synchronous, round+1, b.runs, c.name)
				w, took, err := b.beside(ctx, c, live, synchronous, limit)
				if err != nil {
					return fmt.Errorf("writer beside %s: %w", c.name, err)
				}
				if c.name == backupZstd {
					limit = min(peerPatience*took.Wall+peerLeast, writerLimit)
				}
				b.results.addWaits(c.name, synchronous, w, took)
			}
		}
	}
	return removeAll([]string{live, live + "-journal"})
}

// beside runs a contender, for up to limit, while another process writes to the
// database.
func (b *bench) beside(ctx context.Context, c contender, live, synchronous string, limit time.Duration) (w waits, took backupTime, err error) {
	if err := removeAll(c.clear); err != nil {
		return w, took, err
	}
	flushDisks()
	writer := exec.CommandContext(ctx, b.self, childArgument, "write", live, synchronous, b.writerPause.String())
	writer.Env, writer.Stderr = b.env, os.Stderr
	in, err := writer.StdinPipe()
	if err != nil {
		return w, took, err
	}
	out, err := writer.StdoutPipe()
	if err != nil {
		return w, took, err
	}
	if err := writer.Start(); err != nil {
		return w, took, err
	}
	said := bufio.NewReader(out)
	if _, err := said.ReadString('\n'); err != nil {
		return w, took, errors.Join(err, in.Close(), writer.Wait())
	}
	limited, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("given up after %v", limit.Round(time.Second)))
	u, failed := c.steps[0].run(limited, b.env)
	took = backupTime{Wall: u.Wall}
	stop()
	if failed != nil {
		took.Failed = failed.Error() // the waits count all the same
	}
	err = errors.Join(ctx.Err(), in.Close())
	if decoded := json.NewDecoder(said).Decode(&w); decoded != nil {
		err = errors.Join(err, decoded)
	}
	return w, took, errors.Join(err, writer.Wait(), removeAll(c.clear))
}
