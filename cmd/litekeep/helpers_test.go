package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// The programs that scripts run beside litekeep. Each is a process of its own.

// patience is how long a helper waits for what must happen.
const patience = time.Minute

// litekeepAt: litekeepat TIME ARGS… is litekeep at another time.
func litekeepAt() {
	t, err := time.Parse(time.RFC3339, os.Args[1])
	fail(err)
	os.Exit(run(context.Background(), os.Args[2:], os.Stdout, os.Stderr, func() time.Time { return t }))
}

// makeDatabase: mkdb FILE SQL… makes or changes a database.
func makeDatabase() {
	ctx := context.Background()
	c, err := engine.Open(ctx, os.Args[1], engine.OpenOptions{Create: true, BusyTimeout: patience})
	fail(err)
	for _, sql := range os.Args[2:] {
		fail(c.Exec(ctx, sql))
	}
	fail(c.Close())
}

// query: sql FILE SQL prints rows, values separated by |.
func query() {
	ctx := context.Background()
	c, err := engine.Open(ctx, os.Args[1], engine.OpenOptions{ReadOnly: true, BusyTimeout: patience})
	fail(err)
	fail(c.Query(ctx, os.Args[2], nil, func(row []value.Value) error {
		for i := range row {
			if i > 0 {
				fmt.Print("|")
			}
			switch row[i].Kind {
			case value.Integer:
				fmt.Print(row[i].Int)
			case value.Text:
				fmt.Print(string(row[i].Bytes))
			default:
				fmt.Print("?")
			}
		}
		fmt.Println()
		return nil
	}))
	fail(c.Close())
}

// hold says that it is ready, and returns when it is told to stop.
func hold(ready, stop string) {
	fail(os.WriteFile(ready, nil, 0o600))
	wait(stop)
}

func wait(file string) {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			return
		}
		if time.Now().After(end) {
			fail(errors.New("waited too long for " + file))
		}
	}
}

// waitFor: waitfor FILE waits until a file is there.
func waitFor() { wait(os.Args[1]) }

// holdDatabase: holddb FILE READY STOP locks a database.
func holdDatabase() {
	ctx := context.Background()
	c, err := engine.Open(ctx, os.Args[1], engine.OpenOptions{})
	fail(err)
	fail(c.Exec(ctx, "BEGIN EXCLUSIVE"))
	hold(os.Args[2], os.Args[3])
	fail(c.Exec(ctx, "ROLLBACK"))
	fail(c.Close())
}

// holdLock: holdlock FOLDER READY STOP works on the backups in FOLDER, as
// another litekeep would.
func holdLock() {
	fail(os.MkdirAll(os.Args[1], 0o700))
	l, err := durable.TryLock(filepath.Join(os.Args[1], ".lock"), durable.Self(time.Now(), "backup /srv/other.db"))
	fail(err)
	hold(os.Args[2], os.Args[3])
	fail(l.Unlock())
}

// interrupt: interrupt SIGNAL TEXT PROGRAM ARGS… runs a program, sends it a
// signal when TEXT shows on its standard error, and exits as it does.
func interrupt() {
	signal := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}[os.Args[1]]
	cmd := exec.Command(os.Args[3], os.Args[4:]...)
	cmd.Stdout = os.Stdout
	stderr, err := cmd.StderrPipe()
	fail(err)
	fail(cmd.Start())
	sent := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(os.Stderr, lines.Text())
		if !sent && strings.Contains(lines.Text(), os.Args[2]) {
			fail(cmd.Process.Signal(signal))
			sent = true
		}
	}
	err = cmd.Wait()
	if !sent {
		fail(errors.New("never saw: " + os.Args[2]))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	fail(err)
}

// stubborn: stubborn PROGRAM ARGS… runs a program whose output nobody reads on
// with, so that it cannot finish what it does. It says whether the program
// lives on after one signal, and dies of another.
func stubborn() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	fail(err)
	fail(cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, 1))
	fail(err)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	fail(cmd.Process.Signal(os.Interrupt))
	select {
	case <-ended:
		fail(errors.New("one signal was enough"))
	case <-time.After(300 * time.Millisecond):
	}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		_ = cmd.Process.Signal(os.Interrupt) // it may just have ended
		select {
		case err := <-ended:
			var out bytes.Buffer
			fmt.Fprintf(&out, "%v\n", err)
			fmt.Print(out.String())
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	fail(errors.New("it does not end"))
}
