package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// screen is standard error. At a terminal it has a live line at the bottom,
// which goes away before anything else is written and comes back below it.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	live  bool // a live line can be shown
	paint bool // colours can be shown
	width func() int
	line  string // the live line as it stands
}

func newScreen(f *os.File) *screen {
	terminal := isTerminal(f)
	return &screen{
		out: f, live: terminal, paint: terminal,
		width: func() int { return terminalWidth(f) },
	}
}

// isTerminal reports whether f is a terminal that can move its cursor.
func isTerminal(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Write writes whole lines above the live line.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.line
	s.draw("")
	n, err := s.out.Write(b)
	if bytes.HasSuffix(b, []byte("\n")) {
		s.draw(line)
	}
	return n, err
}

// above is a writer to another stream of the same terminal: the live line goes away
// before what is written there, and comes back with the next show.
func (s *screen) above(out io.Writer) io.Writer { return aboveScreen{s, out} }

type aboveScreen struct {
	screen *screen
	out    io.Writer
}

// Write takes the live line away and writes b.
func (a aboveScreen) Write(b []byte) (int, error) {
	a.screen.mu.Lock()
	defer a.screen.mu.Unlock()
	a.screen.draw("")
	return a.out.Write(b)
}

// show makes text the live line, cut to the width of the terminal; "" takes it
// away.
func (s *screen) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draw(line)
}

func (s *screen) draw(line string) {
	if !s.live || line == s.line {
		return
	}
	line = text.Trim(line, s.width()-1) // a full line would wrap
	pad := max(text.StringWidth(s.line)-text.StringWidth(line), 0)
	out := "\r" + line + strings.Repeat(" ", pad)
	if line == "" {
		out += "\r"
	}
	_, _ = io.WriteString(s.out, out)
	s.line = line
}

var labels = map[string]text.Colors{
	"error":   {text.FgRed, text.Bold},
	"warning": {text.FgYellow, text.Bold},
	"hint":    {text.FgCyan, text.Bold},
}

// label writes a message as "label: message"; further lines of it are indented.
func (s *screen) label(label, message string) {
	indent := "\n" + strings.Repeat(" ", len(label)+2)
	message = strings.ReplaceAll(message, "\n", indent)
	shown := label + ":"
	if s.paint {
		shown = labels[label].Sprint(shown)
	}
	_, _ = io.WriteString(s, shown+" "+printable(message)+"\n")
}
