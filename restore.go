package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/rebuild"
)

// RestoreOptions are the choices of RestoreBackup. The zero value is the safe
// one.
type RestoreOptions struct {
	// NoSafetyBackup leaves out the backup of what the target holds now.
	NoSafetyBackup bool
	// NoProof leaves out the proof that the new database is what was backed
	// up: the content digest and SQLite's checks.
	NoProof bool
	// DryRun builds and proves nothing; it says what would happen.
	DryRun bool
}

// Restored is the outcome of RestoreBackup.
type Restored struct {
	Backup       string    `json:"backup_path"`
	Target       string    `json:"target_path"`
	Source       string    `json:"source"`    // path of the database that was backed up
	Timestamp    time.Time `json:"timestamp"` // of the backup
	SizeBytes    int64     `json:"size_bytes"`
	TableCount   int64     `json:"table_count"`
	RecordCount  int64     `json:"record_count"`
	Digest       string    `json:"content_digest"`
	Proven       bool      `json:"proven"`
	DryRun       bool      `json:"dry_run"`
	Replaced     bool      `json:"replaced"` // the target was a database before
	SafetyBackup string    `json:"safety_backup,omitempty"`
	KeptFiles    []string  `json:"kept_files,omitempty"` // of a target too damaged for a safety backup
	Warnings     []string  `json:"warnings"`
	Steps        []string  `json:"steps"` // what was done, or would be
	Seconds      float64   `json:"duration_seconds"`
}

// RestoreBackup restores the backup whose object is at path to the database at
// target. The new database is built and proven beside the target; if the target
// exists a safety backup of it is taken, or its files are copied as they are if it
// is too damaged for that; only then the new content is published:
// by renaming, or through SQLite in one transaction where a database exists, so
// that processes which have it open go on and see the new content. On an error
// the target is as it was.
//
// Where the backup cannot be used and the Config has other destinations, their
// copies of it are tried, which is among the warnings then. path may be a URL in
// a destination.
//
// path may also be a document alone, without a manifest: JSON in any layout,
// plain or compressed. Its own digest is its proof then.
func (s *Service) RestoreBackup(ctx context.Context, path, target string, o RestoreOptions) (*Restored, error) {
	started := s.now()
	var r *restore
	var failed []string
	var err error
	for _, from := range append([]string{path}, s.otherCopies(path)...) {
		r = &restore{s: s, o: o, started: started, out: Restored{Backup: from, Target: target, DryRun: o.DryRun, Warnings: failed}}
		again := r.do(ctx)
		if again == nil || len(failed) == 0 {
			err = again // of several failures the first tells what was asked for
		}
		if again == nil || !s.anotherMayDo(ctx, from, again) {
			break
		}
		failed = append(failed, fmt.Sprintf("%s cannot be used: %v", from, cause(again)))
		s.log.Warn("trying another copy", "failed", from, "error", again)
	}
	r.out.Seconds = s.now().Sub(started).Seconds()
	if r.out.Warnings == nil {
		r.out.Warnings = []string{}
	}
	if err != nil {
		s.log.Error("restore failed", "backup", path, "target", target, "error", err)
		return nil, explain("restore", path, err)
	}
	s.log.Info("restore done", "backup", path, "target", target, "rows", r.out.RecordCount)
	return &r.out, nil
}

// restore is one restore run.
type restore struct {
	s       *Service
	o       RestoreOptions
	started time.Time
	backup  *source
	target  string // absolute, symbolic links resolved
	exists  bool   // the target is there
	work    string // private folder beside the target
	built   *rebuild.Built
	// textBytes is how much text the database was built from.
	textBytes int64
	// malformed is SQLite's complaint about the schema, which is the source's.
	malformed string
	out       Restored
}

func (r *restore) do(ctx context.Context) (err error) {
	if r.backup, err = r.s.openSource(ctx, r.s.place(r.out.Backup)); err != nil {
		return err
	}
	defer r.backup.close()
	if err := r.findTarget(); err != nil {
		return err
	}
	r.describe()
	r.warnOfFuller(ctx)
	if r.o.DryRun {
		return r.rehearse(ctx)
	}
	unlock, err := r.makeWork(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := r.checkTarget(); err != nil { // again: another restore may have made it while this one waited for the lock
		return err
	}
	if err := r.canPublish(ctx); err != nil {
		return err
	}
	if err := r.build(ctx); err != nil {
		return err
	}
	if !r.o.NoProof {
		if err := r.prove(ctx); err != nil {
			return fmt.Errorf("proof of the restored database: %w", err)
		}
	}
	if !r.exists {
		return r.publishNew()
	}
	return r.publishOver(ctx)
}

func (r *restore) step(format string, args ...any) {
	r.out.Steps = append(r.out.Steps, fmt.Sprintf(format, args...))
}

func (r *restore) warn(format string, args ...any) {
	r.out.Warnings = append(r.out.Warnings, fmt.Sprintf(format, args...))
}

// findTarget resolves the target. A symbolic link is followed, so that the
// database it points to is replaced and not the link.
func (r *restore) findTarget() error {
	abs, err := filepath.Abs(r.out.Target)
	if err != nil {
		return err
	}
	r.target = abs
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		r.target = resolved
	}
	return r.checkTarget()
}

