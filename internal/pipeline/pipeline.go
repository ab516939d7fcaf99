// Package pipeline runs work in parallel and hands the results on in the order
// in which the work came in. It is how litekeep keeps all cores busy on data
// that must stay in order: frames, batches of rows.
package pipeline

import (
	"context"
	"sync"
)

// A Pipeline has one stage of parallel work and one ordered outlet. Add, Flush
// and Close are called by one goroutine.
type Pipeline[In, Out any] struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	jobs   chan *job[In, Out]
	order  chan *job[In, Out]
	all    sync.WaitGroup
	closed bool
	err    error // what Close returns, once closed
}

type job[In, Out any] struct {
	in   In
	out  Out
	err  error
	done chan struct{} // closed when out and err are set
	// passed, if not nil, is closed when the outlet has taken the result; a
	// job with passed carries no work.
	passed chan struct{}
}

// New starts a pipeline. Worker is called once for each of the workers and
// returns the function that does the work; what it closes over belongs to that
// worker alone. Outlet is called by one goroutine with each result, in order.
// At most window inputs wait; besides, each worker and the outlet hold one.
// Less than one worker or a window of less than one counts as one.
func New[In, Out any](ctx context.Context, workers, window int,
	worker func() func(In) (Out, error), outlet func(Out) error,
) *Pipeline[In, Out] {
	workers, window = max(workers, 1), max(window, 1)
	ctx, cancel := context.WithCancelCause(ctx)
	p := &Pipeline[In, Out]{
		ctx: ctx, cancel: cancel,
		jobs: make(chan *job[In, Out], window), order: make(chan *job[In, Out], window),
	}
	for range workers {
		p.all.Go(func() { p.work(worker()) })
	}
	p.all.Go(func() { p.deliver(outlet) })
	return p
}

func (p *Pipeline[In, Out]) work(do func(In) (Out, error)) {
	for j := range p.jobs {
		if p.ctx.Err() == nil {
			j.out, j.err = do(j.in)
		}
		close(j.done)
	}
}

func (p *Pipeline[In, Out]) deliver(outlet func(Out) error) {
	for j := range p.order {
		if j.passed != nil {
			close(j.passed)
			continue
		}
		<-j.done
		err := j.err
		if err == nil && p.ctx.Err() == nil {
			err = outlet(j.out)
		}
		j.forget()
		if err != nil {
			p.cancel(err)
		}
	}
}

// forget lets go of what a job was about: goroutines still hold the job itself
// while they wait for the next.
func (j *job[In, Out]) forget() {
	var in In
	var out Out
	j.in, j.out = in, out
}

// Add hands in over to a worker. It blocks while the window is full, and
// returns the first error of the pipeline once there is one.
func (p *Pipeline[In, Out]) Add(in In) error {
	j := &job[In, Out]{in: in, done: make(chan struct{})}
	// Order first: a job that a worker holds always has its place in the order.
	select {
	case p.order <- j:
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
	p.jobs <- j // never blocks for long: there are no more jobs than places in order
	return nil
}

// Flush waits until the outlet has taken all results so far.
func (p *Pipeline[In, Out]) Flush() error {
	j := &job[In, Out]{passed: make(chan struct{})}
	select {
	case p.order <- j:
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
	<-j.passed
	return context.Cause(p.ctx)
}

// Close waits for all work to end and returns the first error. Calling it again
// changes nothing.
func (p *Pipeline[In, Out]) Close() error {
	if !p.closed {
		p.closed = true
		close(p.jobs)
		close(p.order)
		p.all.Wait()
		p.err = context.Cause(p.ctx)
		p.cancel(nil)
	}
	return p.err
}

// Stop abandons the work that is under way and waits for the goroutines to
// end. After Close it does nothing.
func (p *Pipeline[In, Out]) Stop() {
	p.cancel(context.Canceled)
	_ = p.Close() // only says that it was cancelled
}
