package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/litekeep/litekeep"
)

// maxLog is how many lines of a run's log are kept. A run that says more has
// said enough.
const maxLog = 200

// progressEvery is how often those who watch hear of the progress of a run.
const progressEvery = 250 * time.Millisecond

// Why a run was stopped, as the cause of its context.
var (
	errTimeLimit = errors.New("longer than its time limit")
	errStopped   = errors.New("the service was stopped")
	errCancelled = errors.New("cancelled")
	errSlotTaken = errors.New("this slot was run before")
)

// A job is a run that is queued or goes on.
type job struct {
	now    func() time.Time
	told   func(Run) // hears of progress
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the run has ended and is recorded

	mu    sync.Mutex
	run   Run
	meter meter
	say   throttle
}

// snapshot returns the run as it is.
func (j *job) snapshot(withLog bool) Run {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.run
	if r.Ended.IsZero() {
		r.Seconds = j.now().Sub(r.Started).Seconds()
	}
	if r.Progress != nil {
		p := *r.Progress
		r.Progress = &p
	}
	r.Log = nil
	if withLog {
		r.Log = append([]LogLine{}, j.run.Log...)
	}
	return r
}

// change changes the run.
func (j *job) change(f func(*Run)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&j.run)
}

// logf adds a line to the log of the run.
func (j *job) logf(level slog.Level, format string, args ...any) {
	j.line(level, fmt.Sprintf(format, args...))
}

func (j *job) line(level slog.Level, text string) {
	name := "info"
	switch {
	case level >= slog.LevelError:
		name = "error"
	case level >= slog.LevelWarn:
		name = "warn"
	}
	j.change(func(r *Run) {
		if len(r.Log) < maxLog {
			r.Log = append(r.Log, LogLine{Time: j.now(), Level: name, Text: text})
		}
	})
}

// progress takes what package litekeep reports.
func (j *job) progress(p litekeep.Progress) {
	now := j.now()
	j.change(func(r *Run) { r.Progress = j.meter.measure(p, now) })
	if j.say.ready(now) {
		j.told(j.snapshot(false))
	}
}

// A meter makes shares and times of what a run reports.
type meter struct {
	phase string
	began time.Time
}

func (m *meter) measure(p litekeep.Progress, now time.Time) *Progress {
	if p.Phase != m.phase {
		m.phase, m.began = p.Phase, now
	}
	out := &Progress{Phase: p.Phase, Rows: p.Rows, Bytes: p.Bytes, Total: p.Total}
	if p.Total <= 0 {
		return out
	}
	share := min(float64(p.Bytes)/float64(p.Total), 1)
	out.Percent = 100 * share
	if spent := now.Sub(m.began).Seconds(); share > 0 && spent > 1 {
		out.Left = spent/share - spent
	}
	return out
}

// jobHandler puts the log of a run into its job, and hands it on.
type jobHandler struct {
	slog.Handler
	job *job
}

func (h jobHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h jobHandler) Handle(ctx context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	h.job.line(r.Level, text)
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h jobHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return jobHandler{h.Handler.WithAttrs(attrs), h.job}
}

func (h jobHandler) WithGroup(name string) slog.Handler {
	return jobHandler{h.Handler.WithGroup(name), h.job}
}
