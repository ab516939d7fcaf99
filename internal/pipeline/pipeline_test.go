package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/pipeline"
)

// TestMain checks that no test leaves a goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// double is a worker that takes the longer the smaller its input is, so that
// results come out of order.
func double() func(int) (int, error) {
	return func(i int) (int, error) {
		time.Sleep(time.Duration(i*7919%11) * 10 * time.Microsecond)
		return 2 * i, nil
	}
}

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.IntRange(-1, 5).Draw(t, "workers")
		window := rapid.IntRange(-1, 9).Draw(t, "window")
		n := rapid.IntRange(0, 60).Draw(t, "inputs")
		var got []int
		p := pipeline.New(t.Context(), workers, window, double, func(i int) error {
			got = append(got, i)
			return nil
		})
		var want []int
		for i := range n {
			if err := p.Add(i); err != nil {
				t.Fatal(err)
			}
			want = append(want, 2*i)
			if rapid.IntRange(0, 9).Draw(t, "flush") == 0 {
				if err := p.Flush(); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) { // no data race: Flush has waited for the outlet
					t.Fatalf("after Flush: %v, want %v", got, want)
				}
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestWorkersHaveTheirOwn checks that worker is called once for each worker,
// and that no two use the same at once.
func TestWorkersHaveTheirOwn(t *testing.T) {
	var made atomic.Int32
	worker := func() func(int) (int, error) {
		made.Add(1)
		var busy atomic.Bool
		return func(i int) (int, error) {
			if busy.Swap(true) {
				return 0, errors.New("a worker does two things at once")
			}
			time.Sleep(50 * time.Microsecond)
			busy.Store(false)
			return i, nil
		}
	}
	p := pipeline.New(t.Context(), 4, 8, worker, func(int) error { return nil })
	for i := range 100 {
		if err := p.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if made.Load() != 4 {
		t.Errorf("%d workers were made, want 4", made.Load())
	}
}

// TestParallel checks that the workers really work at the same time.
func TestParallel(t *testing.T) {
	meet := make(chan struct{})
	worker := func() func(int) (int, error) {
		return func(i int) (int, error) {
			select { // two of them meet here
			case meet <- struct{}{}:
			case <-meet:
			case <-time.After(10 * time.Second):
				return 0, errors.New("waited alone")
			}
			return i, nil
		}
	}
	p := pipeline.New(t.Context(), 2, 4, worker, func(int) error { return nil })
	for i := range 2 {
		if err := p.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWindow checks that no more inputs are taken than the window, the workers
// and the outlet hold.
func TestWindow(t *testing.T) {
	const workers, window = 2, 3
	release := make(chan struct{})
	p := pipeline.New(t.Context(), workers, window, double, func(int) error {
		<-release
		return nil
	})
	var added atomic.Int32
	done := make(chan error)
	go func() {
		for i := range 50 {
			if err := p.Add(i); err != nil {
				done <- err
				return
			}
			added.Add(1)
		}
		done <- p.Close()
	}()
	for late := time.Now().Add(10 * time.Second); added.Load() < window && time.Now().Before(late); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // for more, which must not come
	if n := added.Load(); n > window+workers+1 || n < window {
		t.Errorf("%d inputs were taken with a window of %d", n, window)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFirstErrorWins checks that of all errors the one that comes first in the
// order is returned, by everything and for good, and that the outlet gets what
// comes before it and nothing after.
func TestFirstErrorWins(t *testing.T) {
	for _, where := range []string{"worker", "outlet"} {
		t.Run(where, func(t *testing.T) {
			fault := func(i int) error {
				if i >= 20 {
					return fmt.Errorf("fault %d", i)
				}
				return nil
			}
			worker := func() func(int) (int, error) {
				return func(i int) (int, error) {
					if i == 20 {
						time.Sleep(5 * time.Millisecond) // the errors after it come earlier
					}
					if where == "worker" {
						return i, fault(i)
					}
					return i, nil
				}
			}
			var got []int
			p := pipeline.New(t.Context(), 3, 6, worker, func(i int) error {
				got = append(got, i)
				if where == "outlet" {
					return fault(i)
				}
				return nil
			})
			var err error
			for i := 0; err == nil && i < 10000; i++ {
				err = p.Add(i)
			}
			for name, err := range map[string]error{"Add": err, "Flush": p.Flush(), "Close": p.Close(), "second Close": p.Close()} {
				if err == nil || err.Error() != "fault 20" {
					t.Errorf("%s returns %v", name, err)
				}
			}
			want := 20
			if where == "outlet" {
				want = 21
			}
			if len(got) != want || got[want-1] != want-1 {
				t.Errorf("the outlet got %v", got)
			}
		})
	}
}

// TestErrorOfLastInput checks that an error after the last Add is found by
// Flush and by Close.
func TestErrorOfLastInput(t *testing.T) {
	bad := errors.New("bad")
	failing := func() func(int) (int, error) {
		return func(int) (int, error) { return 0, bad }
	}
	for name, end := range map[string]func(p *pipeline.Pipeline[int, int]) error{
		"Flush": (*pipeline.Pipeline[int, int]).Flush, "Close": (*pipeline.Pipeline[int, int]).Close,
	} {
		p := pipeline.New(t.Context(), 2, 2, failing, func(int) error { return nil })
		if err := p.Add(1); err != nil {
			t.Fatal(err)
		}
		if err := end(p); !errors.Is(err, bad) {
			t.Errorf("%s returns %v", name, err)
		}
		p.Stop()
	}
}

func TestCloseTwice(t *testing.T) {
	p := pipeline.New(t.Context(), 2, 2, double, func(int) error { return nil })
	if err := p.Add(1); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := p.Close(); err != nil {
			t.Errorf("Close returns %v", err)
		}
	}
	p.Stop()
	if err := p.Close(); err != nil {
		t.Errorf("Close after Stop after Close returns %v", err)
	}
}

// TestCancel checks that the end of the context ends everything, with its
// cause, and that nothing comes out of the outlet afterwards.
func TestCancel(t *testing.T) {
	cause := errors.New("lost interest")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var after, cancelled atomic.Bool
	started := make(chan struct{}, 100)
	worker := func() func(int) (int, error) {
		return func(i int) (int, error) {
			started <- struct{}{}
			<-ctx.Done()
			return i, nil
		}
	}
	p := pipeline.New(ctx, 2, 3, worker, func(int) error {
		after.Store(cancelled.Load())
		return nil
	})
	go func() {
		<-started
		cancelled.Store(true)
		cancel(cause)
	}()
	var err error
	for i := 0; err == nil; i++ {
		err = p.Add(i)
	}
	for name, err := range map[string]error{"Add": err, "Flush": p.Flush(), "Close": p.Close()} {
		if !errors.Is(err, cause) {
			t.Errorf("%s returns %v", name, err)
		}
	}
	if after.Load() {
		t.Error("the outlet was called after the context had ended")
	}
}

// TestStop checks that Stop ends a pipeline whose work is under way, whatever
// state it is in.
func TestStop(t *testing.T) {
	for _, n := range []int{0, 1, 5} {
		p := pipeline.New(t.Context(), 2, 5, double, func(int) error { return nil })
		for i := range n {
			if err := p.Add(i); err != nil {
				t.Fatal(err)
			}
		}
		p.Stop()
		p.Stop()
		if err := p.Close(); !errors.Is(err, context.Canceled) {
			t.Errorf("Close after Stop with %d inputs returns %v", n, err)
		}
	}
}

// TestStopSkipsWork checks that inputs that no worker has begun are dropped.
func TestStopSkipsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var worked atomic.Int32
		begun, release := make(chan struct{}, 10), make(chan struct{})
		worker := func() func(int) (int, error) {
			return func(i int) (int, error) {
				worked.Add(1)
				begun <- struct{}{}
				<-release
				return i, nil
			}
		}
		p := pipeline.New(t.Context(), 1, 5, worker, func(int) error { return nil })
		for i := range 5 {
			if err := p.Add(i); err != nil {
				t.Fatal(err)
			}
		}
		<-begun
		go func() {
			synctest.Wait() // until Stop waits for the one that was begun
			close(release)
		}()
		p.Stop()
		if n := worked.Load(); n != 1 {
			t.Errorf("%d inputs were worked on, want 1", n)
		}
	})
}
