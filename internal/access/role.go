package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrUnauthenticated: nobody, or nobody we know, asks.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrForbidden: who asks is known and may not.
	ErrForbidden = errors.New("not allowed")
)

// A Role says how much somebody may do. It is stored by its name.
type Role string

// The roles. Each may do what those before it may.
const (
	Viewer   Role = "viewer"   // see
	Operator Role = "operator" // and make and check backups
	Admin    Role = "admin"    // and everything else
)

// roles are all roles, the least first.
var roles = []Role{Viewer, Operator, Admin}

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(roles, r) {
		return r, nil
	}
	return "", fmt.Errorf("%q is no role; roles are viewer, operator and admin", s)
}

// Includes reports whether r may do all that least may. No role includes one that
// does not exist.
func (r Role) Includes(least Role) bool {
	mine, its := slices.Index(roles, r), slices.Index(roles, least)
	return its >= 0 && mine >= its
}

// An Action is something that can be asked of the service. Its name is what the
// audit log has.
type Action string

// The actions. The table rules says who may.
const (
	See            Action = "see"             // lists, details, statistics, runs, events, metrics; no value of a row
	Backup         Action = "backup"          // make a backup now
	Verify         Action = "verify"          // read backups again
	CleanupPreview Action = "cleanup-preview" // what the retention would remove
	Sync           Action = "sync"            // bring missing copies to destinations
	Download       Action = "download"        // a backup's object, and so all data in it
	Restore        Action = "restore"         // also its dry run, which reads all data
	Prune          Action = "prune"           // remove what the retention does not keep
	Pin            Action = "pin"             // pin and unpin
	Undelete       Action = "undelete"        // take a backup out of the trash
	ReadAudit      Action = "audit"           // read the audit log
	Notify         Action = "notify"          // send a test message
	Reload         Action = "reload"          // read the configuration again
	Tokens         Action = "tokens"          // make, list and revoke tokens
	Places         Action = "places"          // take a folder of backups for another one
	Login          Action = "login"           // sign in to the dashboard; whoever has a token may
	Logout         Action = "logout"
)

// rule says who may do an action.
type rule struct {
	least Role
	// global actions are about the service as a whole: only a principal for all
	// databases may.
	global bool
	// closed actions fail closed: they are refused when the audit log cannot be
	// written.
	closed bool
}

// rules are the table of what may be done. Download is for admins: a backup is all
// rows of its database, past every right that the application gives, and nothing
// that an operator is for needs them; operators' tokens lie in cron jobs and CI.
// It fails closed, too, since what has left cannot be called back. A backup never waits
// for the audit log.
var rules = map[Action]rule{
	See:            {least: Viewer},
	Login:          {least: Viewer},
	Logout:         {least: Viewer},
	Backup:         {least: Operator},
	Verify:         {least: Operator},
	CleanupPreview: {least: Operator},
	Sync:           {least: Operator},
	Download:       {least: Admin, closed: true},
	Restore:        {least: Admin, closed: true},
	Prune:          {least: Admin, closed: true},
	Pin:            {least: Admin, closed: true},
	Undelete:       {least: Admin, closed: true},
	ReadAudit:      {least: Admin},
	Notify:         {least: Admin, global: true},
	Reload:         {least: Admin, global: true, closed: true},
	Tokens:         {least: Admin, global: true, closed: true},
	Places:         {least: Admin, global: true, closed: true},
}

// FailsClosed reports whether the action must be refused when it cannot be written
// to the audit log. So must one that is not known.
func (a Action) FailsClosed() bool {
	r, known := rules[a]
	return !known || r.closed
}

// Least returns the least role that may do the action; "" if the action is not
// known, which nobody may.
func (a Action) Least() Role { return rules[a].least }

// Ways in which a principal can have been told, for Principal.Via.
const (
	ViaToken   = "token"   // a bearer token
	ViaSession = "session" // a cookie of the dashboard
	ViaLocal   = "local"   // at the machine of a service without tokens
	ViaService = "service" // the service itself: its schedule
)

// A Principal is who asks. The zero Principal is nobody.
type Principal struct {
	ID   string // of the token, "tk_…"; the name for those without one
	Name string // of the token
	Role Role
	// Databases are those that it may see and act on. Empty for all.
	Databases []string
	From      string // address of the client, "" for none
	Via       string // one of the constants above
}

// Service is the service itself, which runs the schedules.
func Service() Principal {
	return Principal{ID: ViaService, Name: ViaService, Role: Admin, Via: ViaService}
}

// Known reports whether p is somebody.
func (p Principal) Known() bool { return p.ID != "" && p.Role.Includes(Viewer) }

// Sees reports whether a database exists for p. The door answers "not found" for
// the others, so that their names are not told.
func (p Principal) Sees(database string) bool {
	return p.Known() && (len(p.Databases) == 0 || slices.Contains(p.Databases, database))
}

// May returns nil if p may do an action on a database, and otherwise an error that
// matches ErrUnauthenticated or ErrForbidden. The database "" stands for all of
// them. Somebody who is limited to some may ask for all only to see; the door then
// shows those that p Sees.
func (p Principal) May(action Action, database string) error {
	r, known := rules[action]
	limited := len(p.Databases) > 0
	all := database == ""
	ofAny := action == See || action == Login || action == Logout // may be asked for without a database
	switch {
	case !p.Known():
		return ErrUnauthenticated
	case !known:
		return fmt.Errorf("%w: there is no action %q", ErrForbidden, action)
	case !p.Role.Includes(r.least):
		return fmt.Errorf("%w: %s needs the role %s, and %s has the role %s", ErrForbidden, action, r.least, p.Name, p.Role)
	case limited && r.global:
		return fmt.Errorf("%w: %s is for tokens of all databases, and %s is for %s", ErrForbidden, action, p.Name, strings.Join(p.Databases, ", "))
	case limited && all && !ofAny:
		return fmt.Errorf("%w: %s is for %s; name one of them", ErrForbidden, p.Name, strings.Join(p.Databases, ", "))
	case !all && !p.Sees(database):
		return fmt.Errorf("%w: %s is not for the database %s", ErrForbidden, p.Name, database)
	}
	return nil
}
