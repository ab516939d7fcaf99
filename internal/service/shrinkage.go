package service

import (
	"fmt"
	"time"

	"github.com/litekeep/litekeep"
)

// A shrinkage is a backup that holds much less than the one before. Databases
// grow; one that loses half of its rows or of its text between two backups was
// emptied by somebody, or by a mistake.
type shrinkage struct {
	Since  int64  `json:"since"`  // Unix milliseconds
	Backup string `json:"backup"` // file name of the newest that is small
	Rows   int64  `json:"rows"`   // of the last backup that was not
	Bytes  int64  `json:"bytes"`  // of its document
	Now    int64  `json:"now"`    // rows of the newest
}

// Small databases lose half easily; these are not judged by it.
const (
	smallRows  = 100
	smallBytes = 64 << 10
)

// of reports whether a backup has lost more than so many per cent, or all rows.
func (x *shrinkage) of(b *litekeep.Backup, percent int) bool {
	least := func(n int64) int64 { return n - n/100*int64(percent) }
	return x.Rows > 0 && b.RecordCount == 0 ||
		x.Rows >= smallRows && b.RecordCount < least(x.Rows) ||
		x.Bytes >= smallBytes && b.DocumentBytes < least(x.Bytes)
}

func (x *shrinkage) String() string {
	return fmt.Sprintf("%s has %d rows, the backup before it had %d", x.Backup, x.Now, x.Rows)
}

// judgeSize compares a new backup with the newest good one before. It reports
// whether anything changed, and the shrinkage that there is now.
func (k *keeper) judgeSize(before *listing, b *litekeep.Backup, now time.Time) (changed bool, is *shrinkage) {
	percent := k.conf.Load().shrink
	k.mu.Lock()
	defer k.mu.Unlock()
	x := k.shrunken
	switch {
	case b.Locked:
		return false, x // nobody can tell
	case percent == 0:
		k.shrunken = nil
		return x != nil, nil
	case x == nil:
		last := before.newestGood()
		if last == nil || last.Locked {
			return false, nil
		}
		x = &shrinkage{Since: now.UnixMilli(), Rows: last.RecordCount, Bytes: last.DocumentBytes}
	}
	if !x.of(b, percent) {
		changed, k.shrunken = k.shrunken != nil, nil
		return changed, nil
	}
	next := *x
	next.Backup, next.Now = fileOf(b), b.RecordCount
	k.shrunken = &next
	return true, &next
}

// pruningPaused says why nothing is removed, "" if it is not so.
func (k *keeper) pruningPaused() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.shrunken == nil {
		return ""
	}
	return k.shrunken.String()
}
