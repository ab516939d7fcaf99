package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep"
)

func TestReading(t *testing.T) {
	export := litekeep.Progress{Phase: "export", Rows: 1234567, Bytes: 300 << 20, Total: 1 << 30}
	for _, test := range []struct {
		name  string
		in    reading
		width int
		want  string
	}{
		{
			"all is known",
			reading{export, 2 * time.Second, ""},
			100,
			"export    [#####---------------]   29 %  300 MiB of 1.00 GiB  150 MiB/s  4.8 s left  1,234,567 rows",
		},
		{
			"no room for a bar",
			reading{export, 2 * time.Second, "2 of 5  "},
			80,
			"2 of 5  export     29 %  300 MiB of 1.00 GiB  150 MiB/s  4.8 s left  1,234,567 rows",
		},
		{
			"too early for a rate",
			reading{export, 100 * time.Millisecond, ""},
			80,
			"export    [######-----------------]   29 %  300 MiB of 1.00 GiB  1,234,567 rows",
		},
		{"nothing but the phase", reading{litekeep.Progress{Phase: "prove"}, time.Hour, ""}, 80, "prove     1 h 00 min"},
		{
			"more than in all",
			reading{litekeep.Progress{Phase: "verify", Bytes: 12, Total: 10}, 0, ""},
			40,
			"verify    100 %  12 B of 10 B  0 s",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.in.line(test.width); got != test.want {
				t.Errorf("\n%s, not\n%s", got, test.want)
			}
		})
	}
}

// A line with a bar always fits; text is the same without the bar.
func TestReadingFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reading{
			litekeep.Progress{
				Phase: rapid.SampledFrom([]string{"snapshot", "export", "verify", "build", "prove", "publish"}).Draw(t, "phase"),
				Rows:  rapid.Int64Range(0, 1<<50).Draw(t, "rows"),
				Bytes: rapid.Int64Range(0, 1<<50).Draw(t, "bytes"),
				Total: rapid.Int64Range(0, 1<<50).Draw(t, "total"),
			},
			time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "elapsed")), "",
		}
		width := rapid.IntRange(20, 200).Draw(t, "width")
		line := r.line(width)
		begin, end := strings.Index(line, "["), strings.Index(line, "]")
		if begin < 0 {
			if line != r.text() {
				t.Fatalf("%q is not %q", line, r.text())
			}
			return
		}
		if len(line) >= width {
			t.Fatalf("%d columns for %q", width, line)
		}
		if bar := line[begin:end]; strings.Trim(bar, "[#-") != "" {
			t.Fatalf("no bar: %q", line)
		}
	})
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Without a terminal a short run is quiet, and a long one says a line for each
// phase and each minute.
func TestMeterPlain(t *testing.T) {
	var out bytes.Buffer
	c := &clock{t: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)}
	m := &meter{screen: &screen{out: &out}, now: c.now, plain: true, begun: c.t, phase: c.t}
	says := func(phase string, pass time.Duration, want string) {
		t.Helper()
		c.pass(pass)
		m.report(litekeep.Progress{Phase: phase, Bytes: 1 << 20, Total: 2 << 20})
		m.tick()
		if got := out.String(); (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("after %v of %s: %q, not %q", pass, phase, got, want)
		}
		out.Reset()
	}
	m.tick()
	says("snapshot", 0, "")
	says("snapshot", 9*time.Second, "")
	says("export", 500*time.Millisecond, "")
	says("export", 500*time.Millisecond, "export     50 %  1.00 MiB of 2.00 MiB")
	says("export", 59*time.Second, "")
	says("export", 1*time.Second, "export")
	says("verify", 1*time.Second, "verify")
	says("verify", 1*time.Second, "")
	m.about("2 of 2  ")
	says("verify", 1*time.Second, "2 of 2  verify")
}

// The live line is rewritten in place, makes room for other output, and goes
// away.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, live: true, width: func() int { return 11 }}
	s.show("0123456789abc")
	s.show("012")
	s.show("012")
	if _, err := s.Write([]byte("message\n")); err != nil {
		t.Fatal(err)
	}
	s.show("")
	s.show("")
	const want = "\r0123456789" + "\r012       " + "\r   \rmessage\n" + "\r012" + "\r   \r"
	if got := out.String(); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// What another stream writes to the same terminal begins on a line of its own.
func TestScreenAbove(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, live: true, width: func() int { return 11 }}
	s.show("012")
	if _, err := s.above(&out).Write([]byte("result\n")); err != nil {
		t.Fatal(err)
	}
	const want = "\r012" + "\r   \r" + "result\n"
	if got := out.String(); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestScreenLabel(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	s.label("hint", "one\ntwo \x1b[2J")
	if got, want := out.String(), "hint: one\n      two \\x1b[2J\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	out.Reset()
	s.paint = true
	text.EnableColors()
	s.label("error", "x")
	if got, want := out.String(), "\x1b[31;1merror:\x1b[0m x\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
