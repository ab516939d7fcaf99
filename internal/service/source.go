package service

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/litekeep/litekeep"
)

// A source is what a backup run that was refused has found to be wrong with the
// database itself, or with its keys: what another backup cannot mend.
type source string

const (
	sourceFine    source = "" // or nothing is known of it
	sourceDamaged source = "damaged"
	sourceMissing source = "missing"
	sourceNoKey   source = "no key"
)

// sourceHints are the ways out. The state keeps the hint of a run and nothing else of
// its error but a text, so that a run is told by it after a restart too.
var sourceHints = map[source]string{
	sourceDamaged: "restore the newest good backup; what was written since, `sqlite3 DATABASE .recover` may save: make a copy of the file first",
	sourceMissing: "was it moved or deleted? If it was moved, correct `path:` in litekeep.yaml and run `litekeep config reload`; if it was deleted, restore it",
	sourceNoKey:   "the backups are there and untouched: bring the key back to where the configuration says, readable for the user of the service",
}

// sourceHint is the way out of an error of a run, "" if the database is not its cause.
// What is no database is damaged if it was one before: if there is a good backup of it.
func sourceHint(kind Kind, err error, wasGood bool) string {
	switch {
	case kind == KindBackup && isKeyError(err):
		return sourceHints[sourceNoKey]
	case kind != KindBackup || !errors.Is(err, litekeep.ErrRefused):
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return sourceHints[sourceMissing]
	case litekeep.SourceDamaged(err), wasGood && litekeep.NoDatabase(err):
		return sourceHints[sourceDamaged]
	}
	return ""
}

// sourceOf tells what a run has found of its database.
func sourceOf(r *Run) source {
	for s, hint := range sourceHints {
		if r.Kind == KindBackup && r.Outcome == OutcomeRefused && r.Hint == hint {
			return s
		}
	}
	return sourceFine
}

// isKeyError reports whether an error is that of a key that cannot be used as the
// configuration names it.
func isKeyError(err error) bool {
	var e *litekeep.Error
	return errors.As(err, &e) && e.Op == keyOp
}

// keyOp is the operation of the errors of keys that cannot be used.
const keyOp = "encryption key"

// OfKey reports whether the Error of a run is that a key cannot be used as the
// configuration names it.
func OfKey(text string) bool { return strings.HasPrefix(text, keyOp+": ") }
