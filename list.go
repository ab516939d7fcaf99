package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// A Backup is the metadata of one backup.
type Backup struct {
	Path        string    `json:"backup_path"` // of the object
	Database    string    `json:"database"`
	Source      string    `json:"source"` // path of the database when it was backed up
	Timestamp   time.Time `json:"timestamp"`
	SizeBytes   int64     `json:"size_bytes"` // of the object
	Checksum    string    `json:"checksum"`   // SHA-256 of the object, hexadecimal
	TableCount  int64     `json:"table_count"`
	RecordCount int64     `json:"record_count"`

	DocumentBytes int64         `json:"document_bytes"` // of the JSON text
	Digest        string        `json:"content_digest"`
	Compression   string        `json:"compression"`
	Duration      time.Duration `json:"-"`
	Verified      time.Time     `json:"-"` // zero if it was never read back
	Checked       time.Time     `json:"-"` // last verification of any kind
	Damaged       bool          `json:"damaged"`
	Pinned        time.Time     `json:"-"` // until when it may not be pruned, the end of 9999 for ever; zero without a Pin
	Warnings      []string      `json:"warnings"`
	// PassedOver says, of the result of LatestBackup alone, which newer backups were
	// not taken and why, and whether an older one holds more.
	PassedOver []string `json:"-"`
	// Future is, of the same result, the time of the newest backup if that lies in the
	// future; it is taken only where there is no other.
	Future time.Time `json:"-"`
	// Problem says why the backup cannot be used, if its manifest or object
	// is missing or damaged as far as listing can tell. The fields above may
	// be unknown then.
	Problem string `json:"problem,omitempty"`
	// Sealed says that the backup is sealed, and Locked that it was listed
	// without a key that opens it: TableCount, RecordCount, DocumentBytes,
	// Digest, Source, Duration and Warnings are not known then.
	Sealed bool `json:"sealed"`
	Locked bool `json:"locked"`
	// Pin says who wants it kept, and why; it may be over. Nil if nobody does.
	Pin *Pin `json:"pin,omitempty"`
	// Safety says that it is the safety backup of a restore.
	Safety bool `json:"safety,omitempty"`
	// Copies says what became of the copies in other destinations, after
	// CreateBackup.
	Copies []CopyResult `json:"copies,omitempty"`
	// SharedWith is the path of another database whose backups lie in the same
	// folder under the same name, after CreateBackup. Nothing is pruned then; a
	// warning says so. "" where there is none.
	SharedWith string `json:"-"`
	// ActOn are those of the Warnings of CreateBackup that ask for something to be
	// done; the others are the same after each backup of the database.
	ActOn []string `json:"-"`
	// Pruned are the decisions of the retention after CreateBackup.
	Pruned []Decision `json:"-"`
}

func newBackup(folder string, m *manifest.Summary) *Backup {
	return &Backup{
		Path: filepath.Join(folder, m.Object), Database: m.Database, Source: m.Source.Path,
		Timestamp: m.Created.Time, SizeBytes: m.Stored.Bytes, Checksum: m.Stored.SHA256.String(),
		TableCount: m.Totals.Tables, RecordCount: m.Totals.Rows, DocumentBytes: m.Document.Bytes,
		Digest: m.Document.Digest, Compression: m.Compression.Codec,
		Duration: time.Duration(m.Durations.Total * float64(time.Second)),
		Verified: m.Verified.Time, Checked: m.Verified.Time, Warnings: append([]string{}, m.Warnings...),
		Sealed: manifest.IsSealedName(m.Object),
	}
}

// lockedBackup is what is known of a sealed backup without a key.
func lockedBackup(folder string, r *record) *Backup {
	m := r.sealed
	return &Backup{
		Path: filepath.Join(folder, m.Object), Database: m.Database, Timestamp: m.Created.Time,
		SizeBytes: m.Stored.Bytes, Checksum: m.Stored.SHA256.String(), Compression: r.header.Codec,
		Verified: m.Verified.Time, Checked: m.Verified.Time, Warnings: []string{}, Sealed: true, Locked: true,
	}
}

