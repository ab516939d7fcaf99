package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// Waiting is the parameter of operations that start a run.
type Waiting struct {
	Wait string `query:"wait" default:"true" doc:"true: answer when the run has ended; false: at once; a time such as 30s: at the latest then" example:"30s"`
}

// maxWait is the longest time that wait may name.
const maxWait = time.Hour

// parseWait returns how long to wait: less than zero until the end, zero not at
// all.
func parseWait(s string) (time.Duration, error) {
	switch s {
	case "true":
		return -1, nil
	case "false":
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxWait {
		return 0, badRequest("query.wait", "true, false or a time up to 1h, such as 30s")
	}
	return d, nil
}

// wait waits for a run until it has ended, the time is over, the caller is gone
// or the service stops, and returns it as it is then.
func (a *API) wait(ctx context.Context, by access.Principal, run *service.Run, d time.Duration) (*service.Run, error) {
	if d == 0 || ended(run) {
		return run, nil
	}
	if d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	ctx, cancel := a.untilStopping(ctx)
	defer cancel()
	return a.door.Wait(ctx, by, run.ID)
}

// untilStopping returns a context that ends when the service stops, too. cancel
// waits until nothing is left of it.
func (a *API) untilStopping(ctx context.Context) (_ context.Context, cancel func()) {
	ctx, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-a.o.Stopping:
			end()
		case <-ctx.Done():
		}
	})
	return ctx, func() { end(); watch.Wait() }
}

func ended(r *service.Run) bool { return !r.Ended.IsZero() }

// RunAnswer begins the answer of every operation that starts a run, and is all
// of it until the run has ended.
type RunAnswer struct {
	Success  bool            `json:"success" doc:"The run has ended, and did what it was to do"`
	Done     bool            `json:"done" doc:"The run has ended"`
	RunID    string          `json:"run_id" doc:"For /api/runs/{id}"`
	Database string          `json:"database"`
	Outcome  service.Outcome `json:"outcome"`
	Seconds  float64         `json:"duration_seconds" doc:"So far, if the run has not ended"`
}

func runAnswer(r *service.Run) RunAnswer {
	good := r.Outcome == service.OutcomeOK || r.Outcome == service.OutcomePartial
	return RunAnswer{Success: ended(r) && good, Done: ended(r), RunID: r.ID, Database: r.Database, Outcome: r.Outcome, Seconds: r.Seconds}
}

// A started is the answer of an operation that started a run.
type started[T any] struct {
	Status   int
	Location string `header:"Location"`
	Body     T
}

// settleRun waits for a run that was just started, and makes the answer: 202
// while it goes on, a problem where it failed, and else what result returns.
func settleRun[T any](ctx context.Context, a *API, op *operation, by access.Principal, w Waiting, start func() (*service.Run, error), result func(*service.Run) T) (*started[T], error) {
	limit, err := parseWait(w.Wait)
	if err != nil {
		return nil, err
	}
	run, err := start()
	if err != nil {
		return nil, err
	}
	if run, err = a.wait(ctx, by, run, limit); err != nil {
		return nil, err
	}
	out := &started[T]{Status: http.StatusOK, Location: "/api/runs/" + run.ID, Body: result(run)}
	if !ended(run) {
		out.Status = http.StatusAccepted
		return out, nil
	}
	if err := a.failedRun(ctx, op, run); err != nil {
		return nil, err
	}
	return out, nil
}

// ifDone is the part of an answer that is there once a run has ended.
func ifDone[T any](r *service.Run, v T) *T {
	if !ended(r) {
		return nil
	}
	return &v
}
