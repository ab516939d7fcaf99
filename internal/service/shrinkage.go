package service

import (
	"fmt"
	"strings"
	"time"

	"github.com/litekeep/litekeep"
)

// A shrinkage is a backup that holds much less than the one before. Databases
// grow; one that loses half of its rows or of its text between two backups was
// emptied by somebody, or by a mistake.
type shrinkage struct {
	Since  int64  `json:"since"`          // Unix milliseconds
	Backup string `json:"backup"`         // file name of the newest that is small
	Full   string `json:"full,omitempty"` // file name of the last backup that was not
	Rows   int64  `json:"rows"`           // of that one
	Bytes  int64  `json:"bytes"`          // of its document
	Now    int64  `json:"now"`            // rows of the newest
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
	return x.Backup + " has " + x.difference()
}

// difference says how many rows are left of how many, and who has them.
func (x *shrinkage) difference() string {
	return strings.TrimSuffix(fmt.Sprintf("%d rows; the last backup that was not small had %d: %s", x.Now, x.Rows, x.Full), ": ")
}

// A size is what a backup held.
type size struct {
	Backup string `json:"backup,omitempty"` // file name
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"` // of its document
}

func sizeOf(b *litekeep.Backup) *size { return &size{fileOf(b), b.RecordCount, b.DocumentBytes} }

// judgeSize compares a new backup with the last one that was judged and not small.
// That one is remembered: what the folder holds by then may be a small one that
// nobody has judged, since its run was cut off.
func (s *Service) judgeSize(k *keeper, before *listing, b *litekeep.Backup) {
	if b.Locked {
		return // nobody can tell
	}
	k.mu.Lock()
	had, sized := k.shrunken, k.sized
	k.shrunken, k.sized = judge(had, sized, before.newestGood(), b, k.conf.Load().shrink, s.now())
	is, now := k.shrunken, k.sized
	k.mu.Unlock()
	if had != nil || is != nil {
		s.books.setShrinkage(k.name, is)
	}
	if (now != nil || sized != nil) && (now == nil || sized == nil || *now != *sized) {
		s.books.setSize(k.name, now)
	}
}

// judge returns the shrinkage that there is after the backup b, and the size to
// compare the next one with. last is the newest good backup before it.
func judge(x *shrinkage, sized *size, last, b *litekeep.Backup, percent int, now time.Time) (*shrinkage, *size) {
	fits := sizeOf(b)
	if sized == nil && last != nil && !last.Locked {
		sized = sizeOf(last)
	}
	switch {
	case percent == 0 || x == nil && sized == nil:
		return nil, fits
	case x == nil:
		x = &shrinkage{Since: now.UnixMilli(), Full: sized.Backup, Rows: sized.Rows, Bytes: sized.Bytes}
	}
	if !x.of(b, percent) {
		return nil, fits
	}
	next := *x
	next.Backup, next.Now = fileOf(b), b.RecordCount
	return &next, sized
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
