package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/service"
)

// The environment of the commands that ask a service.
const (
	serverVariable = "LITEKEEP_SERVER"
	tokenVariable  = "LITEKEEP_TOKEN"
)

// serverOptions say which service to ask.
type serverOptions struct {
	url       string // "" for none
	tokenFile string
	plain     bool
}

// serverFlags adds the flags that say which service to ask.
func (a *app) serverFlags(f *pflag.FlagSet) {
	f.StringVar(&a.server.url, "server", os.Getenv(serverVariable), "`URL` of a service that does it, such as http://127.0.0.1:8420")
	f.StringVar(&a.server.tokenFile, "token-file", "", "`FILE` with the token for --server (default: the token in "+tokenVariable+")")
	f.BoolVar(&a.server.plain, "plain-http", false, "send the token without TLS to another machine; whoever is on the way can read it")
}

// serverFlagNames are flags that say which service to ask, and those that any
// command takes beside them.
var (
	serverFlagNames = []string{"server", "token-file", "plain-http"}
	anywhere        = []string{"json", "quiet", "verbose", "no-color", "help"}
)

// A remote is how a command works on a service.
type remote struct {
	about string // for the help: what arguments are then
	args  cobra.PositionalArgs
	flags []string             // of the command that count there
	own   func(*pflag.FlagSet) // adds flags that count only there; nil for none
	run   inquiry
}

// An inquiry is what a command does on a service.
type inquiry func(cmd *cobra.Command, c *client.Client, args []string) error

// served lets a command work on a service too: with --server, what r says takes
// the place of what the command does here. A flag that would not count is refused.
func (a *app) served(cmd *cobra.Command, r remote) *cobra.Command {
	cmd.Long += "\n\n" + r.about
	f := cmd.Flags()
	a.serverFlags(f)
	only := pflag.NewFlagSet("", pflag.ContinueOnError)
	if r.own != nil {
		r.own(only)
		f.AddFlagSet(only)
	}
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, names []string) error {
		if a.server.url != "" {
			return r.args(cmd, names)
		}
		return args(cmd, names)
	}
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		wrong, why := "", ""
		f.Visit(func(flag *pflag.Flag) {
			switch there := slices.Contains(r.flags, flag.Name) || only.Lookup(flag.Name) != nil; {
			case slices.Contains(anywhere, flag.Name) || flag.Name == "server":
			case a.server.url == "" && (only.Lookup(flag.Name) != nil || slices.Contains(serverFlagNames, flag.Name)):
				wrong, why = flag.Name, "counts only with --server"
			case a.server.url != "" && !there && !slices.Contains(serverFlagNames, flag.Name):
				wrong, why = flag.Name, "does not count with --server: the configuration of the service decides"
			}
		})
		if wrong != "" {
			return usage("--"+wrong+" "+why, seeHelp(cmd))
		}
		if a.server.url == "" {
			return run(cmd, names)
		}
		return a.ask(cmd, names, r.run)
	}
	return cmd
}

// localService is the address of the service that is asked where nobody says which: the
// one of the configuration at path, or where there is none the one of this machine at
// the default address.
func localService(path string) (string, error) {
	s, err := config.LoadServer(path, os.LookupEnv)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s = config.Default().Server
		s.Listen = cmp.Or(os.Getenv("LITEKEEP_LISTEN"), s.Listen)
	case err != nil:
		return "", usage(err.Error(), "--server says where the service is")
	}
	if s.URL() == "" {
		return "", usage(path+": server.listen is "+s.Listen+", so that its service cannot be asked", "--server says where another service is")
	}
	return s.URL(), nil
}

// asking makes a command that only a service can do.
func (a *app) asking(cmd *cobra.Command, run inquiry) *cobra.Command {
	f := cmd.Flags()
	f.SortFlags = false
	a.serverFlags(f)
	path := configFlag(f)
	f.Lookup("config").Usage = "`FILE` of the configuration of the service, which says where it listens; --server wins"
	a.jsonFlag(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.server.url == "" {
			url, err := localService(*path)
			if err != nil {
				return err
			}
			a.server.url = url
		}
		return a.ask(cmd, args, run)
	}
	return cmd
}

