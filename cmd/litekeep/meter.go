package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

// How often a meter shows something.
const (
	meterRefresh = 100 * time.Millisecond // at a terminal
	meterPatient = 10 * time.Second       // before the first plain line
	meterPlain   = time.Minute            // between plain lines of one phase
)

// meter shows how far a run has come. At a terminal that is a live line. Else it
// is nothing, or for a run that takes long a plain line at the beginning of each
// phase and every minute.
type meter struct {
	screen *screen
	now    func() time.Time
	label  string // before the phase, such as "2 of 5 "
	plain  bool

	mu    sync.Mutex
	state litekeep.Progress
	begun time.Time // the run
	phase time.Time // the phase
	said  time.Time // the last plain line
	told  string    // its phase

	quit chan struct{}
	done sync.WaitGroup
}

// meter starts a meter, or returns nil where nothing is to be shown.
func (a *app) meter() *meter {
	if a.quiet || (a.json && !a.screen.live) {
		return nil
	}
	m := &meter{screen: a.screen, now: a.now, plain: !a.screen.live, quit: make(chan struct{})}
	m.begun = m.now()
	m.phase = m.begun
	m.done.Go(m.refresh)
	return m
}

func (m *meter) refresh() {
	tick := time.NewTicker(meterRefresh)
	defer tick.Stop()
	for {
		select {
		case <-m.quit:
			m.screen.show("")
			return
		case <-tick.C:
			m.tick()
		}
	}
}

// stop takes the live line away. It may be called on nil and more than once.
func (m *meter) stop() {
	if m == nil {
		return
	}
	m.mu.Lock()
	select {
	case <-m.quit:
	default:
		close(m.quit)
	}
	m.mu.Unlock()
	m.done.Wait()
}

// report takes the state of the run. It is called often.
func (m *meter) report(p litekeep.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Phase != m.state.Phase {
		m.phase = m.now()
	}
	m.state = p
}

// about names what the next phases are of.
func (m *meter) about(label string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.label, m.state = label, litekeep.Progress{}
}

func (m *meter) tick() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if m.state.Phase == "" {
		return
	}
	r := reading{m.state, now.Sub(m.phase), m.label}
	if !m.plain {
		m.screen.show(r.line(m.screen.width()))
		return
	}
	key := m.label + m.state.Phase
	if now.Sub(m.begun) < meterPatient || (key == m.told && now.Sub(m.said) < meterPlain) {
		return
	}
	m.told, m.said = key, now
	fmt.Fprintln(m.screen, r.text())
}

// reading is a meter at one moment.
type reading struct {
	litekeep.Progress
	elapsed time.Duration // in this phase
	label   string
}

// text is the reading as a plain line.
func (r reading) text() string {
	return strings.TrimRight(r.head()+"  "+strings.Join(r.parts(), "  "), " ")
}

// line is the reading in at most width columns, with a bar where it fits.
func (r reading) line(width int) string {
	const least, most = 6, 30
	head, tail := r.head(), strings.Join(r.parts(), "  ")
	room := min(width-1-len(head)-len(tail)-6, most)
	if f := r.fraction(); f >= 0 && room >= least {
		full := int(f * float64(room))
		head += "  [" + strings.Repeat("#", full) + strings.Repeat("-", room-full) + "]"
	}
	return strings.TrimRight(head+"  "+tail, " ")
}

func (r reading) head() string { return fmt.Sprintf("%s%-8s", r.label, r.Phase) }

// fraction is how much of the phase is done, -1 if that is not known.
func (r reading) fraction() float64 {
	if r.Total <= 0 {
		return -1
	}
	return min(float64(r.Bytes)/float64(r.Total), 1)
}

// parts are what is known: how much of how much, the rate, the time left, rows.
func (r reading) parts() []string {
	var parts []string
	f := r.fraction()
	switch {
	case f >= 0:
		parts = append(parts, fmt.Sprintf("%3d %%", int(f*100)), human.Bytes(r.Bytes)+" of "+human.Bytes(r.Total))
	case r.Bytes > 0:
		parts = append(parts, human.Bytes(r.Bytes))
	}
	if s := r.elapsed.Seconds(); s >= 0.5 && r.Bytes > 0 {
		parts = append(parts, human.Bytes(int64(float64(r.Bytes)/s))+"/s")
		if f > 0 && f < 1 {
			parts = append(parts, human.Duration(time.Duration(float64(r.elapsed)*(1-f)/f))+" left")
		}
	}
	if f < 0 || f == 1 {
		parts = append(parts, human.Duration(r.elapsed)) // so that something moves
	}
	if r.Rows > 0 {
		parts = append(parts, human.Plural(r.Rows, "row"))
	}
	return parts
}
