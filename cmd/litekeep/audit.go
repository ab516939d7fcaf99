package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show and verify the audit log of the service",
		Long: `Show and verify the audit log of the service: who did what, when, from where, and
how it ended. Each entry has the hash of the one before, so that one that was
changed, dropped or moved is found.`,
	}
	cmd.AddCommand(a.auditShowCommand(), a.auditVerifyCommand())
	return cmd
}

// maxAuditEntries is what audit show holds in memory at most.
const maxAuditEntries = 10_000

// auditShowOptions are the flags of audit show.
type auditShowOptions struct {
	stateFlags
	since, until string
	outcome      string
	filter       audit.Filter
}

func (a *app) auditShowCommand() *cobra.Command {
	var o auditShowOptions
	cmd := &cobra.Command{
		Use:   "show [flags]",
		Short: "Show the entries of the audit log, newest first",
		Long: `Show the entries of the audit log, newest first. It does not check the chain;
litekeep audit verify does.`,
		Example: "  litekeep audit show --since 7d --action restore\n  litekeep audit show --outcome refused --limit 20",
		Args:    exactly(),
		RunE:    func(*cobra.Command, []string) error { return a.auditShow(o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.add(f)
	f.StringVar(&o.since, "since", "", "only what was done since `TIME`: how long ago (7d), a date, or RFC 3339")
	f.StringVar(&o.until, "until", "", "only what was done before `TIME`")
	f.StringVar(&o.filter.Database, "database", "", "only what was done to the database `NAME`")
	f.StringVar(&o.filter.Action, "action", "", "only `ACTION`: restore, prune, download, tokens …")
	f.StringVar(&o.filter.Actor, "actor", "", "only what `WHO` did: the name or the id of a token")
	f.StringVar(&o.outcome, "outcome", "", "only what was `OUTCOME`: allowed, refused, done or failed")
	f.StringVar(&o.filter.Request, "request", "", "only the entries of the request `ID`")
	f.Int64Var(&o.filter.Before, "before", 0, "only entries before the number `N`, to read on")
	f.IntVar(&o.filter.Limit, "limit", 50, fmt.Sprintf("`N` entries at most, up to %d", maxAuditEntries))
	a.jsonFlag(f)
	return cmd
}

// auditEntryJSON is an entry of the audit log.
type auditEntryJSON struct {
	Seq      int64  `json:"seq"`
	Time     stamp  `json:"time"`
	Actor    string `json:"actor"`
	ActorID  string `json:"actor_id"`
	Role     string `json:"role"`
	From     string `json:"from"`
	Action   string `json:"action"`
	Database string `json:"database"`
	Object   string `json:"object"`
	Outcome  string `json:"outcome"`
	Detail   string `json:"detail"`
	Request  string `json:"request_id"`
	Hash     string `json:"hash"`
}

// auditShowResult is the JSON of audit show.
type auditShowResult struct {
	failure
	Entries []auditEntryJSON `json:"entries"`
	// Skipped says that there are lines that are no entry.
	Skipped bool `json:"skipped"`
}

func (o *auditShowOptions) check(a *app) (err error) {
	if o.filter.Limit < 1 || o.filter.Limit > maxAuditEntries {
		return usage(fmt.Sprintf("--limit: %d is not between 1 and %d", o.filter.Limit, maxAuditEntries), "--before reads on from an entry")
	}
	switch o.filter.Outcome = audit.Outcome(o.outcome); o.filter.Outcome {
	case "", audit.Allowed, audit.Refused, audit.Done, audit.Failed:
	default:
		return usage("--outcome: "+oneLine(o.outcome)+" is none", "allowed, refused, done or failed")
	}
	if o.filter.Since, err = a.moment("since", o.since); err != nil {
		return err
	}
	o.filter.Until, err = a.moment("until", o.until)
	return err
}

func (a *app) auditShow(o auditShowOptions) error {
	if err := o.check(a); err != nil {
		return err
	}
	dir, err := o.auditLog()
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrPermission) {
		return &hintedError{err, "audit log: " + err.Error(), "run it as the user of the service: `sudo -u litekeep litekeep audit …`"}
	}
	if !isFolder(dir) {
		return noAuditLog(dir)
	}
	out := auditShowResult{failure: succeeded(), Entries: []auditEntryJSON{}}
	t := &rows{header: []string{">ENTRY", "TIME", "WHO", "FROM", "ACTION", "OUTCOME", "DATABASE", "OBJECT", "DETAIL"}}
	for e, err := range audit.Entries(dir, o.filter) {
		switch {
		case errors.Is(err, audit.ErrSkipped):
			out.Skipped = true
			continue
		case err != nil:
			return err
		}
		out.Entries = append(out.Entries, auditEntryJSON{
			e.Seq, stamp(e.Time), e.Actor, e.ActorID, e.Role, e.From, e.Action, e.Database, e.Object,
			string(e.Outcome), e.Detail, e.Request, e.Hash.String(),
		})
		t.add(
			e.Seq, localTime(e.Time), oneLine(e.Actor), oneLine(e.From), oneLine(e.Action), a.outcomeCell(e.Outcome),
			oneLine(e.Database), oneLine(e.Object), oneLine(e.Detail),
		)
	}
	if a.json {
		return a.printJSON(out)
	}
	if out.Skipped {
		a.screen.label("warning", "the log has lines that are no entry; `litekeep audit verify` says which")
	}
	if len(out.Entries) == 0 {
		return a.printf("no entries\n")
	}
	return a.printBlocks(t)
}

func noAuditLog(dir string) error {
	return &hintedError{fs.ErrNotExist, dir + ": there is no audit log", "--state names the folder of the service's state"}
}

func (a *app) outcomeCell(o audit.Outcome) string {
	if o == audit.Refused || o == audit.Failed {
		return a.colour(text.FgRed, string(o))
	}
	return oneLine(string(o))
}

// auditVerifyOptions are the flags of audit verify.
type auditVerifyOptions struct {
	stateFlags
	from    int64
	anchors []string
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var o auditVerifyOptions
	cmd := &cobra.Command{
		Use:   "verify [flags]",
		Short: "Find entries of the audit log that were changed, dropped or moved",
		Long: `Read the audit log from end to end and find every entry that was changed, dropped,
moved, doubled or inserted, and an end that was cut off. Exits with 3 if there is one.

Who can write the files could make all of the log anew. That is found by a head of the
log that was kept elsewhere, such as on another machine: give it with --anchor.`,
		Example: "  litekeep audit verify\n  litekeep audit verify --anchor 1204:5f2c…",
		Args:    exactly(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.auditVerify(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.add(f)
	f.Int64Var(&o.from, "from", 1, "begin with entry `N`: older files were archived, or what is wrong with them is known")
	f.StringArrayVar(&o.anchors, "anchor", nil, "a `HEAD` of the log that was kept elsewhere: number, colon, hash")
	a.jsonFlag(f)
	return cmd
}

// auditProblemJSON is what is wrong, and where.
type auditProblemJSON struct {
	File *string `json:"file"`
	Line *int    `json:"line"`
	What string  `json:"what"`
}

// auditVerifyResult is the JSON of audit verify.
type auditVerifyResult struct {
	failure
	Files    int                `json:"files"`
	Entries  int64              `json:"entries"`
	First    int64              `json:"first"`
	Head     string             `json:"head"`
	Problems []auditProblemJSON `json:"problems"`
	Unlisted int                `json:"unlisted_problems"`
	Crashes  []auditProblemJSON `json:"crashes"`
}

func (a *app) auditVerify(ctx context.Context, o auditVerifyOptions) error {
	if o.from < 1 {
		return usage(fmt.Sprintf("--from: %d is too little; entries are numbered from 1", o.from), "")
	}
	options := audit.VerifyOptions{From: o.from}
	for _, s := range o.anchors {
		h, err := audit.ParseHead(s)
		if err != nil {
			return usage("--anchor: "+oneLine(err.Error()), "litekeep audit verify prints the head")
		}
		options.Anchors = append(options.Anchors, h)
	}
	dir, err := o.auditLog()
	if err != nil {
		return err
	}
	r, err := audit.Verify(dir, options)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, audit.ErrNoLog) {
		return noAuditLog(dir)
	}
	if err != nil {
		return err
	}
	if !r.OK() {
		err = &hintedError{litekeep.ErrDamaged, dir + ": the audit log is not what was written", "keep a copy of the folder before anything else; `litekeep audit verify --help` says what --from is for"}
	}
	if a.json {
		out := auditVerifyResult{
			failure: succeeded(), Files: r.Files, Entries: r.Entries, First: r.First, Head: r.Head.String(),
			Problems: auditProblems(r.Problems), Unlisted: r.Unlisted, Crashes: auditProblems(r.Crashes),
		}
		return a.printOutcome(ctx, &out, err)
	}
	return errors.Join(a.printVerified(r), err)
}

func auditProblems(all []audit.Problem) []auditProblemJSON {
	out := []auditProblemJSON{}
	for _, p := range all {
		out = append(out, auditProblemJSON{orNull(p.File), unless(p.Line == 0, p.Line), p.What})
	}
	return out
}

func (a *app) printVerified(r audit.Report) error {
	for _, p := range r.Problems {
		if err := a.printf("%s %s\n", a.colour(text.FgRed, "WRONG"), oneLine(p.String())); err != nil {
			return err
		}
	}
	if r.Unlisted > 0 {
		if err := a.printf("and %s more\n", human.Plural(r.Unlisted, "problem")); err != nil {
			return err
		}
	}
	if a.quiet {
		return nil
	}
	for _, p := range r.Crashes {
		if err := a.printf("crash %s\n", oneLine(p.String())); err != nil {
			return err
		}
	}
	word := "verified"
	if !r.OK() {
		word = "read"
	}
	return a.printf("%s %s in %s; head %s\n", word, human.Plural(int64(max(r.Entries, 0)), "entry"), human.Plural(r.Files, "file"), r.Head)
}
