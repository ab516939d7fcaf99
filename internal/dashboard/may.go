package dashboard

import (
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// Can reports whether the page offers an action that is not about one database.
// What is offered and what is allowed is decided in one place: package access.
func (p page) Can(a access.Action) bool { return p.CanOn(a, "") }

// CanOn reports whether the page offers an action on a database.
func (p page) CanOn(a access.Action, database string) bool { return p.User.May(a, database) == nil }

// CanStop reports whether the page offers to cancel a run: what one may begin
// one may stop.
func (p page) CanStop(r service.Run) bool {
	return going(r) && p.CanOn(r.Kind.Action(), r.Database)
}

// Open reports whether the service asks nobody for a token, which every page
// warns of.
func (p page) Open() bool { return p.User.Via == access.ViaLocal }
