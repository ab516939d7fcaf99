package litekeep_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/store/realtest"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

const roleVariable = "LITEKEEP_TEST_ROLE"

// roles are what a process that a test started can do. The arguments are those
// of the process.
var roles = map[string]func(ctx context.Context, args []string) error{
	"default": playDefault,
	"lock":    playLock,
	"hold":    playHolder,
	"write":   playWriter,
	"step":    playStep,
	"work":    playWork,
	"panic":   playPanic,
}

// TestMain runs the tests, or, in a process that a test started, its role.
func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleVariable); ok {
		maps.Copy(roles, systemRoles)
		if err := roles[role](context.Background(), os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "LITEKEEP_") {
			os.Unsetenv(name) // the tests say themselves what is set
		}
	}
	waitTogether()
	code := realtest.Main(m).Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Println("goroutines are left when all tests are done:", err)
		code = 1
	}
	os.Exit(code)
}

// waitTogether lets more tests run at a time than there are processors, unless
// the command line says how many: most of them wait for the disk or for other
// processes.
func waitTogether() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
	}
}

// roleCommand prepares a process that plays a role.
func roleCommand(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// actor is another process that plays a role. It answers each line that it is
// told with one line, and ends with its standard input.
type actor struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	dead bool
}

// startActor starts a role and waits until it says that it is ready.
func startActor(t testing.TB, role string, args ...string) *actor {
	t.Helper()
	cmd := roleCommand(t, role, args...)
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
	if line := a.line(); line != "ready" {
		t.Fatalf("the %s process says %q", role, line)
	}
	return a
}

func (a *actor) line() string {
	a.t.Helper()
	if !a.out.Scan() {
		a.t.Fatalf("the other process ended: %v", a.out.Err())
	}
	return a.out.Text()
}

// ask tells the process something and returns its answer.
func (a *actor) ask(line string) string {
	a.t.Helper()
	if _, err := io.WriteString(a.in, line+"\n"); err != nil {
		a.t.Fatal(err)
	}
	return a.line()
}

// kill ends the process without letting it clean up.
func (a *actor) kill() {
	if !a.dead {
		a.dead = true
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	}
}

// finish lets the process end and returns its last line.
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

// answer reads lines from standard input until it ends and prints what each
// leads to.
func answer(reply func(line string) (string, error)) error {
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		text, err := reply(in.Text())
		if err != nil {
			return err
		}
		fmt.Println(text)
	}
	return nil
}
