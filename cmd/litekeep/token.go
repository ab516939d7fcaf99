package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/access/tokens"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/retention"
	statedb "github.com/litekeep/litekeep/internal/state"
)

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens for the service",
		Long: `Make, list and revoke tokens, which let programs use the API and people the
dashboard. They are kept in the state of the service, which need not run; one that
runs knows of a change within two seconds.

A token has a role:

  viewer    sees databases, backups, runs and events, but no data
  operator  also makes and verifies backups, and sees what a cleanup would remove
  admin     also restores, downloads, prunes, pins, and makes and revokes tokens

and may be for some databases only. The first token ends the time in which a service
is open to whoever is at its machine.`,
	}
	cmd.AddCommand(a.tokenCreateCommand(), a.tokenListCommand(), a.tokenRevokeCommand())
	return cmd
}

// tokenBook is where the token commands work: the tokens and the audit log of one
// state.
type tokenBook struct {
	*access.Registry
	state *statedb.Store
	log   *audit.Log
}

func (a *app) openTokens(ctx context.Context, flags stateFlags, create bool) (*tokenBook, error) {
	dir, err := flags.folder()
	if err != nil {
		return nil, err
	}
	s, err := a.openState(ctx, dir, create)
	if err != nil {
		return nil, err
	}
	return &tokenBook{
		access.NewRegistry(tokens.New(s, dir), a.now), s,
		audit.New(daemon.AuditPath(dir), audit.Options{Now: a.now}),
	}, nil
}

func (b *tokenBook) close() error { return errors.Join(b.log.Close(), b.state.Close()) }

// record does something with a token, see record.
func (b *tokenBook) record(object, detail string, do func() (id string, err error)) error {
	return record(b.log, access.Tokens, object, detail, do)
}

// tokenJSON is a token, without the token itself.
type tokenJSON struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Databases []string `json:"databases"`
	State     string   `json:"state"`
	Created   stamp    `json:"created"`
	Expires   stamp    `json:"expires"`
	LastUsed  stamp    `json:"last_used"`
	Revoked   stamp    `json:"revoked"`
}

func (a *app) tokenJSON(t access.Token) tokenJSON {
	return tokenJSON{
		t.ID, t.Name, string(t.Role), list(t.Databases), t.State(a.now()),
		stamp(t.Created), stamp(t.Expires), stamp(t.LastUsed), stamp(t.Revoked),
	}
}

// tokenCreateOptions are the flags of token create.
type tokenCreateOptions struct {
	stateFlags
	role, expires string
	databases     []string
}

