package api

import (
	"context"
	"net/http"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// RunsAnswer lists runs.
type RunsAnswer struct {
	Success bool          `json:"success"`
	Runs    []service.Run `json:"runs" doc:"Newest first, without their logs"`
	Count   int           `json:"count"`
}

// OneRunAnswer tells of one run. Its success says that the question was
// answered; outcome says how the run fared.
type OneRunAnswer struct {
	Success bool `json:"success"`
	Done    bool `json:"done" doc:"The run has ended"`
	service.Run
}

// OnRun is the parameter of operations on one run.
type OnRun struct {
	ID string `path:"id" maxLength:"100"`
}

type onRuns struct {
	Database string `query:"database" maxLength:"255" doc:"Only runs of this database"`
	Kind     string `query:"kind" enum:"backup,verify,restore,cleanup,sync" doc:"Only runs of this kind"`
	Outcome  string `query:"outcome" enum:"queued,running,ok,partial,failed,refused,damaged,busy,timeout,cancelled,crashed" doc:"Only runs that ended so"`
	Before   string `query:"before" maxLength:"100" doc:"Id of a run: only older ones"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

func (a *API) registerRuns() {
	const tag = "runs"
	register(a, operation{
		id: "list-runs", method: http.MethodGet, path: "/api/runs", tag: tag, action: access.See,
		summary: "List runs", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *onRuns) (*answer[RunsAnswer], error) {
		all, err := a.door.Runs(ctx, by, service.RunFilter{
			Database: in.Database, Kind: service.Kind(in.Kind), Outcome: service.Outcome(in.Outcome), Before: in.Before, Limit: in.Limit,
		})
		if err != nil {
			return nil, err
		}
		return reply(RunsAnswer{true, all, len(all)}), nil
	})
	register(a, operation{
		id: "get-run", method: http.MethodGet, path: "/api/runs/{id}", tag: tag, action: access.See,
		summary: "Tell of a run, with its log", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *struct {
		OnRun
		Wait string `query:"wait" default:"false" doc:"false: answer at once; true: when the run has ended; a time such as 30s: at the latest then" example:"30s"`
	},
	) (*answer[OneRunAnswer], error) {
		limit, err := parseWait(in.Wait)
		if err != nil {
			return nil, err
		}
		run, err := a.door.Run(ctx, by, in.ID)
		if err != nil {
			return nil, err
		}
		if run, err = a.wait(ctx, by, run, limit); err != nil {
			return nil, err
		}
		return reply(oneRun(run)), nil
	})
	register(a, operation{
		id: "cancel-run", method: http.MethodPost, path: "/api/runs/{id}/cancel", tag: tag, action: access.Backup,
		summary: "Stop a run", fails: []int{404, 409},
		about: "The answer is the run as it is then, which may be before it has stopped. A run that has ended stays as it is.",
	}, func(ctx context.Context, by access.Principal, in *struct {
		OnRun
		Body *Nothing
	},
	) (*answer[OneRunAnswer], error) {
		run, err := a.door.CancelRun(ctx, by, in.ID)
		if err != nil {
			return nil, err
		}
		return reply(oneRun(run)), nil
	})
}

func oneRun(r *service.Run) OneRunAnswer { return OneRunAnswer{true, ended(r), *r} }
