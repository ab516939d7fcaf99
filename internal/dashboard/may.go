package dashboard

import (
	"slices"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// An action is something that a page offers.
type action string

// The actions that pages offer.
const (
	actBackup   action = "backup"
	actVerify   action = "verify"
	actPreview  action = "preview" // of a cleanup
	actCancel   action = "cancel"
	actSync     action = "sync"
	actDownload action = "download"
	actCleanup  action = "cleanup"
	actRestore  action = "restore"
	actPin      action = "pin"
	actUndelete action = "undelete"
	actAccept   action = "accept"
	actAudit    action = "audit"
	actSettings action = "settings"
	actReload   action = "reload"
	actTest     action = "test"
	actTokens   action = "tokens"
)

// leastRole says who is offered what. Only what the door allows works; this
// decides what is worth showing.
var leastRole = map[action]access.Role{
	actBackup: access.Operator, actVerify: access.Operator, actPreview: access.Operator,
	actCancel: access.Operator, actSync: access.Operator,
	actDownload: access.Admin, actCleanup: access.Admin, actRestore: access.Admin, actPin: access.Admin,
	actUndelete: access.Admin, actAccept: access.Admin,
	actAudit: access.Admin, actSettings: access.Admin, actReload: access.Admin,
	actTest: access.Admin, actTokens: access.Admin,
}

// offers reports whether a page offers an action on a database, or on the whole
// service if database is "".
func offers(by access.Principal, a action, database string) bool {
	if len(by.Databases) > 0 && !slices.Contains(by.Databases, database) {
		return false
	}
	roles := []access.Role{access.Viewer, access.Operator, access.Admin}
	return slices.Index(roles, by.Role) >= slices.Index(roles, leastRole[a])
}

// Can reports whether the page offers an action that is not about one database.
func (p page) Can(a action) bool { return p.Known && offers(p.User, a, "") }

// CanOn reports whether the page offers an action on a database.
func (p page) CanOn(a action, database string) bool { return p.Known && offers(p.User, a, database) }

// CanStop reports whether the page offers to cancel a run.
func (p page) CanStop(r service.Run) bool {
	return going(r) && p.CanOn(actCancel, r.Database) && (r.Kind != service.KindRestore || p.CanOn(actRestore, r.Database))
}
