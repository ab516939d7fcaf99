package client

import (
	"context"
	"errors"
	"strconv"
)

// waitStep is how long one question for a run may wait, so that no proxy in
// between takes the silence for the end.
const waitStep = "25s"

// RestoreRequest asks for a restore of a backup to its database's own path.
type RestoreRequest struct {
	File    string // of the backup
	Confirm string // the database's name; not needed for a dry run
	Reason  string // for the audit log; not needed for a dry run
	DryRun  bool   // only say what would be done
	// NoSafetyBackup leaves out the backup of what the database holds now.
	NoSafetyBackup bool
}

// StartBackup begins a backup.
func (c *Client) StartBackup(ctx context.Context, database string) (*Run, error) {
	return c.start(ctx, post("api", "backup", "create").with("database", database))
}

// StartVerify begins to read a backup from end to end.
func (c *Client) StartVerify(ctx context.Context, database, file string) (*Run, error) {
	return c.start(ctx, post("api", "backup", "verify", file).with("database", database))
}

// StartRestore begins a restore, or its dry run.
func (c *Client) StartRestore(ctx context.Context, database string, r RestoreRequest) (*Run, error) {
	body := struct {
		Confirm string `json:"confirm,omitempty"`
		Reason  string `json:"reason,omitempty"`
		DryRun  bool   `json:"dry_run,omitempty"`
		Safety  bool   `json:"safety_backup"`
	}{r.Confirm, r.Reason, r.DryRun, !r.NoSafetyBackup}
	return c.start(ctx, post("api", "backup", "restore", r.File).with("database", database).carrying(body))
}

// StartCleanup begins to remove what the retention does not keep.
func (c *Client) StartCleanup(ctx context.Context, database string) (*Run, error) {
	return c.start(ctx, post("api", "backup", "cleanup").with("database", database))
}

// StartSync begins to copy what a destination lacks.
func (c *Client) StartSync(ctx context.Context, database string) (*Run, error) {
	return c.start(ctx, post("api", "backup", "sync").with("database", database))
}

// start sends a request that begins a run.
func (c *Client) start(ctx context.Context, r request) (*Run, error) {
	var v struct {
		ID string `json:"run_id"`
	}
	err := c.ask(ctx, r.with("wait", "false"), &v)
	var e *Error
	switch {
	case errors.As(err, &e) && e.RunID != "": // it began, and has failed already
		v.ID = e.RunID
	case err != nil:
		return nil, err
	}
	return c.Run(ctx, v.ID)
}

// Backup backs up a database, and waits until that is done.
func (c *Client) Backup(ctx context.Context, database string) (*Run, error) {
	return c.finish(ctx, func() (*Run, error) { return c.StartBackup(ctx, database) })
}

// Verify reads a backup from end to end, and waits until that is done.
func (c *Client) Verify(ctx context.Context, database, file string) (*Run, error) {
	return c.finish(ctx, func() (*Run, error) { return c.StartVerify(ctx, database, file) })
}

// Restore restores a backup, and waits until that is done.
func (c *Client) Restore(ctx context.Context, database string, r RestoreRequest) (*Run, error) {
	return c.finish(ctx, func() (*Run, error) { return c.StartRestore(ctx, database, r) })
}

// Cleanup removes what the retention does not keep, and waits until that is
// done.
func (c *Client) Cleanup(ctx context.Context, database string) (*Run, error) {
	return c.finish(ctx, func() (*Run, error) { return c.StartCleanup(ctx, database) })
}

// Sync copies what a destination lacks, and waits until that is done.
func (c *Client) Sync(ctx context.Context, database string) (*Run, error) {
	return c.finish(ctx, func() (*Run, error) { return c.StartSync(ctx, database) })
}

// finish waits for a run. It returns the run also beside a *RunError.
func (c *Client) finish(ctx context.Context, start func() (*Run, error)) (*Run, error) {
	r, err := start()
	if err != nil {
		return nil, err
	}
	if r, err = c.Wait(ctx, r.ID); err != nil {
		return nil, err
	}
	return r, r.Err()
}

// Run tells of one run, with its log.
func (c *Client) Run(ctx context.Context, id string) (*Run, error) {
	return c.oneRun(ctx, get("api", "runs", id))
}

// Wait waits until a run has ended, and returns it. How it fared, Run.Err says.
func (c *Client) Wait(ctx context.Context, id string) (*Run, error) {
	for {
		r, err := c.oneRun(ctx, get("api", "runs", id).with("wait", waitStep))
		if err != nil || r.Done() {
			return r, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// CancelRun stops a run. It may take a moment: the run that is returned may not
// have ended yet.
func (c *Client) CancelRun(ctx context.Context, id string) (*Run, error) {
	return c.oneRun(ctx, post("api", "runs", id, "cancel"))
}

func (c *Client) oneRun(ctx context.Context, r request) (*Run, error) {
	v := &Run{}
	if err := c.ask(ctx, r, v); err != nil {
		return nil, err
	}
	return v, nil
}

// RunFilter chooses runs. The zero filter chooses the newest 50 of all.
type RunFilter struct {
	Database string
	Kind     string // backup, verify, restore, cleanup or sync
	Outcome  string
	Before   string // an ID: only older ones
	Limit    int    // at most 500; 0 is 50
}

// Runs lists runs, newest first, without their logs.
func (c *Client) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	r := get("api", "runs").with("database", f.Database, "kind", f.Kind, "outcome", f.Outcome, "before", f.Before, "limit", number(f.Limit))
	var v struct {
		Runs []Run `json:"runs"`
	}
	err := c.ask(ctx, r, &v)
	return v.Runs, err
}

// number is "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
