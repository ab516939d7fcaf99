package api

import (
	"context"
	"net/http"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// DatabasesAnswer tells of all databases.
type DatabasesAnswer struct {
	Success   bool             `json:"success"`
	Databases []service.Status `json:"databases" doc:"Those with problems first"`
	Count     int              `json:"count"`
}

// DatabaseAnswer tells of one database.
type DatabaseAnswer struct {
	Success bool `json:"success"`
	service.Status
}

// AcceptBody says why a database may be smaller than it was.
type AcceptBody struct {
	_      struct{} `additionalProperties:"false"`
	Reason string   `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log"`
}

// OneDatabase is the parameter of operations on one database, as a part of the path.
type OneDatabase struct {
	Name string `path:"name" maxLength:"255" doc:"Name of the database"`
}

func (a *API) registerDatabases() {
	const tag = "databases"
	register(a, operation{
		id: "list-databases", method: http.MethodGet, path: "/api/databases", tag: tag, action: access.See,
		summary: "Tell how all databases are",
	}, func(ctx context.Context, by access.Principal, _ *struct{}) (*answer[DatabasesAnswer], error) {
		all, err := a.door.Databases(ctx, by)
		if err != nil {
			return nil, err
		}
		return reply(DatabasesAnswer{true, all, len(all)}), nil
	})
	register(a, operation{
		id: "get-database", method: http.MethodGet, path: "/api/databases/{name}", tag: tag, action: access.See,
		summary: "Tell how a database is", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *OneDatabase) (*answer[DatabaseAnswer], error) {
		s, err := a.door.Database(ctx, by, in.Name)
		if err != nil {
			return nil, err
		}
		return reply(DatabaseAnswer{true, *s}), nil
	})
	register(a, operation{
		id: "accept-size", method: http.MethodPost, path: "/api/databases/{name}/accept-size", tag: tag, action: access.Prune,
		summary: "Accept that a database shrank", fails: []int{404, 409},
		about: "Nothing is removed by the retention after a backup that is much smaller than the ones before, until somebody says that it is right.",
	}, func(ctx context.Context, by access.Principal, in *struct {
		OneDatabase
		Body AcceptBody
	},
	) (*answer[Done], error) {
		if err := a.door.AcceptSize(ctx, by, in.Name, in.Body.Reason); err != nil {
			return nil, err
		}
		return reply(Done{true}), nil
	})
}
