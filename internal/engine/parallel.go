package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

// maxWorkers bounds the connections that check one file at the same time: each
// has a page cache and a parsed schema of its own.
const maxWorkers = 4

// checkCacheKiB is divided among the connections.
const checkCacheKiB = 8 << 10

// task is a piece of work on a connection of its worker.
type task struct {
	weight int64 // how long it takes, compared with others
	run    func(ctx context.Context, c *Conn) error
}

// onWorkers runs tasks on several immutable connections to a private database
// that d describes, in the order given; prepare is called for each connection before it loads
// the schema. The first error ends it.
func onWorkers(ctx context.Context, path string, d *Description, prepare func(*Conn), tasks []task) error {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers, len(tasks))
	if d.Large() {
		workers = min(workers, 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan task, len(tasks))
	for _, t := range tasks {
		queue <- t
	}
	close(queue)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			errs[i] = work(ctx, path, prepare, checkCacheKiB/workers, queue)
			if errs[i] != nil {
				cancel()
			}
		})
	}
	group.Wait()
	return firstCause(errs)
}

func work(ctx context.Context, path string, prepare func(*Conn), cacheKiB int, queue <-chan task) error {
	c, _, err := openLoaded(ctx, path, prepare)
	if err != nil {
		return err
	}
	err = c.setCache(ctx, cacheKiB)
	for t := range queue {
		if err == nil {
			err = t.run(ctx, c)
		}
	}
	return errors.Join(err, c.Close())
}

// firstCause returns an error that is not just the end of the others' context,
// if there is one.
func firstCause(errs []error) error {
	var cancelled error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			cancelled = err
		}
	}
	return cancelled
}
