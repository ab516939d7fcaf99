package api

import (
	"context"
	"net/http"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// CleanupBody asks for a cleanup. Its dry run and that of the query are one: a
// cleanup that either calls a dry run is one.
type CleanupBody struct {
	_      struct{} `additionalProperties:"false"`
	DryRun bool     `json:"dry_run,omitempty" doc:"Only say what would be done"`
}

// CleanupAnswer is the answer of a cleanup. Until it has ended it has the fields
// of RunAnswer only; a dry run is no run, and has no id.
type CleanupAnswer struct {
	RunAnswer
	*CleanupOutcome
}

// CleanupOutcome tells what the retention decided.
type CleanupOutcome struct {
	DryRun  bool                `json:"dry_run"`
	Kept    int                 `json:"kept"`
	Dropped int                 `json:"dropped" doc:"What the retention does not keep"`
	Trashed int                 `json:"trashed" doc:"Moved to the trash, from where they can be had back for a while"`
	Removed int                 `json:"removed" doc:"Gone"`
	Freed   int64               `json:"freed_bytes" doc:"Or what would be, in a dry run"`
	Backups []litekeep.Decision `json:"backups" doc:"One decision a backup, with its reason"`
}

func cleaned(decisions []litekeep.Decision, dryRun bool) CleanupOutcome {
	o := CleanupOutcome{DryRun: dryRun, Backups: decisions}
	for _, d := range decisions {
		if d.Keep {
			o.Kept++
			continue
		}
		o.Dropped++
		if d.Trashed {
			o.Trashed++
		}
		if d.Removed {
			o.Removed++
		}
		if d.Removed || dryRun {
			o.Freed += d.Size
		}
	}
	return o
}

type onCleanup struct {
	InDatabase
	Waiting
	DryRun bool `query:"dry_run" doc:"Only say what would be done"`
	Body   *CleanupBody
}

func (a *API) registerCleanup() {
	op := operation{
		id: "cleanup-backups", method: http.MethodPost, path: "/api/backup/cleanup", tag: tagBackups, action: access.Prune,
		summary: "Remove what the retention does not keep", failed: "Cleanup failed", fails: []int{404, 409},
		about: "A dry run removes nothing, and needs the role operator only.",
	}
	register(a, op, func(ctx context.Context, by access.Principal, in *onCleanup) (*started[CleanupAnswer], error) {
		db, err := a.database(ctx, by, in.Database)
		if err != nil {
			return nil, err
		}
		if in.DryRun || in.Body != nil && in.Body.DryRun {
			all, err := a.door.PreviewCleanup(ctx, by, db)
			if err != nil {
				return nil, err
			}
			o := cleaned(all, true)
			return &started[CleanupAnswer]{Status: http.StatusOK, Body: CleanupAnswer{
				RunAnswer{Success: true, Done: true, Database: db, Outcome: service.OutcomeOK}, &o,
			}}, nil
		}
		return settleRun(ctx, a, &op, by, in.Waiting,
			func() (*service.Run, error) { return a.door.StartCleanup(ctx, by, db) },
			func(r *service.Run) CleanupAnswer {
				return CleanupAnswer{runAnswer(r), ifDone(r, cleaned(r.Pruned, false))}
			})
	})
}
