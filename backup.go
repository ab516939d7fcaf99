package litekeep

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
	"github.com/litekeep/litekeep/internal/vault"
)

// CreateBackup backs up the database of the Config: it takes a snapshot,
// exports it, stores it, reads it back, and only then lists it. After a verified
// success it removes backups that the retention no longer keeps.
//
// The error matches ErrConfig, ErrBusy or ErrRefused, or is one of the machine;
// nothing is listed then. When ctx ends, the run stops and leaves nothing. When
// it matches ErrCopies there is a backup all the same, which is returned: in
// BackupDirectory, but in too few other places.
func (s *Service) CreateBackup(ctx context.Context) (*Backup, error) {
	b, err := s.createBackup(ctx, nil)
	if errors.Is(err, ErrCopies) {
		return b, err
	}
	if err != nil {
		return nil, explain("backup", s.cfg.DatabasePath, err)
	}
	return b, nil
}

// run is one backup run.
type run struct {
	s        *Service
	source   string // absolute path of the database
	folder   string // of the database's backups
	scratch  string // of this run's snapshot
	began    time.Time
	started  time.Time // as the name of the object tells it
	m        manifest.Manifest
	snapshot *engine.SnapshotInfo
	live     *engine.InPlace // the database itself, where no snapshot is needed
	found    export.Choices  // that attempts before have found to be necessary
	counted  *export.Counted
	follower *follower     // reads the object back; nil if nobody does
	sealer   *seal.Sealer  // of the object that is written; nil for a plain one
	fresh    *seal.Sealer  // for the next object
	dropped  chan struct{} // closed when the snapshot is removed, nil before it can be
}

func (s *Service) createBackup(ctx context.Context, p *vault.Pin) (b *Backup, err error) {
	if destination.IsURL(s.cfg.BackupDirectory) {
		return s.createStaged(ctx, p)
	}
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	now := s.now()
	r := &run{s: s, began: now, started: now, folder: filepath.Join(s.cfg.BackupDirectory, s.cfg.Name)}
	if r.source, err = s.findSource(); err != nil {
		return nil, err
	}
	if r.fresh, err = s.newSealer(ctx); err != nil { // before anything is done in vain
		return nil, err
	}
	if away := s.checkPlace(s.cfg.BackupDirectory); away != nil {
		return s.createAway(ctx, p, away)
	}
	unlock, err := s.lock(ctx, s.cfg.Name, "backup "+r.source)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := s.sweep(r.folder); err != nil {
		return nil, err
	}
	s.log.Info("backup started", "database", r.source, "folder", r.folder)
	var before former
	if p == nil {
		before = s.before(ctx, r.folder, r.source)
	}
	b, err = r.do(ctx, p)
	if err != nil {
		s.log.Error("backup failed", "database", r.source, "error", err)
		return nil, err
	}
	s.log.Info("backup done", "database", r.source, "path", b.Path, "bytes", b.SizeBytes, "rows", b.RecordCount)
	b.SharedWith = before.source
	b.warn(before.warnings(b, r.folder)...)
	if len(s.cfg.Copies) > 0 && p == nil {
		if err := s.copyAll(ctx, b); err != nil {
			return b, err
		}
	}
	s.pruneAfter(ctx, b, p)
	return b, nil
}

// findSource returns the absolute path of the database. One that is not there is
// refused, like one that is none.
func (s *Service) findSource() (string, error) {
	if s.cfg.DatabasePath == "" {
		return "", &Error{Op: "backup", Kind: ErrConfig, Err: errors.New("DatabasePath is not set")}
	}
	path, err := filepath.Abs(s.cfg.DatabasePath)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "", &Error{Op: "backup", Kind: ErrRefused, Err: err, Hint: "check the path"}
	case err != nil:
		return "", err
	case info.IsDir():
		return "", &Error{Op: "backup", Path: path, Kind: ErrRefused, Err: errors.New("is a directory, not a database")}
	case !info.Mode().IsRegular():
		return "", &Error{Op: "backup", Path: path, Kind: ErrRefused, Err: errors.New("is not a regular file, so it is no database")}
	}
	return path, nil
}

