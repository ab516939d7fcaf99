package notify

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	storeTime = 5 * time.Second // of one call of the store
	storeRest = time.Minute     // after one that failed
)

// keeper writes to the store, and lets the Center go on when that fails. After a
// failure it leaves the store alone for a while, so that one that hangs does not
// hold up everything, and then writes all there is.
//
// Its methods are called under the mutex of the Center, except for problem.
type keeper struct {
	store      Store
	options    Options
	everything func() ([]Item, []Condition)
	rest       time.Time // until when the store is left alone
	forgotten  map[string]bool
	ended      map[troubleKey]bool

	mu  sync.Mutex
	err error
}

func newKeeper(s Store, o Options) *keeper {
	return &keeper{store: s, options: o, forgotten: map[string]bool{}, ended: map[troubleKey]bool{}}
}

// problem returns why the store cannot be written, or nil.
func (k *keeper) problem() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

func (k *keeper) set(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// load reads the store.
func (k *keeper) load(ctx context.Context) (items []Item, conditions []Condition) {
	k.try(ctx, func(ctx context.Context) (err error) {
		if items, err = k.store.Undelivered(ctx); err != nil {
			return err
		}
		conditions, err = k.store.AllConditions(ctx)
		return err
	})
	return items, conditions
}

func (k *keeper) enqueue(ctx context.Context, it Item) {
	k.do(ctx, func(ctx context.Context) error { return k.store.Enqueue(ctx, it) })
}

func (k *keeper) put(ctx context.Context, c Condition) {
	delete(k.ended, troubleKey{c.Subject, c.Kind})
	k.do(ctx, func(ctx context.Context) error { return k.store.PutCondition(ctx, c) })
}

func (k *keeper) failed(ctx context.Context, next time.Time, reason string, ids []string) {
	k.do(ctx, func(ctx context.Context) error { return k.store.Failed(ctx, next, reason, ids...) })
}

// delivered marks items as done. What cannot be marked now is marked later: it
// would be sent again otherwise.
func (k *keeper) delivered(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	if !k.do(ctx, func(ctx context.Context) error { return k.store.Delivered(ctx, k.options.Now(), ids...) }) {
		for _, id := range ids {
			k.forgotten[id] = true
		}
	}
}

func (k *keeper) remove(ctx context.Context, key troubleKey) {
	if !k.do(ctx, func(ctx context.Context) error { return k.store.DeleteCondition(ctx, key.subject, key.kind) }) {
		k.ended[key] = true
	}
}

// do writes to the store, and reports whether that went well.
func (k *keeper) do(ctx context.Context, write func(context.Context) error) bool {
	if k.problem() == nil {
		return k.try(ctx, write)
	}
	if k.options.Now().Before(k.rest) || k.everything == nil {
		return false
	}
	return k.try(ctx, k.catchUp) && k.try(ctx, write)
}

// catchUp writes all that the store may have missed.
func (k *keeper) catchUp(ctx context.Context) error {
	items, conditions := k.everything()
	if err := k.store.Enqueue(ctx, items...); err != nil {
		return err
	}
	for _, c := range conditions {
		if err := k.store.PutCondition(ctx, c); err != nil {
			return err
		}
	}
	for key := range k.ended {
		if err := k.store.DeleteCondition(ctx, key.subject, key.kind); err != nil {
			return err
		}
		delete(k.ended, key)
	}
	var ids []string
	for id := range k.forgotten {
		ids = append(ids, id)
	}
	if err := k.store.Delivered(ctx, k.options.Now(), ids...); err != nil {
		return err
	}
	clear(k.forgotten)
	return nil
}

// try calls the store within its time, also after ctx has ended: what has happened
// is to be kept.
func (k *keeper) try(ctx context.Context, call func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	err := call(ctx)
	before := k.problem()
	k.set(err)
	switch {
	case err != nil:
		k.rest = k.options.Now().Add(storeRest)
		k.options.Log.Error("notifications cannot be kept, delivering from memory", "error", err)
	case before != nil:
		k.options.Log.Info("notifications are kept again")
	}
	return err == nil
}

// note is what messages say while the store cannot be written.
func (k *keeper) note() []string {
	if err := k.problem(); err != nil {
		return []string{fmt.Sprintf("The service cannot write its state (%s): it tells this from memory, and would forget it when it stops.", cut(oneLine(err.Error()), 200))}
	}
	return nil
}
