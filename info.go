package litekeep

import (
	"context"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/manifest"
)

// Details is all that the manifest of one backup tells.
type Details struct {
	Backup
	SQLite    string           // version of the library that took the snapshot
	Writer    string           // program that wrote the backup, "litekeep 0.1.0"
	Level     int              // of the compression
	Frames    int              // of the object
	Settings  DatabaseSettings // of the source
	Tables    []TableDetails   // in the order of the document
	Indexes   []CarriedIndex   // in the order of the document
	Durations Durations
}

// DatabaseSettings are the settings in the header of a database.
type DatabaseSettings struct {
	PageSize      int    `json:"page_size"`    // bytes
	Reserved      int    `json:"reserved"`     // bytes at the end of each page
	Encoding      string `json:"encoding"`     // UTF-8, UTF-16le or UTF-16be
	JournalMode   string `json:"journal_mode"` // wal, or delete for every rollback mode
	AutoVacuum    int    `json:"auto_vacuum"`  // 0 none, 1 full, 2 incremental
	UserVersion   int32  `json:"user_version"`
	ApplicationID int32  `json:"application_id"`
	SchemaVersion int64  `json:"schema_version"` // the schema cookie
	ZeroBytes     bool   `json:"zero_bytes"`     // the source is a file of 0 bytes
}

// TableDetails is one table of a backup.
type TableDetails struct {
	Name string `json:"name"` // what is not UTF-8 in it is U+FFFD
	Rows int64  `json:"record_count"`
}

// CarriedIndex is an index that a backup keeps entry by entry, since a restore
// could not build it again.
type CarriedIndex struct {
	Name    string `json:"name"`
	Table   string `json:"table"`
	Entries int64  `json:"entries"`
	Reason  string `json:"reason"` // why, for people
}

// Durations says how long the parts of a backup run took.
type Durations struct {
	Snapshot, Write, Verify, Total time.Duration
}

// BackupDetails returns what the manifest of the backup whose object is at path
// tells. It reads no object; when the object is missing or has the wrong size,
// the Problem of the Details says so. A manifest that is missing or damaged is
// an error that matches ErrDamaged. That of a sealed backup needs a key.
func (s *Service) BackupDetails(ctx context.Context, path string) (*Details, error) {
	if err := ctx.Err(); err != nil {
		return nil, explain("info", path, err)
	}
	at := s.place(path)
	r, err := readRecord(ctx, at)
	if err == nil {
		_, err = s.openManifest(ctx, at, r)
	}
	if err != nil {
		return nil, explain("info", path, err)
	}
	m := r.m
	b, err := describe(ctx, at, filepath.Dir(path), r)
	if err != nil {
		b.Problem = err.Error()
	}
	d := &Details{
		Backup: *b, SQLite: m.Source.SQLite, Writer: m.Writer, Level: m.Compression.Level, Frames: len(m.Frames),
		Settings: settings(m),
		Durations: Durations{
			Snapshot: seconds(m.Durations.Snapshot), Write: seconds(m.Durations.Write),
			Verify: seconds(m.Durations.Verify), Total: seconds(m.Durations.Total),
		},
	}
	for _, t := range m.Tables {
		d.Tables = append(d.Tables, TableDetails{Name: t.Name, Rows: t.Rows})
	}
	for _, x := range m.Indexes {
		d.Indexes = append(d.Indexes, CarriedIndex{Name: x.Name, Table: x.Table, Entries: x.Entries, Reason: x.Reason})
	}
	return d, nil
}

func settings(m *manifest.Manifest) DatabaseSettings {
	return DatabaseSettings{
		PageSize: m.Settings.PageSize, Reserved: m.Settings.Reserved, Encoding: m.Settings.Encoding,
		JournalMode: m.Settings.JournalMode, AutoVacuum: m.Settings.AutoVacuum,
		UserVersion: m.Settings.UserVersion, ApplicationID: m.Settings.ApplicationID,
		SchemaVersion: m.Source.SchemaVersion, ZeroBytes: m.Settings.ZeroBytes,
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// SQLiteVersion returns the version of the SQLite library in use, "3.54.1".
func SQLiteVersion() string { return engine.Version() }