func (a *app) tokenCreateCommand() *cobra.Command {
	var o tokenCreateOptions
	cmd := &cobra.Command{
		Use:   "create NAME --role ROLE [flags]",
		Short: "Make a token and show it, once",
		Long: `Make a token for the person or program NAME and show it. It is stored as a hash, so
nobody can show it again. With --quiet nothing but the token is printed.`,
		Example: `  litekeep token create ada --role admin
  litekeep token create ci --role operator --database app --expires 30d`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.tokenCreate(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.role, "role", "", "`ROLE`: viewer, operator or admin; required")
	f.StringArrayVar(&o.databases, "database", nil, "for the database `NAME` only; several separated by commas, or given several times")
	f.StringVar(&o.expires, "expires", retention.FormatDuration(access.DefaultLifetime), "how long it is good, `TIME` such as 90d, or never")
	o.add(f)
	a.jsonFlag(f)
	return cmd
}

// tokenCreateResult is the JSON of token create.
type tokenCreateResult struct {
	failure
	Token string `json:"token"`
	tokenJSON
}

func (o tokenCreateOptions) token(name string) (access.NewToken, error) {
	databases, err := databaseNames(o.databases)
	if err != nil {
		return access.NewToken{}, err
	}
	n := access.NewToken{Name: name, Databases: databases}
	if o.role == "" {
		return n, usage("litekeep token create needs --role", "viewer, operator or admin; `litekeep token --help` says what they may")
	}
	role, err := access.ParseRole(o.role)
	if err != nil {
		return n, usage("--role: "+err.Error(), "")
	}
	n.Role = role
	if o.expires == "never" {
		n.Never = true
		return n, nil
	}
	n.Lifetime, err = retention.ParseDuration(o.expires)
	if err != nil || n.Lifetime < time.Second {
		return n, usage("--expires: "+oneLine(o.expires)+" is no length of time", "write 90d, 12h or never")
	}
	return n, nil
}

// databaseNames reads names of databases, several in a text separated by commas. A name
// that no database can have is a slip: the token would be good for nothing.
func databaseNames(texts []string) ([]string, error) {
	var names []string
	for _, text := range texts {
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name == "" {
				return nil, usage("--database: a database without a name", "leave it out for a token of all databases")
			}
			if err := (litekeep.Config{Name: name}).Validate(); err != nil {
				return nil, usage("--database: "+strings.TrimPrefix(failureOf(context.Background(), err).Error, "--name: "), "`litekeep status` shows the names of the databases")
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

func (a *app) tokenCreate(ctx context.Context, name string, o tokenCreateOptions) error {
	n, err := o.token(name)
	if err != nil {
		return err
	}
	if err := n.Check(); err != nil {
		return usage(err.Error(), "")
	}
	b, err := a.openTokens(ctx, o.stateFlags, true)
	if err != nil {
		return err
	}
	var secret string
	var t access.Token
	err = b.record(name, "create: "+string(n.Role)+" of "+databasesText(n.Databases), func() (string, error) {
		var err error
		secret, t, err = b.Create(ctx, n)
		return t.ID, err
	})
	if err = errors.Join(err, b.close()); err != nil {
		if errors.Is(err, access.ErrTokenExists) {
			return &hintedError{nil, err.Error(), "litekeep token revoke " + shellQuote(name) + " ends it, and its name is free then"}
		}
		return err
	}
	switch {
	case a.json:
		return a.printJSON(tokenCreateResult{succeeded(), secret, a.tokenJSON(t)})
	case a.quiet:
		return a.printf("%s\n", secret)
	}
	r := newReport("made token", t.ID)
	r.add("token", "%s", secret)
	r.add("", "it is shown this once; who has it has its rights")
	r.add("for", "%s, %s of %s", t.Name, t.Role, databasesText(t.Databases))
	r.add("expires", "%s", expiryText(t))
	r.add("use", "the header `Authorization: Bearer TOKEN`, or sign in to the dashboard with it")
	return a.printf("%s", r.b.String())
}

func databasesText(names []string) string {
	if len(names) == 0 {
		return "all databases"
	}
	return strings.Join(names, ", ")
}

func expiryText(t access.Token) string {
	if t.Expires.IsZero() {
		return "never"
	}
	return localTime(t.Expires)
}

func (a *app) tokenListCommand() *cobra.Command {
	var o stateFlags
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List tokens",
		Long:  "List tokens, also those that have expired or were revoked. The tokens themselves are\nnot known to anybody but their owners.",
		Args:  exactly(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.tokenList(cmd.Context(), o) },
	}
	o.add(cmd.Flags())
	a.jsonFlag(cmd.Flags())
	return cmd
}

// tokenListResult is the JSON of token list.
type tokenListResult struct {
	failure
	Tokens []tokenJSON `json:"tokens"`
}

func (a *app) tokenList(ctx context.Context, flags stateFlags) error {
	b, err := a.openTokens(ctx, flags, false)
	if err != nil {
		return err
	}
	all, err := b.List(ctx)
	if err = errors.Join(err, b.close()); err != nil {
		return err
	}
	out := tokenListResult{succeeded(), []tokenJSON{}}
	t := &rows{header: []string{"ID", "NAME", "ROLE", "STATE", ">USED", "EXPIRES", "DATABASES"}}
	for _, x := range all {
		out.Tokens = append(out.Tokens, a.tokenJSON(x))
		used := "never"
		if !x.LastUsed.IsZero() {
			used = humanAge(x.LastUsed, a.now())
		}
		t.add(x.ID, oneLine(x.Name), x.Role, x.State(a.now()), used, expiryText(x), oneLine(databasesText(x.Databases)))
	}
	switch {
	case a.json:
		return a.printJSON(out)
	case len(all) == 0:
		return a.printf("no tokens\n")
	}
	return a.printBlocks(t)
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	var o stateFlags
	cmd := &cobra.Command{
		Use:     "revoke TOKEN [flags]",
		Short:   "Revoke a token",
		Long:    "Revoke the token with the id TOKEN, or the one that is good and has that name. Its\nsessions at the dashboard end, too.",
		Example: "  litekeep token revoke ci\n  litekeep token revoke tk_0123456789ab --state /var/lib/litekeep",
		Args:    exactly("TOKEN"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.tokenRevoke(cmd.Context(), args[0], o) },
	}
	o.add(cmd.Flags())
	a.jsonFlag(cmd.Flags())
	return cmd
}

// tokenRevokeResult is the JSON of token revoke.
type tokenRevokeResult struct {
	failure
	tokenJSON
}

func (a *app) tokenRevoke(ctx context.Context, name string, flags stateFlags) error {
	if access.IsSecret(name) {
		return usage("that is a token itself, not its name or id", "`litekeep token list` shows both; the token is in the history of the shell now")
	}
	b, err := a.openTokens(ctx, flags, false)
	if err != nil {
		return err
	}
	var t access.Token
	err = b.record(name, "revoke", func() (string, error) {
		var err error
		t, err = b.Revoke(ctx, name)
		return t.ID, err
	})
	if err = errors.Join(err, b.close()); err != nil {
		if errors.Is(err, access.ErrNoSuchToken) {
			return &hintedError{nil, err.Error(), "`litekeep token list` shows what there is"}
		}
		return err
	}
	if a.json {
		return a.printJSON(tokenRevokeResult{succeeded(), a.tokenJSON(t)})
	}
	if a.quiet {
		return nil
	}
	return a.printf("revoked token %s (%s)\n", t.ID, oneLine(t.Name))
}