func (r *run) do(ctx context.Context, p *vault.Pin) (*Backup, error) {
	defer r.tidy()
	if err := r.makeScratch(); err != nil {
		return nil, err
	}
	object, err := r.exportSource(ctx)
	if err != nil {
		return nil, err
	}
	defer object.discard()
	defer r.stopFollower()
	r.dropSnapshot()
	if r.s.cfg.VerifyOnBackup {
		begin := r.s.now()
		if err := r.follower.finish(&r.m); err != nil {
			return nil, err
		}
		r.m.Verified = manifest.At(r.s.now())
		r.m.Durations.Verify = r.since(begin)
	} else {
		r.warn("not verified: the stored object was not read back")
	}
	r.m.Durations.Total = r.since(r.began)
	return r.publish(object, p)
}

// export writes the object. Where it turns out that something would not come back as it
// is, it is written again with other choices.
func (r *run) export(ctx context.Context) (*object, error) {
	for {
		object, err := r.createObject()
		if err != nil {
			return nil, err
		}
		if err = r.mark(object); err == nil {
			err = r.write(ctx, object)
		}
		if err == nil {
			return object, nil
		}
		r.stopFollower()
		object.discard()
		var wrong *export.ChoicesError
		if !errors.As(err, &wrong) {
			return nil, err
		}
		r.found.Add(&wrong.Missing)
		r.m.Warnings = nil
	}
}

// since returns the seconds since begin; none where the clock was set back.
func (r *run) since(begin time.Time) float64 { return max(r.s.now().Sub(begin).Seconds(), 0) }

func (r *run) warn(format string, args ...any) {
	r.m.Warnings = append(r.m.Warnings, fmt.Sprintf(format, args...))
}

// makeScratch makes the folder for the snapshot and checks that it has room.
func (r *run) makeScratch() error {
	base := r.s.cfg.TempDirectory
	if base == "" {
		base = filepath.Join(r.folder, scratchFolder)
	}
	if err := r.s.disk.MkdirAll(base); err != nil {
		return fmt.Errorf("temporary folder: %w", err)
	}
	size, err := sourceSize(r.source)
	if err != nil {
		return err
	}
	if err := durable.Need(base, size); err != nil {
		return fmt.Errorf("snapshot of %s: %w", r.source, err)
	}
	r.scratch, err = os.MkdirTemp(base, scratchName(r.folder))
	return err
}

// mark notes the name that the object will get. If this run is cut off after
// the object has it and before the manifest is written, the next run knows what
// to remove.
func (r *run) mark(o *object) error {
	folder := filepath.Join(r.folder, scratchFolder)
	if err := r.s.disk.MkdirAll(folder); err != nil {
		return err
	}
	return r.s.disk.ReplaceFile(filepath.Join(folder, markFile), []byte(filepath.Base(o.final)), durable.FilePerm)
}

// dropSnapshot removes the snapshot while the run goes on: it takes a tenth of a
// second for some hundred megabytes.
func (r *run) dropSnapshot() {
	r.dropped = make(chan struct{})
	go func() {
		defer close(r.dropped)
		_ = os.Remove(r.snapshotPath()) // tidy tries again
	}()
}

// tidy removes the scratch of the run; what is left of it the next run removes.
func (r *run) tidy() {
	if r.dropped != nil {
		<-r.dropped
	}
	_ = os.Remove(filepath.Join(r.folder, scratchFolder, markFile))
	_ = os.RemoveAll(r.scratch)
	_ = os.Remove(filepath.Join(r.folder, scratchFolder)) // unless somebody else uses it
}

// sourceSize returns the bytes of a database and its write-ahead log.
func sourceSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	size := info.Size()
	if wal, err := os.Stat(path + "-wal"); err == nil {
		size += wal.Size()
	}
	return size, nil
}

func (r *run) snapshotPath() string { return filepath.Join(r.scratch, "snapshot.db") }

func (r *run) takeSnapshot(ctx context.Context) error {
	begin := r.s.now()
	size, err := sourceSize(r.source)
	if err != nil {
		return err
	}
	info, err := engine.Snapshot(ctx, r.source, r.snapshotPath(), engine.SnapshotOptions{
		BusyTimeout: r.s.cfg.BusyTimeout,
		Progress:    r.s.pages("snapshot", size),
	})
	if err != nil {
		return err
	}
	r.snapshot = info
	r.m.Durations.Snapshot = r.since(begin)
	return nil
}