// ask runs what asks the service, and explains its errors.
func (a *app) ask(cmd *cobra.Command, args []string, run inquiry) error {
	token, err := a.serverToken()
	if err != nil {
		return err
	}
	h := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()} // of that type, as net/http says
	defer h.CloseIdleConnections()
	o := []client.Option{client.WithToken(token), client.WithHTTPClient(h)}
	if a.server.plain {
		o = append(o, client.WithPlainHTTP())
	}
	c, err := client.New(a.server.url, o...)
	if err != nil {
		return usage(err.Error(), "")
	}
	return explained(run(cmd, c, args))
}

// given returns what a flag was given, "" if it was not: its default is for what
// happens here.
func given(cmd *cobra.Command, flag string) string {
	if !cmd.Flags().Changed(flag) {
		return ""
	}
	return cmd.Flags().Lookup(flag).Value.String()
}

// maxToken bounds a file with a token, in bytes.
const maxToken = 4096

// serverToken reads the token. It is never an argument, since arguments show in
// lists of processes.
func (a *app) serverToken() (string, error) {
	if a.server.tokenFile == "" {
		return strings.TrimSpace(os.Getenv(tokenVariable)), nil
	}
	f, err := os.Open(a.server.tokenFile)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	switch token := strings.TrimSpace(string(text)); {
	case err != nil:
		return "", fmt.Errorf("read token: %w", err)
	case len(text) > maxToken || token == "" || strings.ContainsAny(token, " \t\r\n"):
		return "", usage("--token-file "+a.server.tokenFile+": does not hold one token", "")
	default:
		return token, nil
	}
}

// serviceKinds leads from what a service answers to the kinds of this program.
var serviceKinds = []struct{ answer, kind error }{
	{client.ErrBadRequest, errUsage},
	{client.ErrConflict, litekeep.ErrBusy},
}

// outcomeKinds leads from the outcomes of runs to kinds, by the kind of run; ""
// is any.
var outcomeKinds = []struct {
	outcome, run string
	kind         error
}{
	{client.OutcomeDamaged, "", litekeep.ErrDamaged},
	{client.OutcomeBusy, "", litekeep.ErrBusy},
	{client.OutcomeRefused, "backup", litekeep.ErrRefused},
}

// explained gives an error of a service the kind and the hint that a failure here
// would have.
func explained(err error) error {
	var failed *client.RunError
	var answer *client.Error
	switch {
	case errors.As(err, &failed):
		e := &hintedError{msg: failed.Error(), hint: failed.Run.Hint}
		for _, k := range outcomeKinds {
			if k.outcome == failed.Run.Outcome && (k.run == "" || k.run == failed.Run.Kind) {
				e.kind = k.kind
			}
		}
		if service.OfKey(failed.Run.Error) {
			e.kind = litekeep.ErrConfig // as here
		}
		return e
	case errors.As(err, &answer):
		e := &hintedError{msg: answer.Error()}
		for _, k := range serviceKinds {
			if errors.Is(answer, k.answer) {
				e.kind = k.kind
			}
		}
		switch {
		case errors.Is(answer, client.ErrUnauthenticated):
			e.msg, e.hint = "the service does not know who asks", "set "+tokenVariable+" or give --token-file; `litekeep token create` makes a token"
		case errors.Is(answer, client.ErrNotFound):
			e.hint = "`litekeep status`, `list` and `runs` show what there is"
		case len(answer.Databases) > 0:
			e.msg, e.hint = "there is more than one database", "name one with --database, or for backup as its argument: "+strings.Join(answer.Databases, ", ")
		}
		return e
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		return &hintedError{msg: err.Error(), hint: "the service ended, or the connection broke: `litekeep runs` tells how a run fared"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &hintedError{msg: err.Error(), hint: "no service listens there: start one with `litekeep serve`, or say where it is with --server"}
	}
	return err
}
