package daemon

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/engine/sqldb"
)

// roleVariable tells a process that a test started what to do.
const roleVariable = "LITEKEEP_TEST_ROLE"

// patience is how long a test waits for what must happen.
const patience = time.Minute

var roles = map[string]func(ctx context.Context, args []string) error{"serve": playService}

func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleVariable); ok {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := roles[role](ctx, os.Args[1:])
		if err == nil {
			err = goleak.Find(goleak.IgnoreTopFunction("os/signal.loop"), goleak.IgnoreTopFunction("os/signal.NotifyContext.func1"))
		}
		stop()
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Println("goroutines are left when all tests are done:", err)
		code = 1
	}
	os.Exit(code)
}

// playService runs a service with the configuration in the folder args[0], on a
// clock that goes args[2] times as fast as the one on the wall since args[1].
func playService(ctx context.Context, args []string) error {
	began, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	speed, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	now := func() time.Time { return fastClock(time.UnixMilli(began), speed) }
	load := func() (*config.Config, error) {
		return config.Load(filepath.Join(args[0], "litekeep.yaml"), func(string) (string, bool) { return "", false })
	}
	c, err := load()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	d, err := Open(ctx, Options{Config: c, Load: load, Log: log, Now: now})
	if err != nil {
		return err
	}
	fmt.Println("ready", d.URL())
	var chaos func()
	if len(args) > 3 && args[3] == "busy" {
		chaos = d.playUsers(ctx, c)
	}
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	reloaded := make(chan struct{})
	running, stop := context.WithCancel(ctx)
	go func() {
		defer close(reloaded)
		for {
			select {
			case <-running.Done():
				return
			case <-reloads:
				fmt.Println("reloaded", d.Reload(running) == nil)
			}
		}
	}()
	err = d.Run(ctx)
	stop()
	<-reloaded
	if chaos != nil {
		chaos()
	}
	return err
}

func fastClock(began time.Time, speed int64) time.Time {
	return began.Add(time.Since(began) * time.Duration(speed))
}

// A daemonProcess is a service in another process.
type daemonProcess struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  *bufio.Scanner
	url  string
	said *strings.Builder // on standard error
}

// startService starts a service in the folder dir and waits until it is ready.
func startService(t testing.TB, dir string, args ...string) *daemonProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if len(args) == 0 {
		args = []string{fmt.Sprint(time.Now().UnixMilli()), "1"}
	}
	p := &daemonProcess{t: t, cmd: exec.Command(exe, append([]string{dir}, args...)...), said: &strings.Builder{}}
	p.cmd.Env = append(os.Environ(), roleVariable+"=serve")
	p.cmd.Stderr = p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // one that has ended is not there any more
	p.out = bufio.NewScanner(out)
	line := p.line()
	if !strings.HasPrefix(line, "ready ") {
		t.Fatalf("the service says %q", line)
	}
	p.url = strings.TrimPrefix(line, "ready ")
	return p
}

func (p *daemonProcess) line() string {
	p.t.Helper()
	if !p.out.Scan() {
		err := p.cmd.Wait()
		p.t.Fatalf("the service ended: %v\n%s", err, p.said)
	}
	return p.out.Text()
}

// terminate sends SIGTERM and returns how long the end took.
func (p *daemonProcess) terminate() time.Duration {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	for p.out.Scan() {
		p.t.Log(p.out.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the service ended with %v\n%s", err, p.said)
	}
	return time.Since(began)
}

// makeDatabase makes a database of rows that cannot be compressed.
func makeDatabase(t testing.TB, path string, rows int) *sql.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have done so
	_, err = db.ExecContext(t.Context(), fmt.Sprintf(`CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY, n INT, data BLOB);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<%d) INSERT INTO item(n, data) SELECT i, randomblob(500) FROM c`, rows))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// leftovers are the files below a folder of backups that a run which has ended
// does not leave.
func leftovers(t testing.TB, folder string) (left []string) {
	t.Helper()
	for _, pattern := range []string{"*/*.partial", "*/.tmp/*", "*/*.pruned", "*/*-journal", "*/*-wal"} {
		paths, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, paths...)
	}
	return left
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// waitFor waits until something is so.
func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
