package litekeep

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
)

// An UnlistedObject is an object among the backups whose manifest is missing, so that
// it is none: it is not listed, and no prune removes it. RestoreBackup restores it by
// its path all the same, if it is whole.
type UnlistedObject struct {
	Path        string
	Destination string // the place that it is in
	Database    string
	Timestamp   time.Time // as its name has it
	SizeBytes   int64
	Modified    time.Time
}

// settledAfter is how old an object without a manifest must be to be told of: longer
// than a copy waits for its manifest, and for another try.
const settledAfter = time.Hour

// UnlistedObjects returns the objects without a manifest of the configured database, or
// of all, in BackupDirectory and the other destinations, or only in those that are
// given. What a run leaves that was cut off is not among them where the next run removes
// it, and nothing is that is younger than an hour. A destination that cannot be reached
// is an error, and the others are looked at all the same.
func (s *Service) UnlistedObjects(ctx context.Context, destinations ...string) ([]UnlistedObject, error) {
	if len(destinations) == 0 {
		destinations = append([]string{s.cfg.BackupDirectory}, s.cfg.Copies...)
	}
	var all []UnlistedObject
	var errs []error
	for _, text := range destinations {
		found, err := s.unlistedIn(ctx, text)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // nothing was ever backed up there
			errs = append(errs, err)
		}
		all = append(all, found...)
	}
	return all, explain("list", "", errors.Join(errs...))
}

func (s *Service) unlistedIn(ctx context.Context, text string) (all []UnlistedObject, err error) {
	d, err := s.openDestination(ctx, text, false)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	strays, err := d.Strays(ctx, s.cfg.Name, s.now().Add(-settledAfter))
	if err != nil {
		return nil, err
	}
	for _, x := range strays {
		if d.Folder != "" && marked(filepath.Join(d.Folder, x.Database)) == x.Object {
			continue
		}
		at, _, _ := manifest.ParseObjectName(x.Object)
		all = append(all, UnlistedObject{
			Path: destination.Join(text, x.Ref), Destination: text, Database: x.Database, Timestamp: at.Time, SizeBytes: x.Size, Modified: x.Modified,
		})
	}
	return all, nil
}

// marked returns the name of the object that the run which goes on in a database's
// folder writes, or one that was cut off wrote; "" for none.
func marked(folder string) string {
	name, err := os.ReadFile(filepath.Join(folder, scratchFolder, markFile))
	if err != nil {
		return ""
	}
	return string(name)
}
