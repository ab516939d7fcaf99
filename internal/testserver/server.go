// Package testserver runs real servers for tests, as processes on this machine. A
// server ends when its test process does, also when that is killed (on Linux).
package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startTime is how long a server may take until it answers.
const startTime = 30 * time.Second

// Server is a process that answers on a port of the loopback address.
type Server struct {
	dir     string // its data, removed at the end
	address string // host:port
	cmd     *exec.Cmd
	exited  chan struct{}
	release chan struct{}
}

// Start runs a server and returns when it answers. command makes the command line
// for an empty data folder and a port; answers asks it once, at host:port.
func Start(name string, command func(dir, port string) (*exec.Cmd, error), answers func(address string) error) (*Server, error) {
	var errs []error
	for range 3 { // another process may take the port first
		s, err := startOnce(name, command, answers)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func startOnce(name string, command func(dir, port string) (*exec.Cmd, error), answers func(string) error) (*Server, error) {
	dir, err := os.MkdirTemp("", "litekeep-"+name+"-*")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, exited: make(chan struct{}), release: make(chan struct{})}
	if err := s.run(command, answers); err != nil {
		said, _ := os.ReadFile(s.log()) // best effort, for the message
		return nil, errors.Join(fmt.Errorf("start %s: %w: %s", name, err, Tail(said)), s.Stop())
	}
	return s, nil
}

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

func (s *Server) run(command func(dir, port string) (*exec.Cmd, error), answers func(string) error) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	s.address = net.JoinHostPort("127.0.0.1", port)
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		return err
	}
	cmd, err := command(data, port)
	if err != nil {
		return err
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	cmd.Stdout, cmd.Stderr = log, log
	endWithParent(cmd)
	if err := s.launch(cmd); err != nil {
		return err
	}
	return s.await(answers)
}

// Ports below those that systems give to connections by themselves: between the
// choice of one and the start of the server, nobody else happens to get it.
const (
	firstPort = 20000
	lastPort  = 32000
)

// FreePort returns a port of this machine that nobody listens on, for a program that
// cannot choose one itself.
func FreePort() (port string, err error) {
	for range 100 {
		port = strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort))
		var listener net.Listener
		if listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return port, listener.Close()
		}
	}
	return "", err
}

// launch starts the process from a thread that lives as long as the process,
// since on Linux that is what the process is tied to.
func (s *Server) launch(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed in the end
			close(s.exited)
			<-s.release
		}
	}()
	err := <-started
	if err == nil {
		s.cmd = cmd
	}
	return err
}

// await returns when the server answers.
func (s *Server) await(answers func(string) error) error {
	var last error
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-s.exited:
			return errors.New("it ended at once")
		default:
		}
		if last = answers(s.address); last == nil {
			return nil
		}
	}
	return fmt.Errorf("no answer within %v: %w", startTime, last)
}

// HTTP is for Start: it wants an answer to an HTTP request, whatever it is.
func HTTP(address string) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + address + "/")
	if err != nil {
		return err
	}
	return r.Body.Close()
}

// Address returns host:port.
func (s *Server) Address() string { return s.address }

// Dir returns the folder of the server: data is in it, and the log.
func (s *Server) Dir() string { return s.dir }

// Stop kills the process, by its own id, and removes its data.
func (s *Server) Stop() error {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // it may have ended already
		<-s.exited
		close(s.release)
	}
	return os.RemoveAll(s.dir)
}

// Unavailable is for a test that has to do without a server or a program: it fails
// the test in CI, where all must run, and skips it elsewhere.
func Unavailable(t testing.TB, name string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("no test may do without %s in CI: %v", name, err)
		return // where t is a stand-in, Fatalf comes back
	}
	t.Skipf("LEFT OUT: no test with %s: %v", name, err)
}

// Tail returns the end of what a program said.
func Tail(text []byte) string {
	const most = 2000
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
