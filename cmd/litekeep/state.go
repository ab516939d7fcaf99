package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/retention"
	statedb "github.com/litekeep/litekeep/internal/state"
)

// stateVariable names the folder of the service's state where no flag does.
const stateVariable = "LITEKEEP_STATE"

// stateFlags say where the service keeps its state.
type stateFlags struct {
	state  string
	config *string
}

func (s *stateFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.state, "state", os.Getenv(stateVariable), "`FOLDER` of the service's state; else that of the configuration")
	s.config = configFlag(f)
}

// folder returns the folder of the state.
func (s *stateFlags) folder() (string, error) {
	if s.state != "" {
		return s.state, nil
	}
	if _, err := os.Stat(*s.config); errors.Is(err, fs.ErrNotExist) {
		return "", usage("nothing says where the service keeps its state", "give --state FOLDER, or --config FILE of the service")
	}
	c, err := loadConfig(*s.config)
	if err != nil {
		return "", err
	}
	return c.State, nil
}

// auditLog returns the folder of the audit log.
func (s *stateFlags) auditLog() (string, error) {
	dir, err := s.folder()
	if err != nil {
		return "", err
	}
	return daemon.AuditPath(dir), nil
}

// moment reads a point in time: a date, a date and time in RFC 3339, or how long
// ago, such as 7d or 90m.
func (a *app) moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, strings.ToUpper(text)); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	d, err := retention.ParseDuration(text)
	if err != nil {
		return time.Time{}, usage("--"+flag+": "+oneLine(text)+" is no time", "write how long ago, such as 7d, 36h or 90m; a date, 2026-11-22; or 2026-11-22T02:00:00Z")
	}
	return a.now().Add(-d), nil
}

// openState opens the state, together with the service if that runs. Create makes it
// where there is none. The caller closes it.
func (a *app) openState(ctx context.Context, dir string, create bool) (*statedb.Store, error) {
	path := daemon.StatePath(dir)
	if err := checkOwner(dir); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, &hintedError{fs.ErrNotExist, path + ": there is no such state", "--state names the folder of the service's state; litekeep token create begins one"}
	}
	if err := (durable.Disk{}).MkdirAll(dir); err != nil {
		return nil, err
	}
	s, err := statedb.Open(ctx, path, a.now)
	if err != nil {
		return nil, err
	}
	if aside := s.PutAside(); aside != "" {
		a.warn([]string{path + " was damaged; it is now " + aside + ", and a new one was begun. All tokens are lost"})
	}
	return s, nil
}

// record does something to what a service remembers, and writes to the audit log that it
// is to be done, and how it went. Without the first entry nothing is done. do returns the
// id of what it was done to, "" for object.
func record(log *audit.Log, action access.Action, object, detail string, do func() (id string, err error)) error {
	e := audit.Entry{
		Actor: person(), ActorID: "cli", Action: string(action), Object: object,
		Outcome: audit.Allowed, Detail: detail,
	}
	if _, err := log.Append(e); err != nil {
		return err
	}
	id, err := do()
	e.Outcome = audit.Done
	if id != "" {
		e.Object = id
	}
	if err != nil {
		e.Outcome, e.Detail = audit.Failed, detail+": "+err.Error()
	}
	_, logErr := log.Append(e)
	return errors.Join(err, logErr)
}

// person is who runs the command, as the audit log and the pins have it.
func person() string {
	u, err := user.Current()
	if err != nil {
		return "uid " + strconv.Itoa(os.Getuid())
	}
	return u.Username
}