// ListBackups lists the backups of the configured database, or of all databases
// in BackupDirectory if the Config names none: by database, newest first. A
// backup that is listed but cannot be used has a Problem; a sealed one that the
// Keys of the Config do not open is Locked. No object is read; and of a manifest that
// is not sealed nothing is looked at but its checksum and what the list tells.
//
// BackupDirectory may be the URL of a destination here.
func (s *Service) ListBackups(ctx context.Context) ([]*Backup, error) {
	if destination.IsURL(s.cfg.BackupDirectory) {
		return s.listAt(ctx, s.cfg.BackupDirectory)
	}
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	if err := s.checkPlace(s.cfg.BackupDirectory); err != nil {
		return nil, explain("list", "", err)
	}
	names, err := s.names()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing was ever backed up there
	}
	if err != nil {
		return nil, explain("list", s.cfg.BackupDirectory, err)
	}
	var all []*Backup
	for _, name := range names {
		b, err := s.list(ctx, name, s.cfg.sealed())
		if err != nil {
			return nil, explain("list", filepath.Join(s.cfg.BackupDirectory, name), err)
		}
		all = append(all, b...)
	}
	return all, nil
}

// unlocker returns what opens sealed manifests, nil unless they are to be opened.
func (s *Service) unlocker(ctx context.Context, open bool) (func(place, *record) error, error) {
	if !open {
		return nil, nil
	}
	if _, err := s.ring(ctx, false); err != nil {
		return nil, err
	}
	return func(at place, r *record) error {
		_, err := s.openManifest(ctx, at, r)
		return err
	}, nil
}

// list lists the backups of one database, newest first. Sealed ones stay Locked
// unless they are to be opened, which takes a call of a key management service
// for each, or a tenth of a second if there is a passphrase.
func (s *Service) list(ctx context.Context, name string, open bool) ([]*Backup, error) {
	folder := filepath.Join(s.cfg.BackupDirectory, name)
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	paths := objectsAmong(entries, folder, manifest.Suffix)
	slices.Sort(paths)
	slices.Reverse(paths)
	unlock, err := s.unlocker(ctx, open)
	if err != nil {
		return nil, err
	}
	var list []*Backup
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list = append(list, readListed(ctx, listedPlace{s.place(path), entries}, folder, name, unlock))
	}
	return list, nil
}

// A listedPlace is a place in a folder that was read. Most backups have nothing
// beside their manifest, and to ask for each file that could be there takes longer
// than to read that.
type listedPlace struct {
	place
	entries []fs.DirEntry // of the folder, sorted by name
}