// write exports the snapshot to object and fills in the manifest.
func (r *run) write(ctx context.Context, object *object) error {
	begin := r.s.now()
	from, done, err := r.openExported(ctx)
	if err != nil {
		return err
	}
	defer done()
	p, err := r.plan(ctx, from)
	if err != nil {
		return err
	}
	spare := make(chan []byte, 2*workers()+3) // as many frames as can be under way
	out := bufio.NewWriterSize(object, 256<<10)
	w := archive.NewWriter(ctx, out, r.s.cfg.compression(), workers(), spare)
	defer w.Stop()
	if err := r.seal(ctx, w); err != nil {
		return err
	}
	if r.s.cfg.VerifyOnBackup {
		r.follower = r.follow(ctx, object)
		w.Follow(r.follower.wrote)
	}
	source := r.documentSource()
	total := r.snapshot.Bytes
	r.counted, err = p.Run(ctx, &source, w, export.Options{
		Workers: workers(), Spare: spare,
		Progress: func(rows, bytes int64) {
			if bytes > total {
				total = 0 // it was a guess
			}
			r.s.progress(Progress{Phase: "export", Rows: rows, Bytes: bytes, Total: total})
		},
	})
	if err != nil {
		return err
	}
	sum, err := w.Close()
	if err == nil && r.live != nil {
		err = r.live.Unchanged()
	}
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if err := r.s.disk.SyncFile(object.file, object.partial); err != nil {
		return err
	}
	r.m.Durations.Write = r.since(begin)
	r.fill(p, source, sum)
	return nil
}

func (r *run) documentSource() document.Source {
	return document.Source{
		Name: r.s.cfg.Name, Path: r.source, Created: manifest.At(r.started).String(),
		SQLite: engine.Version(), Litekeep: Version, SchemaVersion: r.snapshot.SchemaVersion,
	}
}

// fill completes the manifest, but for verification and the object's name.
func (r *run) fill(p *export.Plan, source document.Source, sum *archive.Summary) {
	m, end := &r.m, r.counted.End
	m.Database, m.Created, m.Source, m.Settings = r.s.cfg.Name, manifest.At(r.started), source, p.Database
	m.Compression = manifest.Compression(r.s.cfg.compression())
	m.Stored = manifest.Stored{Bytes: sum.Bytes, SHA256: sum.SHA256}
	m.Document = manifest.Document{Bytes: sum.Document, Digest: end.Digest}
	m.Totals = manifest.Totals{Tables: end.Tables, Rows: end.Rows, Indexes: end.Indexes, Entries: end.Entries}
	m.Frames, m.Writer = sum.Frames, "litekeep "+Version
	for i, t := range p.Tables {
		x := r.counted.Tables[i]
		m.Tables = append(m.Tables, manifest.Table{Name: t.Label, Rows: x.Rows, Frames: [2]int{x.First, x.Last}})
	}
	for i, t := range p.Indexes {
		m.Indexes = append(m.Indexes, manifest.Index{
			Name: t.Label, Table: t.Table, Entries: r.counted.Indexes[i].Rows, Reason: t.Reason,
		})
	}
}

// publish lists the backup: the object gets its name, then the manifest is
// written.
func (r *run) publish(o *object, p *vault.Pin) (*Backup, error) {
	r.m.Object = filepath.Base(o.final)
	text, err := r.encode()
	if err != nil {
		return nil, err
	}
	if err := o.publish(); err != nil {
		return nil, err
	}
	if p != nil {
		text, err := p.Encode()
		if err == nil {
			err = r.s.disk.WriteFile(o.final+vault.PinSuffix, text, durable.FilePerm)
		}
		if err != nil {
			return nil, errors.Join(err, o.takeBack())
		}
	}
	if err := r.s.disk.WriteFile(o.final+manifest.Suffix, text, durable.FilePerm); err != nil {
		return nil, errors.Join(fmt.Errorf("write manifest: %w", err), o.takeBack())
	}
	b := newBackup(r.folder, r.m.Summary())
	if r.snapshot.ZeroBytes {
		b.ActOn = append(b.ActOn, emptyFile)
	}
	return b, nil
}

// emptyFile is the warning of a file that SQLite takes for an empty database.
const emptyFile = "the file has 0 bytes: this is a backup of an empty database"

// warn adds warnings to act upon.
func (b *Backup) warn(warnings ...string) {
	b.Warnings, b.ActOn = append(b.Warnings, warnings...), append(b.ActOn, warnings...)
}
