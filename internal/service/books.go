package service

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/state"
)

// books are what the service keeps in its state. A state that cannot be written
// stops nothing: the service goes on with what it has in memory, and says so.
type books struct {
	store *state.Store
	log   *slog.Logger

	mu      sync.Mutex
	problem string // of the last write, "" if it went well
	late    []Run  // ended, which could not be recorded
	places  map[string]destination.Known
}

// maxLate is how many of these are kept in memory.
const maxLate = 1000

// keep notes how a use of the state went.
func (b *books) keep(what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.problem = ""
		return
	}
	b.problem = what + ": " + err.Error()
	b.log.Error("state cannot be used", "what", what, "error", err)
}

// trouble says what is wrong with the state, "" if nothing is.
func (b *books) trouble() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problem
}

// write does something that a run which is stopped must not be kept from
// recording.
func (b *books) write(what string, f func(context.Context) error) (ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	err := f(ctx)
	b.keep(what, err)
	return err == nil
}

// stateTimeout is how long the state may take. It is a small local file.
const stateTimeout = 10 * time.Second

// begin records that a run begins, with its slot in one step. It reports false
// if the slot was run before, which must not be done again.
func (b *books) begin(r Run) (ok bool) {
	ok = true
	b.write("record the run", func(ctx context.Context) error {
		if r.Slot.IsZero() || r.Trigger == triggerRetry {
			return b.store.BeginRun(ctx, toState(r))
		}
		err := b.store.BeginSlot(ctx, toState(r))
		if errors.Is(err, state.ErrSlotTaken) {
			ok, err = false, nil
		}
		return err
	})
	return ok
}

// end records how a run ended, later if that cannot be done now: it would look as if
// it went on for ever, and after the next start as if it had been cut off.
func (b *books) end(r Run) {
	if b.record(r) || b.store == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.late) < maxLate {
		b.late = append(b.late, r)
	}
}

func (b *books) record(r Run) bool {
	return b.write("record the end of the run", func(ctx context.Context) error { return b.store.EndRun(ctx, toState(r)) })
}

// catchUp records the ends that could not be recorded before, until one fails. Only
// one may go on at a time.
func (b *books) catchUp() {
	for {
		b.mu.Lock()
		late := b.late
		b.mu.Unlock()
		if len(late) == 0 || !b.record(late[0]) {
			return
		}
		b.mu.Lock()
		b.late = b.late[1:]
		b.mu.Unlock()
	}
}

func (b *books) setSlot(database string, slot time.Time) {
	b.write("record the slot", func(ctx context.Context) error { return b.store.SetSlot(ctx, database, slot) })
}

func (b *books) slot(ctx context.Context, database string) time.Time {
	slot, err := b.store.Slot(ctx, database)
	b.keep("read the slot", err)
	return slot
}

// cutOff returns the runs that an earlier life of the service began and did not
// end, recorded as crashed.
func (b *books) cutOff(ctx context.Context, now time.Time) []Run {
	runs, err := b.store.CutOff(ctx, now)
	b.keep("record the runs that were cut off", err)
	return fromStates(runs)
}

// lastBackup returns the last backup run that has ended, nil if there is none.
func (b *books) lastBackup(ctx context.Context, database string) *Run {
	r, err := b.store.LastRun(ctx, database, string(KindBackup))
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	b.keep("read the last run", err)
	if err != nil {
		return nil
	}
	run := fromState(r)
	return &run
}

// messagesFor is how long messages that were delivered are kept.
const messagesFor = 30 * 24 * time.Hour

// keepRuns is how many runs of each database stay however old they are.
const keepRuns = 20

// trim removes what is too old.
func (b *books) trim(ctx context.Context, now time.Time, history time.Duration) {
	_, err := b.store.TrimRuns(ctx, keepRuns, now.Add(-history))
	_, again := b.store.TrimMessages(ctx, now.Add(-messagesFor))
	b.keep("remove what is old", errors.Join(err, again))
}

// auditNote is the key of the newest entry of the audit log, which is kept here
// too so that a log that was cut off at its end is found out.
const auditNote = "audit/head"

