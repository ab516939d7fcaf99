package main

import (
	"context"
	"errors"
	"strings"

	"github.com/litekeep/litekeep"
)

// The exit codes, a contract (docs/CLI.md).
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitDamaged     = 3
	exitBusy        = 4
	exitRefused     = 5
	exitPartial     = 6
	exitKey         = 7
	exitInterrupted = 130
)

// exitCodes leads from an error to the exit code; the first match counts, and
// what matches none has failed.
var exitCodes = []struct {
	kind error
	code int
}{
	{context.Canceled, exitInterrupted},
	{errUsage, exitUsage},
	{litekeep.ErrConfig, exitUsage},
	{litekeep.ErrDamaged, exitDamaged},
	{litekeep.ErrBusy, exitBusy},
	{litekeep.ErrRefused, exitRefused},
	{litekeep.ErrNoKey, exitKey},
	{litekeep.ErrWrongKey, exitKey},
	{errPartial, exitPartial},
}

func exitCode(ctx context.Context, err error) int {
	if ctx.Err() != nil {
		return exitInterrupted // however the failure that came of it looks
	}
	for _, e := range exitCodes {
		if errors.Is(err, e.kind) {
			return e.code
		}
	}
	return exitFailed
}

// errUsage is the kind of every wrong command line.
var errUsage = errors.New("wrong usage")

// hintedError is an error of the command line itself.
type hintedError struct {
	kind error // what it matches, such as errUsage, or nil
	msg  string
	hint string
}

func (e *hintedError) Error() string { return e.msg }
func (e *hintedError) Unwrap() error { return e.kind }

// usage is an error of kind errUsage.
func usage(msg, hint string) error { return &hintedError{errUsage, msg, hint} }

// reportedError wraps an error that the command has put into its JSON.
type reportedError struct{ error }

func (e *reportedError) Unwrap() error { return e.error }

// failure is what --json prints when a command fails; other results begin with
// it too.
type failure struct {
	Success  bool   `json:"success"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
	ExitCode int    `json:"exit_code"`
}

// succeeded begins the JSON of a result.
func succeeded() failure { return failure{Success: true} }

// fields gives the fields of a Config the names that they have on a command
// line.
var fields = strings.NewReplacer(
	"RetentionDays: ", "--retention-days: ",
	"KeepWithin: ", "--keep-within: ",
	"KeepLast: ", "--keep-last: ",
	"KeepHourly: ", "--keep-hourly: ",
	"KeepDaily: ", "--keep-daily: ",
	"KeepWeekly: ", "--keep-weekly: ",
	"KeepMonthly: ", "--keep-monthly: ",
	"KeepYearly: ", "--keep-yearly: ",
	"KeepMinimum: ", "--keep-minimum: ",
	"TrashGrace: ", "--trash-grace: ",
	"TimeZone: ", "--time-zone: ",
	"BusyTimeout: ", "--busy-timeout: ",
	"LockTimeout: ", "--wait: ",
	"Compression: ", "--compress: ",
	"MinCopies: ", "--min-copies: ",
	"Copies: ", "--copy ",
	"BackupDirectory: ", "--dir: ",
	"Keys: ", "--key ",
	"Sealed: ", "--sealed: ",
	"Name: ", "--name: ",
	"configuration: ", "",
)

func failureOf(ctx context.Context, err error) failure {
	f := failure{Error: err.Error(), ExitCode: exitCode(ctx, err)}
	f.Success = f.ExitCode == exitPartial
	var lib *litekeep.Error
	var own *hintedError
	if errors.As(err, &lib) {
		f.Hint = lib.Hint
	}
	if errors.As(err, &own) && own.hint != "" {
		f.Hint = own.hint
	}
	switch {
	case f.ExitCode == exitInterrupted:
		f.Error, f.Hint = "interrupted", ""
		if lib != nil {
			f.Error = strings.TrimSpace(lib.Op+" "+lib.Path) + ": interrupted"
		}
	case errors.Is(err, litekeep.ErrConfig):
		f.Error = fields.Replace(f.Error)
	}
	return f
}

// fail makes a result one that failed.
func (f *failure) fail(as failure) { *f = as }

// printOutcome prints the JSON of a command that has a result also where it
// fails, and returns the error as one that was told.
func (a *app) printOutcome(ctx context.Context, result interface{ fail(failure) }, err error) error {
	if err != nil {
		result.fail(a.failed(ctx, err))
		err = &reportedError{err}
	}
	return errors.Join(a.printJSON(result), err)
}
