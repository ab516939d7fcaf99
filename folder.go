package litekeep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/vault"
)

// The names in a database's folder that belong to no backup (docs/FORMAT.md,
// section 5).
const (
	lockFile      = ".lock"
	scratchFolder = ".tmp"
	scratchPrefix = "litekeep-"
	markFile      = "object"
)

// lock takes the lock on the backups of the database name, making their folder
// if it is missing.
func (s *Service) lock(ctx context.Context, name, command string) (unlock func() error, err error) {
	if err := s.checkPlace(s.cfg.BackupDirectory); err != nil {
		return nil, err
	}
	folder := filepath.Join(s.cfg.BackupDirectory, name)
	if err := s.disk.MkdirAll(folder); err != nil {
		return nil, fmt.Errorf("backup folder: %w", err)
	}
	s.progress(Progress{Phase: "wait"})
	l, err := durable.Wait(ctx, filepath.Join(folder, lockFile), durable.Self(s.now(), command), s.cfg.LockTimeout)
	if err != nil {
		return nil, err
	}
	return l.Unlock, nil
}

// scratchName begins the names of the scratch folders of runs that write to
// folder. It tells them from those of other databases, since they may all share
// one temporary folder.
func scratchName(folder string) string {
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	sum := sha256.Sum256([]byte(folder))
	return scratchPrefix + hex.EncodeToString(sum[:6]) + "-"
}

// sweep removes what runs that were cut off left for a database's folder. The
// caller holds its lock, so no run is still using any of it. The mark goes last: it
// alone tells that an object without a manifest is to be removed.
func (s *Service) sweep(folder string) error {
	left, err := s.leftovers(folder)
	if err != nil {
		return err
	}
	for _, path := range left {
		s.log.Info("removing what an interrupted run left", "path", path)
		if err := s.disk.RemoveAll(path); err != nil {
			return err
		}
	}
	if len(left) > 0 {
		if err := s.disk.SyncDir(folder); err != nil {
			return err
		}
	}
	scratch := filepath.Join(folder, scratchFolder)
	err = s.disk.Remove(filepath.Join(scratch, markFile))
	_ = os.Remove(scratch) // unless somebody else uses it
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// leftovers are the paths of what sweep removes, without the mark.
func (s *Service) leftovers(folder string) ([]string, error) {
	scratch := filepath.Join(folder, scratchFolder)
	// The folder's own scratch is nobody else's, by whatever path it was used.
	patterns := []string{
		filepath.Join(escapeGlob(scratch), scratchPrefix+"*"),
		filepath.Join(escapeGlob(scratch), markFile+".*"+durable.TempSuffix),
	}
	if s.cfg.TempDirectory != "" {
		patterns = append(patterns, filepath.Join(escapeGlob(s.cfg.TempDirectory), scratchName(folder)+"*"))
	}
	var left []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		left = append(left, found...)
	}
	name, err := os.ReadFile(filepath.Join(scratch, markFile))
	if err == nil {
		object := filepath.Join(folder, string(name))
		_, _, named := manifest.ParseObjectName(string(name))
		whole, err := isWhole(object)
		if err != nil {
			return nil, err
		}
		if named && !whole {
			left = append(left, object, object+vault.PinSuffix)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if isLeftover(e) {
			left = append(left, filepath.Join(folder, e.Name()))
		}
	}
	return left, nil
}

// isWhole reports whether an object has its manifest, be it in the trash.
func isWhole(object string) (bool, error) {
	_, err := os.Lstat(object + manifest.Suffix)
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	trashed, err := filepath.Glob(escapeGlob(object+manifest.Suffix) + ".*")
	return slices.ContainsFunc(trashed, func(path string) bool {
		_, ok := manifest.ParseTrashedSuffix(strings.TrimPrefix(path, object))
		return ok
	}), err
}

// isLeftover reports whether e is a temporary file of ours: the name of an
// object, of a file beside one or of the note of a service, and the suffix that durable gives.
func isLeftover(e fs.DirEntry) bool {
	name, ok := strings.CutSuffix(e.Name(), durable.TempSuffix)
	if !ok || !e.Type().IsRegular() {
		return false
	}
	if strings.HasPrefix(name, retention.NoteFile+".") {
		return true
	}
	const stamp = "20060102T150405.000Z"
	if len(name) < len(stamp) {
		return false
	}
	_, err := time.Parse(stamp, name[:len(stamp)])
	return err == nil && strings.HasPrefix(name[len(stamp):], ".json")
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// names lists the databases that have a folder, or only the configured one.
func (s *Service) names() ([]string, error) {
	if s.cfg.Name != "" {
		return []string{s.cfg.Name}, nil
	}
	entries, err := os.ReadDir(s.cfg.BackupDirectory)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// objects lists the objects of a folder whose manifest has the given suffix.
func objects(folder, suffix string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return objectsAmong(entries, folder, suffix), err
}

// objectsAmong is objects with what the folder holds.
func objectsAmong(entries []fs.DirEntry, folder, suffix string) (paths []string) {
	for _, e := range entries {
		object, found, ok := manifest.ObjectOf(e.Name())
		if ok && found == suffix && e.Type().IsRegular() {
			if _, _, ok := manifest.ParseObjectName(object); ok {
				paths = append(paths, filepath.Join(folder, object))
			}
		}
	}
	return paths
}
