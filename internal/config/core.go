package config

import (
	"time"

	"github.com/litekeep/litekeep"
)

// Core returns the Config of the library for the database. It has no notion of the
// schedule, the time limit or the promise, which are the scheduler's.
func (db *Database) Core() litekeep.Config {
	c := litekeep.Config{
		DatabasePath:     db.Path,
		Name:             db.Name,
		Compression:      db.Compression,
		CompressionLevel: db.CompressionLevel,
		VerifyOnBackup:   db.Verify != VerifyNone,
		TempDirectory:    db.Temp,
		BusyTimeout:      db.BusyTimeout,
		LockTimeout:      db.BusyTimeout,
		Keys:             db.Keys,
		Sealed:           db.Sealed,
		MinCopies:        db.MinCopies,
		NoPrune:          !db.Prune,
	}
	if len(db.Destinations) > 0 {
		c.BackupDirectory, c.Copies = db.Destinations[0], db.Destinations[1:]
	}
	if c.BusyTimeout == 0 {
		c.BusyTimeout = time.Nanosecond // 0 would be the default of the library
	}
	db.retain(&c)
	return c
}

// retain sets the retention.
func (db *Database) retain(c *litekeep.Config) {
	r := db.Retention
	c.OwnRetention = true
	c.KeepWithin = max(r.Within, time.Nanosecond) // 0 would be the default of the library
	c.KeepLast = max(r.Last, 1)                   // likewise; the minimum keeps one anyhow
	c.KeepHourly, c.KeepDaily, c.KeepWeekly, c.KeepMonthly, c.KeepYearly = r.Hourly, r.Daily, r.Weekly, r.Monthly, r.Yearly
	c.KeepMinimum = r.Minimum
	c.TrashGrace = r.Trash
	c.TimeZone = db.TimeZone
}

// Database returns the database of a name, nil if there is none.
func (c *Config) Database(name string) *Database {
	for i := range c.Databases {
		if c.Databases[i].Name == name {
			return &c.Databases[i]
		}
	}
	return nil
}
