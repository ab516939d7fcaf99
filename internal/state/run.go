package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Outcomes that this package gives a meaning to. Callers have more.
const (
	OutcomeRunning = "running" // a run without an outcome that has not ended
	OutcomeOK      = "ok"      // TrimRuns keeps the last of these
	OutcomeCrashed = "crashed" // what CutOff makes of a run
)

// MaxLogLines and MaxLogText bound the log of a run: how many lines are kept (the
// first and the last half of them), and the bytes of each.
const (
	MaxLogLines = 1000
	MaxLogText  = 4096
)

// Run is one thing that the service did, or does.
type Run struct {
	ID       string    // unique, and sorts by the time at which the run began
	Database string    // the name that it has in the configuration
	Kind     string    // backup, verify, restore, cleanup or sync
	Trigger  string    // what made it begin, as the service names it
	Actor    string    // who asked for it, "" for the service itself
	Slot     time.Time // of the schedule that it handles, zero for none
	Attempt  int       // 1 for the first
	DryRun   bool      // it changes nothing
	Started  time.Time
	Ended    time.Time // zero while it is under way
	Outcome  string
	Error    string // for people
	Hint     string // the way out, "" if none is known
	Backup   string // file name of the backup that it made or read

	SizeBytes     int64 // of the stored object
	DocumentBytes int64 // of the JSON text
	TableCount    int64
	RecordCount   int64
	Duration      time.Duration
	Verified      bool // what it made or read was read from end to end
	// Detail is what else the caller wants to know of it, JSON or nil. Runs
	// leaves it and Log out.
	Detail json.RawMessage
	Log    []LogLine
}

// LogLine is one thing that happened in a run.
type LogLine struct {
	Time  time.Time `json:"time"`
	Level string    `json:"level"` // info, warn or error
	Text  string    `json:"text"`
}

// RunFilter chooses runs. A zero field chooses all.
type RunFilter struct {
	Database  string
	Databases []string // any of these
	Kind      string
	Outcome   string
	Before    string // an ID: only runs that began before this one
	Limit     int    // how many at most, 0 for all
}

// brief are the columns of a run that a list shows, full all of them.
var (
	brief = strings.Fields(`id database kind "trigger" actor slot attempt dry_run started ended outcome error hint
		backup size_bytes document_bytes table_count record_count duration verified`)
	full = append(slices.Clip(brief), "detail", "log")
)

func (r *Run) briefTargets() []any {
	return []any{
		&r.ID, &r.Database, &r.Kind, &r.Trigger, &r.Actor,
		moment{&r.Slot},
		&r.Attempt, &r.DryRun,
		moment{&r.Started},
		moment{&r.Ended},
		&r.Outcome, &r.Error, &r.Hint, &r.Backup, &r.SizeBytes,
		&r.DocumentBytes, &r.TableCount, &r.RecordCount, (*int64)(&r.Duration), &r.Verified,
	}
}

func (r *Run) fullTargets() []any {
	return append(r.briefTargets(), raw{&r.Detail}, array[LogLine]{&r.Log})
}

// values are what is stored of a run, in the order of full.
func (r *Run) values() ([]any, error) {
	detail, err := text(r.Detail)
	if err != nil {
		return nil, fmt.Errorf("detail of run: %w", err)
	}
	log, err := list(bounded(r.Log))
	if err != nil {
		return nil, fmt.Errorf("log of run: %w", err)
	}
	outcome := r.Outcome
	if outcome == "" {
		outcome = OutcomeRunning
	}
	return []any{
		r.ID, r.Database, r.Kind, r.Trigger, r.Actor, ms(r.Slot), r.Attempt, r.DryRun,
		ms(r.Started), ms(r.Ended), outcome, r.Error, r.Hint, r.Backup, r.SizeBytes,
		r.DocumentBytes, r.TableCount, r.RecordCount, int64(r.Duration), r.Verified, detail, log,
	}, nil
}

// bounded returns a log within its bounds.
func bounded(log []LogLine) []LogLine {
	if len(log) > MaxLogLines {
		const half = MaxLogLines / 2
		gap := LogLine{
			Time: log[half].Time, Level: "info",
			Text: fmt.Sprintf("%d lines are left out here", len(log)-MaxLogLines+1),
		}
		log = slices.Concat(log[:half], []LogLine{gap}, log[len(log)-half+1:])
	}
	log = slices.Clone(log)
	for i := range log {
		if line := log[i].Text; len(line) > MaxLogText {
			end := MaxLogText
			for end > 0 && !utf8.RuneStart(line[end]) {
				end--
			}
			log[i].Text = line[:end] + " …"
		}
	}
	return log
}

