package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
)

// failed is failureOf, with a hint whose commands can be run as they stand.
func (a *app) failed(ctx context.Context, err error) failure {
	f := failureOf(ctx, err)
	if a.server.url == "" { // a service has folders of its own
		f.Hint = a.runnable(f.Hint, err)
	}
	return f
}

// runnable completes the commands in a hint of the library, which does not know how it
// was called: with the folder and the copies that are meant, where a command that is
// given none would look elsewhere.
func (a *app) runnable(hint string, err error) string {
	parts := strings.Split(hint, "`")
	for i := 1; i < len(parts); i += 2 {
		switch parts[i] {
		case "litekeep list", "litekeep key list", "litekeep trash list", "litekeep prune":
			parts[i] += a.dirArgument(err)
		case "litekeep verify":
			dir, _ := a.folderMeant(err)
			parts[i] += " " + shellQuote(dir)
		case "litekeep sync", "litekeep sync --full":
			parts[i] += a.syncArguments(err)
		}
	}
	return strings.Join(parts, "`")
}

// folderMeant is the folder of backups that an error is about, and whether a command
// without --dir would look in another.
func (a *app) folderMeant(err error) (dir string, other bool) {
	dir = a.cfg.BackupDirectory
	var lib *litekeep.Error
	if errors.As(err, &lib) && isDatabaseFolder(filepath.Dir(lib.Path)) {
		dir = filepath.Join(filepath.Dir(lib.Path), "..")
	}
	usual, _ := fromEnvironment() // its error was told before
	return dir, !samePath(dir, usual.BackupDirectory)
}

// dirArgument is --dir, where a command has to be given it.
func (a *app) dirArgument(err error) string {
	if dir, other := a.folderMeant(err); other {
		return " --dir " + shellQuote(dir)
	}
	return ""
}

// syncArguments are the folder and the copies for sync, which does nothing without a
// copy.
func (a *app) syncArguments(err error) string {
	usual, _ := fromEnvironment()
	arguments := a.dirArgument(err)
	switch {
	case len(a.cfg.Copies) == 0:
		return arguments + " --copy DESTINATION"
	case slices.Equal(a.cfg.Copies, usual.Copies):
		return arguments
	}
	for _, c := range a.cfg.Copies {
		arguments += " --copy " + shellQuote(c)
	}
	return arguments
}

// samePath reports whether two paths or URLs name the same place.
func samePath(one, other string) bool { return absolute(one) == absolute(other) }

// absolute is a path from wherever a command is run. URLs stay as they are.
func absolute(path string) string {
	if path == "" || destination.IsURL(path) {
		return path
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path // the folder that we are in is gone
}

// absoluteKey is a reference to a key from wherever a command is run.
func absoluteKey(ref string) string {
	for _, scheme := range []string{"file:", "passphrase-file:"} {
		if path, ok := strings.CutPrefix(ref, scheme); ok {
			return scheme + absolute(path)
		}
	}
	return ref
}

// listCommand is the command that shows the backups near a path that is none.
func listCommand(path string) string {
	folder := filepath.Dir(path)
	switch {
	case isDatabaseFolder(folder):
		return "litekeep list --dir " + shellQuote(filepath.Join(folder, ".."))
	case databasesHint(folder) != "":
		return "litekeep list --dir " + shellQuote(folder)
	}
	return "litekeep list"
}

// listOf is the command that shows the backups of one database, of which path is the
// folder or the URL.
func listOf(path string) string {
	dir, database, ok := destination.SplitDatabase(path)
	if !destination.IsURL(path) {
		dir, database = filepath.Split(absolute(path))
		dir, ok = filepath.Clean(dir), true
	}
	if !ok {
		return "litekeep list --dir " + shellQuote(path)
	}
	return "litekeep list --dir " + shellQuote(dir) + " --database " + shellQuote(database)
}
