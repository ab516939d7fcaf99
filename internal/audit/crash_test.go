package audit_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/durable"
)

const roleVariable = "LITEKEEP_AUDIT_ROLE"

// roles are what a process that a test starts can do in a folder.
var roles = map[string]func(dir string) error{
	"write":        func(dir string) error { return playWriter(dir, durable.Disk{}) },
	"write slowly": func(dir string) error { return playWriter(dir, slowDisk) },
}

// slowDisk takes its time to flush a file.
var slowDisk = durable.Disk{Before: func(op durable.Op, _ string) error {
	if op == durable.OpSync {
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}}

// TestMain runs the tests or, in a process that a test started, its role.
func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleVariable); ok {
		if err := roles[role](os.Args[1]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func roleCommand(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// playWriter appends until it is killed, from several goroutines, and prints the
// number of each entry that is on the medium.
func playWriter(dir string, disk durable.Disk) error {
	l := audit.New(dir, audit.Options{Now: time.Now, MaxSize: 20_000, Disk: disk})
	fault := make(chan error)
	var mu sync.Mutex
	for range 4 {
		go func() {
			for {
				e, err := l.Append(audit.Entry{Actor: strconv.Itoa(os.Getpid()), Action: "see"})
				if err != nil {
					fault <- err
					return
				}
				mu.Lock()
				fmt.Println(e.Seq)
				mu.Unlock()
			}
		}()
	}
	return <-fault
}

// TestKill kills writers at any moment. What was acknowledged must be there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 8 {
		cmd := roleCommand(t, "write", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		for n := 0; in.Scan(); n++ {
			if strings.HasPrefix(in.Text(), "error") {
				t.Error(in.Text())
			}
			acknowledged[in.Text()] = true
			if n == 5+7*round {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait() // it was killed: its status says nothing
		if r := verify(t, dir, audit.VerifyOptions{}); !r.OK() {
			t.Fatalf("round %d: %v", round, r.Problems)
		}
	}
	holdAll(t, dir, acknowledged)
}

// holdAll checks that a log has the entries with some numbers.
func holdAll(t *testing.T, dir string, numbers map[string]bool) {
	t.Helper()
	missing := len(numbers)
	for e, err := range audit.Entries(dir, audit.Filter{}) {
		if err != nil && !errors.Is(err, audit.ErrSkipped) {
			t.Fatal(err)
		}
		if numbers[strconv.FormatInt(e.Seq, 10)] {
			missing--
		}
	}
	if missing != 0 || len(numbers) < 20 {
		t.Errorf("of %d entries that were acknowledged, %d are not there", len(numbers), missing)
	}
}

// TestWriters has processes and goroutines with Logs of their own write to one
// folder at a time: also where the disk is slow all of them come to write.
func TestWriters(t *testing.T) {
	t.Run("fast", func(t *testing.T) { writeTogether(t, "write", durable.Disk{}) })
	t.Run("slow", func(t *testing.T) { writeTogether(t, "write slowly", slowDisk) })
}

func writeTogether(t *testing.T, role string, disk durable.Disk) {
	dir := t.TempDir()
	cmd := roleCommand(t, role, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]bool{}
	var mu sync.Mutex
	seen := func(number string) {
		mu.Lock()
		defer mu.Unlock()
		if acknowledged[number] {
			t.Errorf("entry %s twice", number)
		}
		acknowledged[number] = true
	}
	in := bufio.NewScanner(out)
	in.Scan() // the other process has begun
	seen(in.Text())
	var group sync.WaitGroup
	for range 3 {
		l := audit.New(dir, audit.Options{Now: time.Now, MaxSize: 20_000, Disk: disk})
		defer l.Close()
		for range 3 {
			group.Go(func() {
				for range 20 {
					e, err := l.Append(audit.Entry{Action: "see"})
					if err != nil {
						t.Error(err)
						return
					}
					seen(strconv.FormatInt(e.Seq, 10))
				}
			})
		}
	}
	group.Go(func() {
		for in.Scan() {
			seen(in.Text())
		}
	})
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for !finished(&mu, acknowledged, 3*3*20) {
		select {
		case <-done:
			t.Fatal("the other process has ended")
		case <-time.After(time.Millisecond):
		}
	}
	_ = cmd.Process.Kill()
	<-done
	_ = cmd.Wait() // it was killed
	if r := verify(t, dir, audit.VerifyOptions{}); !r.OK() {
		t.Errorf("%v", r.Problems)
	}
	holdAll(t, dir, acknowledged)
}

func finished(mu *sync.Mutex, m map[string]bool, n int) bool {
	mu.Lock()
	defer mu.Unlock()
	return len(m) > n+20
}

// TestTorn ends a write at each byte, behind the head, and again when what that left
// is mended.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	l := audit.New(dir, audit.Options{Now: still})
	add(t, l, audit.Entry{})
	headFile := filepath.Join(dir, "audit.head")
	head := read(t, headFile)
	path := files(t, dir)[0]
	before := len(read(t, path))
	add(t, l, audit.Entry{Detail: "was never acknowledged"})
	l.Close()
	whole := read(t, path)
	for i := before; i <= len(whole); i++ {
		write(t, path, whole[:i])
		write(t, headFile, head)
		isWhole := i >= len(whole)-1 // but for the line feed
		r := verify(t, dir, audit.VerifyOptions{})
		if !r.OK() || (len(r.Crashes) == 0) != (isWhole || i == before) {
			t.Fatalf("torn at %d: %+v", i, r)
		}
		entries := 2
		if i > before {
			entries++
		}
		l := audit.New(dir, audit.Options{Now: still})
		add(t, l, audit.Entry{Detail: "goes on"})
		l.Close()
		if r := wantGood(t, dir, entries); (len(r.Crashes) == 0) != (isWhole || i == before) {
			t.Fatalf("torn at %d: %v", i, r.Crashes)
		}
		if i%40 == 0 && i < len(whole)-1 {
			tornAgain(t, dir, path, headFile, head, i)
		}
	}
}

// tornAgain ends the write that mended the log, too.
func tornAgain(t *testing.T, dir, path, headFile string, head []byte, from int) {
	mended := read(t, path)
	for i := from; i < len(mended); i += 31 {
		write(t, path, mended[:i])
		write(t, headFile, head)
		l := audit.New(dir, audit.Options{Now: still})
		last := add(t, l, audit.Entry{Detail: "goes on"})
		l.Close()
		if r := wantGood(t, dir, int(last.Seq)); len(r.Crashes) == 0 && from != i {
			t.Fatalf("torn at %d and %d: %+v", from, i, r)
		}
	}
}

// TestPowerCut leaves what a file system may after a power cut: a hole, and entries
// behind it, in a file that had just begun.
func TestPowerCut(t *testing.T) {
	for _, n := range []int{1, 3} { // the second begins a new file
		dir := t.TempDir()
		fill(t, dir, n)
		headFile := filepath.Join(dir, "audit.head")
		head := read(t, headFile)
		l := audit.New(dir, audit.Options{Now: still, MaxSize: map[int]int64{1: 5000, 3: 800}[n]})
		for range 3 {
			add(t, l, audit.Entry{})
		}
		l.Close()
		path := files(t, dir)[len(files(t, dir))-1]
		b := read(t, path)
		line := bytes.IndexByte(b, '\n')
		if n == 3 {
			line = 0
		}
		copy(b[line+1:], make([]byte, 300))
		write(t, path, b)
		write(t, headFile, head)
		for range 2 { // the second time all is well
			l := at(t, dir)
			last := add(t, l, audit.Entry{Detail: "goes on"})
			l.Close()
			if r := verify(t, dir, audit.VerifyOptions{}); !r.OK() || len(r.Crashes) != 1 || r.Head.Seq != last.Seq {
				t.Fatalf("after %d entries: %+v", n, r)
			}
		}
	}
}

// TestTamperedBeforeStart changes what the head covers. The writer goes on, and the
// damage stays visible.
func TestTamperedBeforeStart(t *testing.T) {
	for name, tamper := range map[string]func(t *testing.T, dir, file string){
		"end cut": func(t *testing.T, dir, file string) {
			b := read(t, file)
			write(t, file, b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1])
		},
		"end torn":     func(t *testing.T, dir, file string) { b := read(t, file); write(t, file, b[:len(b)-9]) },
		"changed":      func(t *testing.T, dir, file string) { b := read(t, file); b[9] ^= 1; write(t, file, b) },
		"file gone":    func(t *testing.T, dir, file string) { os.Remove(file) },
		"file emptied": func(t *testing.T, dir, file string) { write(t, file, nil) },
		"head gone":    func(t *testing.T, dir, file string) { os.Remove(filepath.Join(dir, "audit.head")) },
		"head changed": func(t *testing.T, dir, file string) { write(t, filepath.Join(dir, "audit.head"), []byte("{}\n")) },
		"other head": func(t *testing.T, dir, file string) {
			write(t, filepath.Join(dir, "audit.head"), []byte(`{"seq":5,"hash":"`+strings.Repeat("1", 64)+"\"}\n"))
		},
		"all gone": func(t *testing.T, dir, file string) {
			for _, f := range files(t, dir) {
				os.Remove(f)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, 5)
			all := files(t, dir)
			tamper(t, dir, all[len(all)-1])
			before := verify(t, dir, audit.VerifyOptions{})
			if before.OK() {
				t.Fatal("nobody notices")
			}
			var last audit.Entry
			for range 2 {
				l := at(t, dir)
				last = add(t, l, audit.Entry{Action: "see"})
				l.Close()
			}
			r := verify(t, dir, audit.VerifyOptions{})
			if r.OK() || r.Head.Seq != last.Seq || !strings.Contains(fmt.Sprint(r.Problems), "damage was found") {
				t.Errorf("%+v", r)
			}
			damages := 0
			for e, err := range audit.Entries(dir, audit.Filter{Action: audit.ActionDamaged}) {
				if err != nil {
					break // lines were left out, as they should be
				}
				damages++
				if r := verify(t, dir, audit.VerifyOptions{From: e.Seq + 1}); !r.OK() {
					t.Errorf("behind the damage: %v", r.Problems)
				}
			}
			if damages != 1 {
				t.Errorf("the damage was recorded %d times", damages)
			}
		})
	}
}

var errFault = errors.New("fault")

// TestFaults lets each step of a write fail. The caller hears of it, and the log
// goes on when the fault has passed.
func TestFaults(t *testing.T) {
	for at := 0; ; at++ {
		dir := t.TempDir()
		n, armed := 0, true
		l := audit.New(dir, audit.Options{Now: still, MaxSize: 500, Disk: durable.Disk{Before: func(durable.Op, string) error {
			n++
			if armed && n > at {
				return errFault
			}
			return nil
		}}})
		acknowledged, failed := 0, 0
		for range 5 {
			if _, err := l.Append(audit.Entry{}); err == nil {
				acknowledged++
			} else if failed++; !errors.Is(err, audit.ErrUnavailable) || !errors.Is(err, errFault) {
				t.Fatal(err)
			}
		}
		armed = false
		last := add(t, l, audit.Entry{})
		l.Close()
		r := verify(t, dir, audit.VerifyOptions{})
		if !r.OK() || r.Head.Seq != last.Seq || int(last.Seq) < acknowledged+1 || len(r.Crashes) > 0 {
			t.Fatalf("fault at step %d: %+v", at, r)
		}
		if failed == 0 {
			if at < 15 {
				t.Errorf("only %d steps", at)
			}
			return
		}
	}
}

// TestReplaced takes the file away from under a writer, as a program that rotates
// logs does.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	l := audit.New(dir, audit.Options{Now: still})
	defer l.Close()
	add(t, l, audit.Entry{})
	path := files(t, dir)[0]
	write(t, path+".copy", read(t, path))
	if err := os.Rename(path+".copy", path); err != nil {
		t.Fatal(err)
	}
	add(t, l, audit.Entry{})
	wantGood(t, dir, 2)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if e := add(t, l, audit.Entry{}); e.Seq != 4 { // 3 tells of the damage
		t.Errorf("%+v", e)
	}
	if r := verify(t, dir, audit.VerifyOptions{}); r.OK() {
		t.Error("nobody misses the file")
	}
}
