package api

import "github.com/litekeep/litekeep"

// Contents is what a backup's manifest tells, with the names that the command
// line has for it (docs/CLI.md).
type Contents struct {
	Level     int                       `json:"compression_level"`
	Frames    int                       `json:"frames"`
	Writer    string                    `json:"writer" doc:"The program that wrote the backup"`
	SQLite    string                    `json:"sqlite" doc:"Version of the library that took the snapshot"`
	Settings  litekeep.DatabaseSettings `json:"settings" doc:"Of the database"`
	Durations RunDurations              `json:"durations"`
	Tables    []litekeep.TableDetails   `json:"tables"`
	Indexes   []litekeep.CarriedIndex   `json:"carried_indexes" doc:"Those that are kept entry by entry, since a restore could not build them"`
}

// RunDurations are how long the parts of a backup took.
type RunDurations struct {
	Snapshot float64 `json:"snapshot_seconds"`
	Write    float64 `json:"write_seconds"`
	Verify   float64 `json:"verify_seconds"`
	Total    float64 `json:"total_seconds"`
}

// contents is nil for a backup whose manifest could not be read.
func contents(d *litekeep.Details) *Contents {
	if d == nil {
		return nil
	}
	return &Contents{
		Level: d.Level, Frames: d.Frames, Writer: d.Writer, SQLite: d.SQLite, Settings: d.Settings,
		Durations: RunDurations{
			Snapshot: d.Durations.Snapshot.Seconds(), Write: d.Durations.Write.Seconds(),
			Verify: d.Durations.Verify.Seconds(), Total: d.Durations.Total.Seconds(),
		},
		Tables: d.Tables, Indexes: d.Indexes,
	}
}
