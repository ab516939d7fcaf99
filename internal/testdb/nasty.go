package testdb

import (
	"context"
	"slices"
)

// Case is one database of [Nasty].
type Case struct {
	Name string // a file name: lower-case letters, digits and hyphens

	// Build makes the database at path, where nothing lives yet, in a folder
	// that exists. It may leave a -wal or a -journal beside it (Sidecars).
	Build func(ctx context.Context, path string) error

	// Refused: the file is damaged, or no database. A backup must refuse it
	// with exit status 5 and leave nothing behind.
	Refused bool

	// MayRefuse: SQLite itself finds fault with the file or reads it only in
	// part. A backup may refuse it; if it does not, what it restores must be
	// identical.
	MayRefuse bool

	// Sidecars: a -wal or -journal that counts stands beside the database.
	Sidecars bool
}

// Options are the sizes of the cases that have one. The zero value is what
// tests use.
type Options struct {
	LargeValue int  // bytes of the single large value; 5 MB if 0
	Tables     int  // tables of the case with many; 3000 if 0
	LockByte   bool // add a database that goes beyond 1 GiB, where a page stays unused
}

// Nasty returns the cases in their default sizes.
func Nasty() []Case { return NastyOf(Options{}) }

// NastyOf returns the cases in sizes of the caller's choice.
func NastyOf(o Options) []Case {
	if o.LargeValue == 0 {
		o.LargeValue = 5_000_000
	}
	if o.Tables == 0 {
		o.Tables = 3000
	}
	return slices.Concat(
		valueCases(), encodingCases(), largeCases(o),
		constraintCases(), rowidCases(), withoutRowidCases(),
		columnCases(), defaultCases(), generatedCases(),
		indexCases(), alienCases(), statCases(),
		programCases(), virtualCases(),
		nameCases(), schemaCases(o),
		fileCases(), lockByteCases(o), sidecarCases(),
		damagedFileCases(), damagedTreeCases(), damagedRecordCases(),
	)
}
