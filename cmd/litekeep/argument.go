package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
)

// The suffix of manifests, and how a SQLite database begins.
const (
	manifestSuffix = ".manifest.json"
	databaseMagic  = "SQLite format 3\x00"
)

// backupArgument returns the object that a BACKUP argument means: that of a
// manifest, or the newest good one in the folder of a database. It catches what
// is no backup at all. command is for messages.
func backupArgument(ctx context.Context, path, command string) (string, error) {
	path, _, err := chooseBackup(ctx, path, command)
	return path, err
}

// namedBackup is backupArgument for what cannot be taken back: a folder means no
// backup there, since each run would take another one.
func namedBackup(ctx context.Context, path, command string) (string, error) {
	folder := destination.IsURL(path)
	if folder {
		_, _, object := destination.Split(strings.TrimSuffix(path, manifestSuffix))
		folder = !object && destination.Check(path) == nil
	} else {
		folder = isDatabaseFolder(path)
	}
	if folder {
		return "", usage(command+" "+path+": is a folder; name one backup", "`"+listOf(path)+"` shows the paths of the backups in it")
	}
	return backupArgument(ctx, path, command)
}

// chooseBackup is backupArgument, and says what is to be known of the choice.
func chooseBackup(ctx context.Context, path, command string) (_ string, passedOver []string, _ error) {
	if object, ok := strings.CutSuffix(path, manifestSuffix); ok {
		path = object
	}
	if destination.IsURL(path) {
		return remoteArgument(ctx, path, command)
	}
	_, noManifest := os.Stat(path + manifestSuffix)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && noManifest != nil:
		return "", nil, &hintedError{nil, command + " " + path + ": there is no such backup", "`" + listCommand(path) + "` shows the paths of the backups"}
	case err != nil:
		return path, nil, nil // whoever opens it says why
	case info.IsDir() && isDatabaseFolder(path):
		b, err := litekeep.LatestBackup(ctx, path)
		if errors.Is(err, litekeep.ErrNoBackup) {
			return "", nil, &hintedError{litekeep.ErrNoBackup, command + " " + path + ": there is no good backup in this folder", "`litekeep verify " + shellQuote(path) + "` says what is wrong with those that there are"}
		}
		if err != nil {
			return "", nil, err
		}
		return b.Path, b.PassedOver, nil
	case info.IsDir():
		return "", nil, usage(command+" "+path+": is a folder, not a backup", "`litekeep list --dir "+shellQuote(path)+"` shows the paths of the backups in it")
	case noManifest != nil && isDatabase(path):
		return "", nil, usage(command+" "+path+": is a SQLite database, not a backup", databaseHint(path, command))
	}
	return path, nil, nil
}

// remoteArgument is chooseBackup for a URL.
func remoteArgument(ctx context.Context, path, command string) (_ string, passedOver []string, _ error) {
	if err := destination.Check(path); err != nil {
		return "", nil, usage(command+": "+err.Error(), "")
	}
	if _, _, ok := destination.Split(path); ok {
		return path, nil, nil
	}
	b, err := litekeep.LatestBackup(ctx, path)
	if err != nil {
		return "", nil, err
	}
	return b.Path, b.PassedOver, nil
}

func databaseHint(path, command string) string {
	if command == "restore" {
		return "the order is `litekeep restore BACKUP TARGET`; `litekeep list` shows the paths of the backups"
	}
	return "`litekeep backup " + shellQuote(path) + "` backs it up; `litekeep list` shows the paths of the backups"
}

func isDatabase(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(databaseMagic))
	_, err = io.ReadFull(f, head)
	return err == nil && bytes.Equal(head, []byte(databaseMagic))
}

// databaseInHint names what may be the database in a folder.
func databaseInHint(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".db", ".sqlite", ".sqlite3", ".db3":
			return "name the file in it: `litekeep backup " + shellQuote(filepath.Join(dir, e.Name())) + "`"
		}
	}
	return "name the database file in it"
}

// checkFolder makes sure that --dir is a folder of backups, for the commands
// that look at what is there.
func (a *app) checkFolder(command string) error {
	a.cfg.DatabasePath, a.cfg.Name = "", a.database
	dir := a.cfg.BackupDirectory
	if destination.IsURL(dir) {
		return nil // list and stats look there, the others refuse it
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &hintedError{nil, command + " " + dir + ": there is no such folder", "--dir names the folder of the backups; `litekeep backup` makes it"}
	case err != nil:
		return err
	case !info.IsDir():
		return usage(command+" "+dir+": is not a folder", "--dir names the folder of the backups")
	case isDatabaseFolder(dir):
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		return usage(command+" "+dir+": holds the backups of one database",
			"use --dir "+shellQuote(filepath.Dir(abs))+" --database "+shellQuote(filepath.Base(abs)))
	case a.cfg.Name != "" && !isFolder(filepath.Join(dir, a.cfg.Name)):
		return &hintedError{nil, command + " " + dir + ": there are no backups of a database " + a.cfg.Name, databasesHint(dir)}
	}
	return nil
}

// databasesHint names the databases that have backups in a folder.
func databasesHint(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && isDatabaseFolder(filepath.Join(dir, e.Name())) {
			names = append(names, shellQuote(e.Name()))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "there are backups of " + strings.Join(names, ", ")
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isDatabaseFolder tells the folder of one database from that of all, and from one that
// a refused backup has left.
func isDatabaseFolder(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Type().IsRegular() && strings.HasSuffix(e.Name(), manifestSuffix)
	})
}

// isClosedPipe reports whether err is of a pipe that nobody reads any more.
func isClosedPipe(err error) bool {
	// What Windows says for it, ERROR_BROKEN_PIPE and ERROR_NO_DATA.
	const brokenPipe, noData = syscall.Errno(109), syscall.Errno(232)
	if os.PathSeparator == '\\' && (errors.Is(err, brokenPipe) || errors.Is(err, noData)) {
		return true
	}
	return errors.Is(err, syscall.EPIPE)
}
