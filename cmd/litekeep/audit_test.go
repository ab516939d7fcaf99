package main

import (
	"os"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/daemon"
)

// makeAudit: mkaudit STATE TIME ENTRY… writes entries to the audit log of a state,
// a minute from one to the next. An entry is ACTOR/ACTION/OUTCOME/DATABASE/DETAIL.
func makeAudit() {
	t, err := time.Parse(time.RFC3339, os.Args[2])
	fail(err)
	l := audit.New(daemon.AuditPath(os.Args[1]), audit.Options{Now: func() time.Time { return t }})
	for _, arg := range os.Args[3:] {
		p := strings.SplitN(arg, "/", 5)
		_, err := l.Append(audit.Entry{
			Actor: p[0], ActorID: "tk_" + p[0], Role: "admin", From: "192.0.2.7", Action: p[1],
			Outcome: audit.Outcome(p[2]), Database: p[3], Detail: p[4], Object: "x.json.zst", Request: "r1",
		})
		fail(err)
		t = t.Add(time.Minute)
	}
	fail(l.Close())
}