// checkTarget finds out what is at the target.
func (r *restore) checkTarget() error {
	info, err := os.Stat(r.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.checkNewTarget()
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &Error{Op: "restore", Path: r.target, Kind: ErrTarget, Err: errors.New("the target is not a file")}
	}
	r.exists = true
	return nil
}

// checkNewTarget finds out what would spoil a database at a path where none is.
func (r *restore) checkNewTarget() error {
	if _, err := os.Lstat(r.target); err == nil {
		return &Error{Op: "restore", Path: r.target, Kind: ErrTarget, Err: errors.New("the target is a symbolic link that leads nowhere")}
	}
	if _, err := os.Stat(filepath.Dir(r.target)); err != nil {
		e := &Error{Op: "restore", Path: r.target, Kind: ErrTarget, Err: fmt.Errorf("the folder of the target: %w", err)}
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint = "make it: mkdir -p " + human.ShellWord(filepath.Dir(r.target))
		}
		return e
	}
	for _, suffix := range []string{"-wal", "-journal", "-shm"} {
		if info, err := os.Lstat(r.target + suffix); err == nil && info.Size() > 0 {
			return &Error{
				Op: "restore", Path: r.target + suffix, Kind: ErrTarget,
				Err:  errors.New("a database that is no longer there left this file; SQLite would apply it to the restored one"),
				Hint: "move it away: " + move(r.target+suffix, r.target+suffix+".old"),
			}
		}
	}
	return nil
}

// describe fills in what the manifest knows.
func (r *restore) describe() {
	if r.s.cfg.sealed() && !r.backup.sealed() {
		r.warn("%s is not sealed: it cannot be told from one that somebody else has put there", r.out.Backup)
	}
	if m := r.backup.manifest; m != nil {
		r.out.Source, r.out.Timestamp = m.Source.Path, m.Created.Time
		r.out.TableCount, r.out.RecordCount, r.out.Digest = m.Totals.Tables, m.Totals.Rows, m.Document.Digest
	} else {
		r.warn("%s has no manifest; it is checked by the digest in its last line", r.out.Backup)
	}
}

// rehearse says what a restore would do, and finds out what would stop it.
func (r *restore) rehearse(ctx context.Context) error {
	r.step("build the database beside %s", r.target)
	if err := durable.Need(filepath.Dir(r.target), r.backup.size()); err != nil {
		return err
	}
	if !r.o.NoProof {
		r.step("prove it: content digest, SQLite's checks")
	}
	if !r.exists {
		r.step("rename it to %s", r.target)
		return nil
	}
	r.out.Replaced = true
	if !r.o.NoSafetyBackup {
		r.step("back up what %s holds now, or keep its files as they are if it is damaged", r.target)
	}
	r.step("publish it into %s in one transaction", r.target)
	return r.canPublish(ctx)
}

// canPublish finds out, before anything is built, what would stop the
// publication into a database that exists.
func (r *restore) canPublish(ctx context.Context) error {
	m := r.backup.manifest
	if m == nil || !r.exists {
		return nil
	}
	c := engine.Content{PageSize: m.Settings.PageSize, Encoding: m.Settings.Encoding}
	if m.Settings.ZeroBytes {
		c = engine.Content{}
	}
	return r.targetError(engine.CanPublish(ctx, c, r.target, r.publishOptions()))
}