func (b *books) setAuditHead(h audit.Head) {
	b.write("record the head of the audit log", func(ctx context.Context) error {
		text, err := json.Marshal(h.String())
		if err != nil {
			return err
		}
		return b.store.PutNote(ctx, auditNote, text)
	})
}

// auditHead returns the zero Head where none is known.
func (b *books) auditHead(ctx context.Context) audit.Head {
	var text string
	note, err := b.store.Note(ctx, auditNote)
	if err == nil {
		err = json.Unmarshal(note, &text)
	}
	if err != nil {
		return audit.Head{}
	}
	h, err := audit.ParseHead(text)
	if err != nil {
		return audit.Head{}
	}
	return h
}

func shrinkageNote(database string) string { return "shrunken/" + database }

func (b *books) setShrinkage(database string, x *shrinkage) { setNote(b, shrinkageNote(database), x) }

func (b *books) shrinkage(ctx context.Context, database string) *shrinkage {
	return readNote[shrinkage](ctx, b, shrinkageNote(database))
}

func sizeNote(database string) string { return "size/" + database }

func (b *books) setSize(database string, x *size) { setNote(b, sizeNote(database), x) }

func (b *books) size(ctx context.Context, database string) *size {
	return readNote[size](ctx, b, sizeNote(database))
}

// fleetNote is the key of what patterns have brought.
const fleetNote = "fleet"

func (b *books) setFleet(f *fleet) { setNote(b, fleetNote, f) }

// fleet returns an empty one where none is known.
func (b *books) fleet(ctx context.Context) *fleet {
	if f := readNote[fleet](ctx, b, fleetNote); f != nil {
		return f
	}
	return &fleet{}
}

// setNote keeps a value under a key, or nothing for nil.
func setNote[T any](b *books, key string, x *T) {
	b.write("record "+key, func(ctx context.Context) error {
		if x == nil {
			return b.store.DeleteNote(ctx, key)
		}
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		return b.store.PutNote(ctx, key, text)
	})
}

// readNote returns what is kept under a key, nil if that is nothing.
func readNote[T any](ctx context.Context, b *books, key string) *T {
	text, err := b.store.Note(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	var x T
	if err == nil {
		err = json.Unmarshal(text, &x)
	}
	b.keep("read "+key, err)
	if err != nil {
		return nil
	}
	return &x
}

func toState(r Run) state.Run {
	out := state.Run{
		ID: r.ID, Database: r.Database, Kind: string(r.Kind), Trigger: r.Trigger, Actor: r.By, Slot: r.Slot,
		Attempt: r.Attempt, Started: r.Started, Ended: r.Ended, Outcome: string(r.Outcome), Error: r.Error,
		Hint: r.Hint, Backup: r.Backup, DryRun: r.DryRun, SizeBytes: r.SizeBytes, DocumentBytes: r.DocumentBytes,
		TableCount: r.TableCount, RecordCount: r.RecordCount, Verified: r.Verified,
		Duration: time.Duration(r.Seconds * float64(time.Second)),
	}
	for _, l := range r.Log {
		out.Log = append(out.Log, state.LogLine(l))
	}
	return out
}

func fromState(r state.Run) Run {
	out := Run{
		ID: r.ID, Database: r.Database, Kind: Kind(r.Kind), Trigger: r.Trigger, By: r.Actor, Slot: r.Slot,
		Attempt: r.Attempt, Started: r.Started, Ended: r.Ended, Outcome: Outcome(r.Outcome), Error: r.Error,
		Hint: r.Hint, Backup: r.Backup, DryRun: r.DryRun, SizeBytes: r.SizeBytes, DocumentBytes: r.DocumentBytes,
		TableCount: r.TableCount, RecordCount: r.RecordCount, Verified: r.Verified, Seconds: r.Duration.Seconds(),
	}
	for _, l := range r.Log {
		out.Log = append(out.Log, LogLine(l))
	}
	return out
}

func fromStates(list []state.Run) []Run {
	runs := make([]Run, len(list))
	for i, r := range list {
		runs[i] = fromState(r)
	}
	return runs
}