// insertRun stores a run. With replace it may be there already.
func (s *Store) insertRun(ctx context.Context, tx *sql.Tx, r Run, replace bool) error {
	if r.ID == "" || r.Database == "" || r.Kind == "" || r.Started.IsZero() {
		return fmt.Errorf("%w: a run needs an ID, a database, a kind and a start", errInvalid)
	}
	values, err := r.values()
	if err != nil {
		return err
	}
	statement := "INSERT INTO runs(" + strings.Join(full, ",") + ",process) VALUES (" + places(len(full)+1) + ")"
	if replace {
		var set []string
		for _, column := range full[1:] {
			set = append(set, column+"=excluded."+column)
		}
		statement += " ON CONFLICT(id) DO UPDATE SET " + strings.Join(set, ",")
	}
	_, err = tx.ExecContext(ctx, statement, append(values, s.process)...)
	return err
}

// places are n places for values in a statement.
func places(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// BeginRun stores a run that begins. One whose ID is taken is an error.
func (s *Store) BeginRun(ctx context.Context, r Run) error {
	return s.write(ctx, "begin run", func(tx *sql.Tx) error { return s.insertRun(ctx, tx, r, false) })
}

// BeginSlot stores a run that begins and, in the same transaction, that its slot
// is handled. The error is ErrSlotTaken, and nothing is stored, if this very slot
// was stored for the database before. An earlier slot than the stored one is
// taken: a clock that was wrong may have stored a later one.
func (s *Store) BeginSlot(ctx context.Context, r Run) error {
	return s.write(ctx, "begin slot", func(tx *sql.Tx) error {
		if r.Slot.IsZero() {
			return fmt.Errorf("%w: the run has no slot", errInvalid)
		}
		var stored time.Time
		err := tx.QueryRowContext(ctx, "SELECT slot FROM slots WHERE database=?", r.Database).Scan(moment{&stored})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && stored.UnixMilli() == r.Slot.UnixMilli() {
			return fmt.Errorf("%w: %s at %s", ErrSlotTaken, r.Database, stored.Format(time.RFC3339))
		}
		if err := putSlot(ctx, tx, r.Database, r.Slot); err != nil {
			return err
		}
		return s.insertRun(ctx, tx, r, false)
	})
}

// EndRun stores how a run ended, with all that is known of it. It does not matter
// whether its beginning could be stored.
func (s *Store) EndRun(ctx context.Context, r Run) error {
	return s.write(ctx, "end run", func(tx *sql.Tx) error {
		if r.Ended.IsZero() || r.Outcome == "" {
			return fmt.Errorf("%w: the run has no end or no outcome", errInvalid)
		}
		return s.insertRun(ctx, tx, r, true)
	})
}

// Run returns a run by its ID, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	return one(ctx, s, "read run", (*Run).fullTargets, selectRuns(full)+" WHERE id=?", id)
}

// Runs returns the runs that a filter chooses, newest first, without Log and
// Detail.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	var where []string
	var args []any
	add := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	if f.Database != "" {
		add("database=?", f.Database)
	}
	if len(f.Databases) > 0 {
		names := make([]any, len(f.Databases))
		for i, name := range f.Databases {
			names[i] = name
		}
		add("database IN ("+places(len(names))+")", names...)
	}
	if f.Kind != "" {
		add("kind=?", f.Kind)
	}
	if f.Outcome != "" {
		add("outcome=?", f.Outcome)
	}
	if f.Before != "" {
		add("id<?", f.Before)
	}
	query := selectRuns(brief)
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY id DESC"
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	return rows(ctx, s, "read runs", (*Run).briefTargets, query, args...)
}

// LastRun returns the newest run of a database that has ended, of a kind and,
// unless none is given, with one of the outcomes. The error is ErrNotFound if
// there is none.
func (s *Store) LastRun(ctx context.Context, database, kind string, outcomes ...string) (Run, error) {
	query, args := selectRuns(full)+" WHERE database=? AND kind=? AND ended IS NOT NULL", []any{database, kind}
	if len(outcomes) > 0 {
		query += " AND outcome IN (" + places(len(outcomes)) + ")"
		for _, o := range outcomes {
			args = append(args, o)
		}
	}
	return one(ctx, s, "read last run", (*Run).fullTargets, query+" ORDER BY id DESC LIMIT 1", args...)
}

func selectRuns(columns []string) string {
	return "SELECT " + strings.Join(columns, ",") + " FROM runs"
}