func (r *restore) build(ctx context.Context) error {
	r.step("built the database from %s", r.out.Backup)
	total := int64(0)
	if r.backup.manifest != nil {
		total = r.backup.manifest.Document.Bytes
	}
	texts := func(each func([]byte) error) error {
		r.textBytes = 0
		return r.backup.texts(ctx, func(text []byte) error {
			r.textBytes += int64(len(text))
			r.s.progress(Progress{Phase: "build", Bytes: r.textBytes, Total: total})
			return each(text)
		})
	}
	var err error
	r.built, err = rebuild.Build(ctx, r.newFile(), texts, rebuild.Options{Workers: workers(), TempDir: r.work})
	if err != nil {
		return err
	}
	if err := r.backup.checkDigest(r.built.End.Digest); err != nil {
		return err
	}
	f, err := os.OpenFile(r.newFile(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err := errors.Join(err, r.s.disk.SyncFile(f, r.newFile()), f.Close()); err != nil {
		return err
	}
	r.out.SizeBytes = info.Size()
	r.out.TableCount, r.out.RecordCount, r.out.Digest = r.built.End.Tables, r.built.End.Rows, r.built.End.Digest
	if r.out.Timestamp.IsZero() {
		r.out.Source = r.built.Source.Path
		r.out.Timestamp, _ = time.Parse(time.RFC3339, r.built.Source.Created)
	}
	return nil
}

// publishNew gives the new database its name, where nothing had it.
func (r *restore) publishNew() error {
	err := r.s.disk.Publish(r.newFile(), r.target)
	if errors.Is(err, fs.ErrExist) {
		return &Error{Op: "restore", Path: r.target, Kind: ErrTarget, Err: err, Hint: "somebody has made the target meanwhile; try again"}
	}
	if err != nil {
		return err
	}
	r.step("renamed it to %s", r.target)
	return nil
}

func (r *restore) publishOptions() engine.PublishOptions {
	return engine.PublishOptions{BusyTimeout: r.s.cfg.BusyTimeout}
}

// publishOver replaces the content of the database at the target.
func (r *restore) publishOver(ctx context.Context) error {
	r.out.Replaced = true
	r.s.progress(Progress{Phase: "wait"})
	o := r.publishOptions()
	o.Progress = r.s.pages("publish", r.out.SizeBytes)
	p, err := engine.NewPublication(ctx, r.newFile(), r.target, o)
	if err != nil {
		return r.targetError(err)
	}
	if r.o.NoSafetyBackup {
		err = r.targetError(p.Publish(ctx))
	} else {
		err = r.publishKept(ctx, p)
	}
	if err = errors.Join(err, p.Close()); err != nil {
		return err
	}
	r.step("published it into %s", r.target)
	if r.built.Database.JournalMode == engine.JournalWAL {
		return nil
	}
	// What others have open in WAL mode cannot leave it. It is published all the
	// same, so that this cannot be seen is no failure.
	if wal, err := engine.InWALMode(ctx, r.target, r.s.cfg.BusyTimeout); err == nil && wal {
		r.warn("%s stays in WAL mode, and was backed up in another: PRAGMA journal_mode=DELETE changes that once nobody has it open", r.target)
	}
	return nil
}

// keepTries is how often what the target holds is kept before somebody who never stops
// writing to it is told of.
const keepTries = 4

// publishKept publishes what p has, unless the target holds something by then that was not
// kept: then it keeps that first, while nobody can write.
func (r *restore) publishKept(ctx context.Context, p *engine.Publication) error {
	begin := p.Watch
	for try := 1; ; try++ {
		if err := begin(ctx); err != nil {
			return r.targetError(err)
		}
		if err := r.keepTarget(ctx); err != nil {
			return err
		}
		err := p.Publish(ctx)
		if !errors.Is(err, engine.ErrChanged) || try == keepTries {
			return r.targetError(err)
		}
		r.step("keep it again: %s was written to since", r.target)
		begin = p.Hold
	}
}

// targetError marks an error as one of the target.
func (r *restore) targetError(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: "publish into", Path: r.target, Kind: ErrTarget, Err: err}
	var refused *engine.PublishError
	switch {
	case errors.Is(err, engine.ErrBusy), errors.Is(err, engine.ErrChanged):
		e.Kind, e.Hint = ErrBusy, "somebody writes to the target; try again, or wait longer with --busy-timeout"
	case errors.As(err, &refused):
		e.Hint = refused.WayOut
	case errors.Is(err, engine.ErrNotADatabase), errors.Is(err, engine.ErrCorrupt):
		e.Hint = "the target is damaged: move it and its -wal and -journal away, then restore to the free path: " + r.moveAway()
	}
	return e
}

func (r *restore) moveAway() string {
	var moves []string
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(r.target + suffix); err == nil {
			moves = append(moves, move(r.target+suffix, r.target+".damaged"+suffix))
		}
	}
	return strings.Join(moves, " && ")
}

// move is the command that gives a file another name.
func move(from, to string) string { return "mv " + human.ShellWord(from) + " " + human.ShellWord(to) }
