package service

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/schedule"
)

// A spec is what the configuration says of a database.
type spec struct {
	database     config.Database
	name, path   string
	schedule     *schedule.Schedule // nil for none
	scheduleText string
	zone         *time.Location
	spread       time.Duration
	overdueAt    func(last time.Time) time.Time // if the newest good backup is of last; zero for never
	timeLimit    time.Duration                  // 0 for none
	verifyAll    bool                           // read every value again after each backup
	prune        bool
	shrink       int    // per cent that a backup may lose, 0 for any
	retention    string // in words
	diskLow      int64  // bytes that a folder must have left
	core         litekeep.Config
}

// folder is where the primary copies of the backups lie.
func (s *spec) folder() string { return filepath.Join(s.core.BackupDirectory, s.name) }

// specOf takes what c says of the database d. c has been checked.
func specOf(c *config.Config, d *config.Database) spec {
	s := spec{
		database: *d, name: d.Name, path: d.Path, schedule: d.Slots(), scheduleText: d.Schedule, zone: d.Zone(), spread: d.Delay(),
		overdueAt: remembered(d.OverdueAt), timeLimit: d.TimeLimit, verifyAll: d.Verify == config.VerifyFull, prune: d.Prune,
		shrink: int(d.Shrink), retention: d.Retention.Words(), diskLow: int64(c.Notifications.DiskLow), core: d.Core(),
	}
	s.core.NoPrune = true // the service prunes by itself, once it has looked at what it got
	return s
}

// remembered is f, which need not be asked again for what it was asked last.
// Every look at a database asks when it is overdue, and that takes a walk
// through its schedule.
func remembered(f func(time.Time) time.Time) func(time.Time) time.Time {
	var mu sync.Mutex
	var known bool
	var last, at time.Time
	return func(t time.Time) time.Time {
		mu.Lock()
		defer mu.Unlock()
		if !known || t != last {
			known, last, at = true, t, f(t)
		}
		return at
	}
}