func (p listedPlace) sibling(ctx context.Context, suffix string) ([]byte, error) {
	name := p.name() + suffix
	if _, there := slices.BinarySearchFunc(p.entries, name, func(e fs.DirEntry, name string) int {
		return strings.Compare(e.Name(), name)
	}); !there {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return p.place.sibling(ctx, suffix)
}

// readListed reads what is known of the backup at a place without reading its
// object. Of a plain manifest it decodes what the list tells.
func readListed(ctx context.Context, at place, folder, name string, unlock func(place, *record) error) *Backup {
	b, err := readSummary(ctx, at, folder, unlock)
	if err != nil {
		b.Problem = err.Error()
		b.Database = name
		created, codec, _ := manifest.ParseObjectName(at.name())
		if b.Timestamp.IsZero() {
			b.Timestamp, b.Compression = created.Time, codec
		}
	}
	return b
}

// readSummary is readBackup, but for rules about tables and frames that the manifest
// of a plain backup may break although its checksum is right.
func readSummary(ctx context.Context, at place, folder string, unlock func(place, *record) error) (*Backup, error) {
	text, err := manifestText(ctx, at)
	switch {
	case err != nil:
	case manifest.IsSealed(text):
		return decodeBackup(ctx, at, folder, text, unlock)
	default:
		var m *manifest.Summary
		if m, err = manifest.DecodeSummary(text); err != nil {
			err = checkManifestOf(at, "", err)
		} else if err = checkManifestOf(at, m.Object, nil); err == nil {
			b := newBackup(folder, m)
			return b, b.complete(ctx, at)
		}
	}
	return &Backup{Path: filepath.Join(folder, at.name())}, err
}

// readBackup never returns nil; what is not known is zero. Folder is what the
// Path begins with. Unlock, if not nil, opens a manifest that is sealed; that it
// has no key for it is no error.
func readBackup(ctx context.Context, at place, folder string, unlock func(place, *record) error) (*Backup, error) {
	text, err := manifestText(ctx, at)
	if err != nil {
		return &Backup{Path: filepath.Join(folder, at.name())}, err
	}
	return decodeBackup(ctx, at, folder, text, unlock)
}

// decodeBackup is readBackup with the text of the manifest.
func decodeBackup(ctx context.Context, at place, folder string, text []byte, unlock func(place, *record) error) (*Backup, error) {
	r, err := decodeRecord(at, text)
	if err != nil {
		return &Backup{Path: filepath.Join(folder, at.name())}, err
	}
	if r.sealed != nil && unlock != nil {
		err := unlock(at, r)
		if err != nil && !errors.Is(err, seal.ErrWrongKey) && !errors.Is(err, keys.ErrUnavailable) {
			return lockedBackup(folder, r), err
		}
	}
	return describe(ctx, at, folder, r)
}

// describe tells what is known of the backup at a place by its manifest and by what
// lies beside the object.
func describe(ctx context.Context, at place, folder string, r *record) (*Backup, error) {
	var b *Backup
	if r.m != nil {
		b = newBackup(folder, r.m.Summary())
	} else {
		b = lockedBackup(folder, r)
	}
	return b, b.complete(ctx, at)
}

// complete completes what the manifest tells by what lies beside the object.
func (b *Backup) complete(ctx context.Context, at place) error {
	size, err := at.size(ctx)
	if err != nil {
		return fmt.Errorf("the object is missing: %w", err)
	}
	if size != b.SizeBytes {
		return fmt.Errorf("the object has %d bytes, not %d", size, b.SizeBytes)
	}
	if err := b.readPin(ctx, at); err != nil {
		return err
	}
	text, err := at.sibling(ctx, manifest.CheckedSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := manifest.DecodeChecked(text)
	if err != nil {
		return err
	}
	b.Checked, b.Damaged = c.Checked.Time, !c.OK
	if c.OK && b.Verified.IsZero() {
		b.Verified = c.Checked.Time
	}
	return nil
}

// Stats sums up the backups of one database.
type Stats struct {
	Database      string        `json:"database"`
	Count         int           `json:"count"`
	Verified      int           `json:"verified"`
	Damaged       int           `json:"damaged"`
	SizeBytes     int64         `json:"size_bytes"`     // of all objects
	DocumentBytes int64         `json:"document_bytes"` // of all documents
	Ratio         float64       `json:"compression_ratio"`
	Oldest        time.Time     `json:"oldest,omitzero"`
	Newest        time.Time     `json:"newest,omitzero"`
	NewestRows    int64         `json:"newest_record_count"`
	NewestTables  int64         `json:"newest_table_count"`
	MeanDuration  time.Duration `json:"-"`
	LastVerified  time.Time     `json:"last_verified,omitzero"`
	// Locked counts the sealed backups that no key was given for: what they
	// hold is missing from DocumentBytes, Ratio and MeanDuration then.
	// NewestLocked says that the newest is one of them.
	Locked       int  `json:"locked"`
	NewestLocked bool `json:"newest_locked"`
}

// BackupStats sums up what ListBackups lists, one Stats a database.
func (s *Service) BackupStats(ctx context.Context) ([]Stats, error) {
	list, err := s.ListBackups(ctx)
	if err != nil {
		return nil, err
	}
	return StatsOf(list), nil
}

// StatsOf sums up a list as ListBackups returns it.
func StatsOf(list []*Backup) []Stats {
	var all []Stats
	for _, b := range list {
		if len(all) == 0 || all[len(all)-1].Database != b.Database {
			all = append(all, Stats{Database: b.Database})
		}
		all[len(all)-1].add(b)
	}
	for i := range all {
		all[i].finish()
	}
	return all
}

func (t *Stats) add(b *Backup) {
	t.Count++
	if b.Problem != "" || b.Damaged {
		t.Damaged++
	} else if !b.Verified.IsZero() {
		t.Verified++
	}
	if t.Newest.IsZero() { // the list is newest first
		t.Newest, t.NewestRows, t.NewestTables, t.NewestLocked = b.Timestamp, b.RecordCount, b.TableCount, b.Locked
	}
	if b.Locked {
		t.Locked++
	}
	t.Oldest = b.Timestamp
	t.SizeBytes += b.SizeBytes
	t.DocumentBytes += b.DocumentBytes
	t.MeanDuration += b.Duration // the sum, until finish
	if b.Checked.After(t.LastVerified) {
		t.LastVerified = b.Checked
	}
}

func (t *Stats) finish() {
	t.MeanDuration /= time.Duration(t.Count)
	if t.SizeBytes > 0 {
		t.Ratio = float64(t.DocumentBytes) / float64(t.SizeBytes)
	}
}
