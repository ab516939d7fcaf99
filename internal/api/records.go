package api

import (
	"context"
	"net/http"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// AuditAnswer lists entries of the audit log.
type AuditAnswer struct {
	Success bool                 `json:"success"`
	Entries []service.AuditEntry `json:"entries" doc:"Newest first"`
	Count   int                  `json:"count"`
}

// AuditCheckAnswer is what a check of the audit log found. Its success is ok.
type AuditCheckAnswer struct {
	Success bool `json:"success"`
	service.AuditReport
}

type onAudit struct {
	Database string    `query:"database" maxLength:"255"`
	Action   string    `query:"action" maxLength:"100"`
	Actor    string    `query:"actor" maxLength:"100"`
	Since    time.Time `query:"since" doc:"Entries from this time on"`
	Until    time.Time `query:"until" doc:"Entries before this time"`
	Limit    int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (a *API) registerRecords() {
	const tag = "audit"
	register(a, operation{
		id: "read-audit", method: http.MethodGet, path: "/api/audit", tag: tag, action: access.ReadAudit,
		summary: "Read the audit log",
	}, func(ctx context.Context, by access.Principal, in *onAudit) (*answer[AuditAnswer], error) {
		all, err := a.door.Audit(ctx, by, service.AuditFilter{
			Database: in.Database, Action: in.Action, Actor: in.Actor, Since: in.Since, Until: in.Until, Limit: in.Limit,
		})
		if err != nil {
			return nil, err
		}
		return reply(AuditAnswer{true, all, len(all)}), nil
	})
	register(a, operation{
		id: "verify-audit", method: http.MethodGet, path: "/api/audit/verify", tag: tag, action: access.ReadAudit,
		summary: "Check the audit log",
		about:   "Finds entries that were changed, dropped or reordered. A log that is not as it was written is answered with 200 and ok false.",
	}, func(ctx context.Context, by access.Principal, _ *struct{}) (*answer[AuditCheckAnswer], error) {
		r, err := a.door.VerifyAudit(ctx, by)
		if err != nil {
			return nil, err
		}
		return reply(AuditCheckAnswer{r.OK, *r}), nil
	})
}
