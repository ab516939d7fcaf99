package state

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
)

// cutOffError is what the runs that CutOff finds failed with.
const cutOffError = "litekeep ended while this run was under way"

// CutOff ends, as crashed at now, the runs that other processes began and did not
// end, and returns them as they are then, oldest first. The service calls it once,
// when it starts.
func (s *Store) CutOff(ctx context.Context, now time.Time) ([]Run, error) {
	var cut []Run
	err := s.write(ctx, "record runs that were cut off", func(tx *sql.Tx) error {
		found, err := tx.QueryContext(ctx, "UPDATE runs SET ended=?, outcome=?, error=? WHERE ended IS NULL AND process<>? RETURNING "+
			strings.Join(full, ","), ms(now), OutcomeCrashed, cutOffError, s.process)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var r Run
			if err := found.Scan(r.fullTargets()...); err != nil {
				return err
			}
			cut = append(cut, r)
		}
		return found.Err()
	})
	if err != nil {
		return nil, err
	}
	sortRuns(cut)
	return cut, nil
}

// TrimRuns removes runs that started before a time and are not among the newest
// keep runs of their database. One that is under way stays, and so does the newest
// of each database and kind that went well. It returns how many went.
func (s *Store) TrimRuns(ctx context.Context, keep int, before time.Time) (int, error) {
	return s.exec(ctx, "trim runs", `DELETE FROM runs WHERE ended IS NOT NULL AND started<?
		AND id NOT IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY database ORDER BY id DESC) AS n FROM runs) WHERE n<=?)
		AND id NOT IN (SELECT max(id) FROM runs WHERE outcome=? GROUP BY database, kind)`, ms(before), max(keep, 0), OutcomeOK)
}

// Slot returns the newest slot of a database that was handled, and the zero time
// for a database that has none.
func (s *Store) Slot(ctx context.Context, database string) (time.Time, error) {
	type stored struct{ slot time.Time }
	list, err := rows(ctx, s, "read slot", func(x *stored) []any { return []any{moment{&x.slot}} }, "SELECT slot FROM slots WHERE database=?", database)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0].slot, nil
}

// SetSlot stores the slot of a database, whether it is newer than the stored one
// or not.
func (s *Store) SetSlot(ctx context.Context, database string, slot time.Time) error {
	return s.write(ctx, "store slot", func(tx *sql.Tx) error { return putSlot(ctx, tx, database, slot) })
}

func putSlot(ctx context.Context, tx *sql.Tx, database string, slot time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO slots VALUES (?,?) ON CONFLICT(database) DO UPDATE SET slot=excluded.slot", database, ms(slot))
	return err
}

// sortRuns puts runs in the order in which they began.
func sortRuns(runs []Run) {
	slices.SortFunc(runs, func(a, b Run) int { return strings.Compare(a.ID, b.ID) })
}
