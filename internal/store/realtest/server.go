package realtest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// startTime is how long a server may take until it answers.
const startTime = 30 * time.Second

// server is a process that answers on a port of the loopback address.
type server struct {
	dir     string // its data, removed at the end
	address string // host:port
	cmd     *exec.Cmd
	exited  chan struct{}
	release chan struct{}
}

// start runs a server until it answers HTTP. command makes the command line for
// a data folder and a port.
func start(name string, command func(dir, port string) (*exec.Cmd, error)) (*server, error) {
	var errs []error
	for range 3 { // another process may take the port first
		s, err := startOnce(name, command)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func startOnce(name string, command func(dir, port string) (*exec.Cmd, error)) (*server, error) {
	dir, err := os.MkdirTemp("", "litekeep-"+name+"-*")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, exited: make(chan struct{}), release: make(chan struct{})}
	if err := s.run(command); err != nil {
		said, _ := os.ReadFile(s.log()) // best effort, for the message
		return nil, errors.Join(fmt.Errorf("start %s: %w: %s", name, err, tail(said)), s.stop())
	}
	return s, nil
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }

func (s *server) run(command func(dir, port string) (*exec.Cmd, error)) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	_, port, err := net.SplitHostPort(s.address)
	if err = errors.Join(err, listener.Close()); err != nil {
		return err
	}
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
	return s.await()
}

// launch starts the process from a thread that lives as long as the process,
// since on Linux that is what the process is tied to.
func (s *server) launch(cmd *exec.Cmd) error {
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

// await returns when the server answers a request, whatever it answers.
func (s *server) await() error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-s.exited:
			return errors.New("it ended at once")
		default:
		}
		if r, err := client.Get("http://" + s.address + "/"); err == nil {
			return r.Body.Close()
		}
	}
	return fmt.Errorf("no answer within %v", startTime)
}

// stop kills the process, by its own id, and removes its data.
func (s *server) stop() error {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // it may have ended already
		<-s.exited
		close(s.release)
	}
	return os.RemoveAll(s.dir)
}
