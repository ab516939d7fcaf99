package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/value"
)

// actor is another process that plays a role on a database. It says when it
// is ready, goes on when it is told to, and ends with its standard input.
type actor struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	dead bool
}

// startActor starts a role and waits until it is ready.
func startActor(t testing.TB, role, path string) *actor {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "ENGINE_TEST_ROLE="+role, "ENGINE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &actor{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(a.kill)
	a.expect("ready")
	return a
}

// expect reads the next line, which must begin with want.
func (a *actor) expect(want string) string {
	a.t.Helper()
	if !a.out.Scan() {
		a.t.Fatalf("the other process ended, want %q", want)
	}
	if line := a.out.Text(); !strings.HasPrefix(line, want) {
		a.t.Fatalf("the other process says %q, want %q", line, want)
	}
	return a.out.Text()
}

// kill ends the process without letting it clean up.
func (a *actor) kill() {
	if !a.dead {
		a.dead = true
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	}
}

// finish lets the process end its role and returns its last line.
func (a *actor) finish() string {
	a.t.Helper()
	a.dead = true
	_ = a.in.Close()
	last := ""
	for a.out.Scan() {
		last = a.out.Text()
	}
	if err := a.cmd.Wait(); err != nil {
		a.t.Fatalf("the other process: %v: %s", err, last)
	}
	return last
}

// stopped is closed when standard input ends.
func stopped() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	return done
}

// play is what an actor does.
func play(role, path string) error {
	ctx := context.Background()
	c, err := Open(ctx, path, OpenOptions{Create: true, BusyTimeout: 20 * time.Second})
	if err != nil {
		return err
	}
	stop := stopped()
	setUp := map[string]string{
		"hold open":      "SELECT count(*) FROM sqlite_schema",
		"hold exclusive": "BEGIN EXCLUSIVE",
		"hold reserved":  "BEGIN IMMEDIATE; UPDATE t SET b='pending' WHERE a=1",
		// a cache this small makes SQLite write to the database before the commit
		"spill":   "PRAGMA cache_size=5; PRAGMA cache_spill=1; BEGIN; UPDATE t SET b=b||'x'",
		"wal add": "PRAGMA wal_autocheckpoint=0; INSERT INTO t(b) VALUES('in the log')",
	}
	if sql, ok := setUp[role]; ok {
		if err := c.Exec(ctx, sql); err != nil {
			return err
		}
		fmt.Println("ready")
		<-stop
		return c.Close()
	}
	switch role {
	case "write":
		return playWriter(ctx, c, stop)
	case "follow":
		return playFollower(ctx, c, stop)
	case "publish and stop":
		if err := c.Close(); err != nil {
			return err
		}
		return publish(ctx, os.Getenv("ENGINE_TEST_SOURCE"), path, PublishOptions{Progress: func(int64, int64) {
			fmt.Println("ready")
			<-stop
		}})
	}
	return fmt.Errorf("unknown role %q", role)
}

// playWriter moves an amount between two rows again and again, so that every
// consistent state has the same sum, and tells how long the longest commit
// took.
func playWriter(ctx context.Context, c *Conn, stop <-chan struct{}) error {
	pause, err := time.ParseDuration(os.Getenv("ENGINE_TEST_PAUSE"))
	if err != nil {
		pause = time.Millisecond
	}
	fmt.Println("ready")
	var longest time.Duration
	n := int64(0)
	for ; ; n++ {
		select {
		case <-stop:
			fmt.Printf("commits %d longest %d\n", n, longest.Microseconds())
			return c.Close()
		case <-time.After(pause):
		}
		start := time.Now()
		err := c.Exec(ctx, "BEGIN IMMEDIATE; UPDATE t SET n=n+? WHERE a=1; UPDATE t SET n=n-? WHERE a=(SELECT max(a) FROM t); COMMIT",
			value.OfInt(n), value.OfInt(n))
		if err != nil {
			return err
		}
		longest = max(longest, time.Since(start))
	}
}

// playFollower reads the old content, waits, and then reads and writes the new
// one through the same connection.
func playFollower(ctx context.Context, c *Conn, stop <-chan struct{}) error {
	if _, err := c.integer(ctx, "SELECT count(*) FROM t"); err != nil {
		return err
	}
	fmt.Println("ready")
	<-stop
	if err := c.Exec(ctx, "INSERT INTO fresh(b) VALUES('added there')"); err != nil {
		return err
	}
	n, err := c.integer(ctx, "SELECT count(*) FROM fresh")
	if err != nil {
		return err
	}
	check, err := queryRows(ctx, c, "PRAGMA integrity_check")
	if err != nil {
		return err
	}
	mode, err := queryRows(ctx, c, "PRAGMA journal_mode")
	if err != nil {
		return err
	}
	fmt.Printf("%d rows %s %s\n", n, strings.Trim(check[0], `"`), strings.Trim(mode[0], `"`))
	return c.Close()
}
