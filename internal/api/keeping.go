package api

import (
	"context"
	"net/http"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// PinBody says for how long a backup is kept, and why.
type PinBody struct {
	_     struct{}  `additionalProperties:"false"`
	Note  string    `json:"note,omitempty" maxLength:"1000" doc:"Why"`
	Until time.Time `json:"until,omitzero" doc:"For ever, if it is left out"`
}

// TrashAnswer lists what was removed and can be had back.
type TrashAnswer struct {
	Success  bool                `json:"success"`
	Database string              `json:"database"`
	Backups  []service.TrashView `json:"backups"`
	Count    int                 `json:"count"`
}

func (a *API) registerKeeping() {
	const pin = "/api/backup/pin/{backup_filename}"
	register(a, operation{
		id: "pin-backup", method: http.MethodPost, path: pin, tag: tagBackups, action: access.Pin,
		summary: "Keep a backup whatever the retention says", fails: []int{404, 409},
	}, func(ctx context.Context, by access.Principal, in *struct {
		InBackup
		Body *PinBody
	},
	) (*answer[Done], error) {
		var b PinBody
		if in.Body != nil {
			b = *in.Body
		}
		return a.onOne(ctx, by, &in.InBackup, func(db string) error {
			return a.door.Pin(ctx, by, db, in.File, b.Note, b.Until)
		})
	})
	register(a, operation{
		id: "unpin-backup", method: http.MethodDelete, path: pin, tag: tagBackups, action: access.Pin,
		summary: "End that a backup is kept", fails: []int{404, 409},
	}, func(ctx context.Context, by access.Principal, in *InBackup) (*answer[Done], error) {
		return a.onOne(ctx, by, in, func(db string) error { return a.door.Unpin(ctx, by, db, in.File) })
	})
	register(a, operation{
		id: "list-trash", method: http.MethodGet, path: "/api/backup/trash", tag: tagBackups, action: access.See,
		summary: "List what was removed and can be had back", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *InDatabase) (*answer[TrashAnswer], error) {
		db, err := a.database(ctx, by, in.Database)
		if err != nil {
			return nil, err
		}
		all, err := a.door.Trash(ctx, by, db)
		if err != nil {
			return nil, err
		}
		return reply(TrashAnswer{true, db, all, len(all)}), nil
	})
	register(a, operation{
		id: "undelete-backup", method: http.MethodPost, path: "/api/backup/undelete/{backup_filename}", tag: tagBackups, action: access.Undelete,
		summary: "Take a backup out of the trash", fails: []int{404, 409},
	}, func(ctx context.Context, by access.Principal, in *struct {
		InBackup
		Body *Nothing
	},
	) (*answer[Done], error) {
		return a.onOne(ctx, by, &in.InBackup, func(db string) error { return a.door.Undelete(ctx, by, db, in.File) })
	})
}

// onOne does one thing to one backup.
func (a *API) onOne(ctx context.Context, by access.Principal, in *InBackup, do func(database string) error) (*answer[Done], error) {
	db, err := a.backup(ctx, by, in)
	if err != nil {
		return nil, err
	}
	if err := do(db); err != nil {
		return nil, err
	}
	return reply(Done{true}), nil
}
