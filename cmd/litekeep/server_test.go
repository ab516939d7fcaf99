package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/testserver"
)

// freeAddress is an address on this machine that nobody listens on.
func freeAddress() string {
	port, err := testserver.FreePort()
	if err != nil {
		panic(err)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// waitReady: waitready URL waits until a service does its work.
func waitReady() {
	c, err := client.New(os.Args[1])
	fail(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := c.Ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			fail(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// setToBase: base VARIABLE PATH sets a variable to the last part of a path.
func setToBase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: base VARIABLE PATH")
	}
	ts.Setenv(args[0], filepath.Base(args[1]))
}

// TestExplained checks the exit codes of what a service answers.
func TestExplained(t *testing.T) {
	run := func(kind, outcome string) error {
		return &client.RunError{Run: &client.Run{Kind: kind, Outcome: outcome, Error: "why", Hint: "way out"}}
	}
	for _, c := range []struct {
		err  error
		code int
		hint string
	}{
		{run("backup", "failed"), exitFailed, "way out"},
		{run("backup", "refused"), exitRefused, "way out"},
		{run("restore", "refused"), exitFailed, "way out"},
		{run("restore", "damaged"), exitDamaged, "way out"},
		{run("backup", "busy"), exitBusy, "way out"},
		{run("backup", "timeout"), exitFailed, "way out"},
		{&client.Error{Status: 400, Detail: "no"}, exitUsage, ""},
		{&client.Error{Status: 400, Detail: "no", Databases: []string{"app", "shop"}}, exitUsage, "name one with --database, or for backup as its argument: app, shop"},
		{&client.Error{Status: 401}, exitFailed, "set LITEKEEP_TOKEN or give --token-file; `litekeep token create` makes a token"},
		{&client.Error{Status: 403, Detail: "no"}, exitFailed, ""},
		{&client.Error{Status: 404, Detail: "no"}, exitFailed, "`litekeep status`, `list` and `runs` show what there is"},
		{&client.Error{Status: 409, Detail: "no"}, exitBusy, ""},
		{&client.Error{Status: 500, Detail: "Backup failed"}, exitFailed, ""},
		{errors.New("connection refused"), exitFailed, ""},
		{fmt.Errorf("ask: %w", syscall.ECONNRESET), exitFailed, "the service ended, or the connection broke: `litekeep runs` tells how a run fared"},
		{fmt.Errorf("wrapped: %w", litekeep.ErrBusy), exitBusy, ""},
	} {
		f := failureOf(t.Context(), explained(c.err))
		if f.ExitCode != c.code || f.Hint != c.hint || f.Error == "" {
			t.Errorf("%v became %+v", c.err, f)
		}
	}
	if explained(nil) != nil {
		t.Error("nothing became an error")
	}
}

func TestServerToken(t *testing.T) {
	t.Setenv(tokenVariable, " lk_environment\n")
	file := filepath.Join(t.TempDir(), "token")
	for text, want := range map[string]string{"lk_file\n": "lk_file", "": "", "two tokens": "", "a\nb": "", strings.Repeat("x", maxToken+1): ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a := &app{server: serverOptions{tokenFile: file}}
		if got, err := a.serverToken(); got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %q, %v", text, got, err)
		}
	}
	if got, err := (&app{}).serverToken(); got != "lk_environment" || err != nil {
		t.Errorf("from the environment: %q, %v", got, err)
	}
	if _, err := (&app{server: serverOptions{tokenFile: file + "none"}}).serverToken(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
