package api

import "github.com/litekeep/litekeep"

// Contents is what a backup's manifest tells, with the names that the command
// line has for it (docs/CLI.md).
type Contents struct {
	Level     int             `json:"compression_level"`
	Frames    int             `json:"frames"`
	Writer    string          `json:"writer" doc:"The program that wrote the backup"`
	SQLite    string          `json:"sqlite" doc:"Version of the library that took the snapshot"`
	Settings  ContentSettings `json:"settings" doc:"Of the database"`
	Durations RunDurations    `json:"durations"`
	Tables    []TableContent  `json:"tables"`
	Indexes   []IndexContent  `json:"carried_indexes" doc:"Those that are kept entry by entry, since a restore could not build them"`
}

// ContentSettings are the settings in the header of a database.
type ContentSettings struct {
	PageSize      int    `json:"page_size"`
	Reserved      int    `json:"reserved"`
	Encoding      string `json:"encoding"`
	JournalMode   string `json:"journal_mode"`
	AutoVacuum    int    `json:"auto_vacuum"`
	UserVersion   int32  `json:"user_version"`
	ApplicationID int32  `json:"application_id"`
	SchemaVersion int64  `json:"schema_version"`
	ZeroBytes     bool   `json:"zero_bytes"`
}

// RunDurations are how long the parts of a backup took.
type RunDurations struct {
	Snapshot float64 `json:"snapshot_seconds"`
	Write    float64 `json:"write_seconds"`
	Verify   float64 `json:"verify_seconds"`
	Total    float64 `json:"total_seconds"`
}

// TableContent is one table of a backup.
type TableContent struct {
	Name string `json:"name"`
	Rows int64  `json:"record_count"`
}

// IndexContent is one index that a backup keeps entry by entry.
type IndexContent struct {
	Name    string `json:"name"`
	Table   string `json:"table"`
	Entries int64  `json:"entries"`
	Reason  string `json:"reason"`
}

// contents is nil for a backup whose manifest could not be read.
func contents(d *litekeep.Details) *Contents {
	if d == nil {
		return nil
	}
	c := &Contents{
		Level: d.Level, Frames: d.Frames, Writer: d.Writer, SQLite: d.SQLite, Settings: ContentSettings(d.Settings),
		Durations: RunDurations{
			Snapshot: d.Durations.Snapshot.Seconds(), Write: d.Durations.Write.Seconds(),
			Verify: d.Durations.Verify.Seconds(), Total: d.Durations.Total.Seconds(),
		},
	}
	for _, t := range d.Tables {
		c.Tables = append(c.Tables, TableContent(t))
	}
	for _, x := range d.Indexes {
		c.Indexes = append(c.Indexes, IndexContent(x))
	}
	return c
}
