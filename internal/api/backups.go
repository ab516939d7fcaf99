package api

import (
	"context"
	"net/http"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// ListAnswer lists backups.
type ListAnswer struct {
	Success   bool                 `json:"success"`
	Database  string               `json:"database"`
	Backups   []service.BackupView `json:"backups" doc:"Newest first"`
	Count     int                  `json:"count"`
	SizeBytes int64                `json:"size_bytes" doc:"Of all of them"`
}

// StatsAnswer sums up backups.
type StatsAnswer struct {
	Success   bool            `json:"success"`
	Count     int             `json:"count"`
	SizeBytes int64           `json:"size_bytes"`
	Databases []DatabaseStats `json:"databases"`
}

// DatabaseStats sums up the backups of one database. What no key was given for
// is null.
type DatabaseStats struct {
	Database     string    `json:"database"`
	Count        int       `json:"count"`
	Verified     int       `json:"verified"`
	Damaged      int       `json:"damaged"`
	Locked       int       `json:"locked" doc:"Sealed backups that the service has no key for"`
	SizeBytes    int64     `json:"size_bytes"`
	Document     *int64    `json:"document_bytes"`
	Ratio        *float64  `json:"compression_ratio"`
	Oldest       time.Time `json:"oldest" nullable:"true"`
	Newest       time.Time `json:"newest" nullable:"true"`
	NewestRows   *int64    `json:"newest_record_count"`
	NewestTables *int64    `json:"newest_table_count"`
	Mean         *float64  `json:"mean_duration_seconds"`
	LastVerified time.Time `json:"last_verified" nullable:"true"`
}

// unless is null for what is not known.
func unless[T any](unknown bool, v T) *T {
	if unknown {
		return nil
	}
	return &v
}

func statsOf(s *litekeep.Stats) DatabaseStats {
	locked := s.Locked > 0
	return DatabaseStats{
		Database: s.Database, Count: s.Count, Verified: s.Verified, Damaged: s.Damaged, Locked: s.Locked, SizeBytes: s.SizeBytes,
		Document: unless(locked, s.DocumentBytes), Ratio: unless(locked, s.Ratio), Oldest: s.Oldest, Newest: s.Newest,
		NewestRows: unless(s.NewestLocked, s.NewestRows), NewestTables: unless(s.NewestLocked, s.NewestTables),
		Mean: unless(locked, s.MeanDuration.Seconds()), LastVerified: s.LastVerified,
	}
}

// BackupAnswer tells all of one backup.
type BackupAnswer struct {
	Success bool `json:"success"`
	service.BackupView
	Contents *Contents             `json:"contents,omitempty" doc:"What its manifest tells. Left out where no key opens it"`
	Before   string                `json:"before,omitempty" doc:"File name of the backup before"`
	Changes  []service.TableChange `json:"changes" doc:"Against the backup before, what changed most first"`
}

func (a *API) registerBackups() {
	register(a, operation{
		id: "list-backups", method: http.MethodGet, path: "/api/backup/list", tag: tagBackups, action: access.See,
		summary: "List the backups of a database", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *InDatabase) (*answer[ListAnswer], error) {
		db, err := a.database(ctx, by, in.Database)
		if err != nil {
			return nil, err
		}
		all, err := a.door.Backups(ctx, by, db)
		if err != nil {
			return nil, err
		}
		out := ListAnswer{Success: true, Database: db, Backups: all, Count: len(all)}
		for i := range all {
			if all[i].Backup != nil {
				out.SizeBytes += all[i].SizeBytes
			}
		}
		return reply(out), nil
	})
	register(a, operation{
		id: "backup-stats", method: http.MethodGet, path: "/api/backup/stats", tag: tagBackups, action: access.See,
		summary: "Sum up backups", fails: []int{404},
		about: "Without the parameter database: of each database.",
	}, func(ctx context.Context, by access.Principal, in *struct {
		Database string `query:"database" maxLength:"255" doc:"Name of the database. Default: all of them"`
	},
	) (*answer[StatsAnswer], error) {
		all, err := a.door.Stats(ctx, by, in.Database)
		if err != nil {
			return nil, err
		}
		out := StatsAnswer{Success: true}
		for i := range all {
			out.Count += all[i].Count
			out.SizeBytes += all[i].SizeBytes
			out.Databases = append(out.Databases, statsOf(&all[i]))
		}
		return reply(out), nil
	})
	register(a, operation{
		id: "get-backup", method: http.MethodGet, path: "/api/backup/{backup_filename}", tag: tagBackups, action: access.See,
		summary: "Tell all of one backup", fails: []int{404, 409},
	}, func(ctx context.Context, by access.Principal, in *InBackup) (*answer[BackupAnswer], error) {
		db, err := a.backup(ctx, by, in)
		if err != nil {
			return nil, err
		}
		d, err := a.door.Backup(ctx, by, db, in.File)
		if err != nil {
			return nil, err
		}
		return reply(BackupAnswer{
			Success: true, BackupView: d.BackupView, Contents: contents(d.Details), Before: d.Before, Changes: d.Changes,
		}), nil
	})
}
