package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
)

func TestFailure(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	live := t.Context()
	lib := func(kind error) error {
		return fmt.Errorf("around: %w", &litekeep.Error{Op: "verify", Path: "p", Kind: kind, Err: errors.New("cause"), Hint: "way out"})
	}
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		want failure
	}{
		{"any", live, errors.New("x"), failure{Error: "x", ExitCode: 1}},
		{"no kind", live, lib(nil), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 1}},
		{"target", live, lib(litekeep.ErrTarget), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 1}},
		{"usage", live, usage("m", "h"), failure{Error: "m", Hint: "h", ExitCode: 2}},
		{"config", live, lib(litekeep.ErrConfig), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 2}},
		{"damaged", live, lib(litekeep.ErrDamaged), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 3}},
		{"busy", live, lib(litekeep.ErrBusy), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 4}},
		{"no key", live, lib(litekeep.ErrNoKey), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 7}},
		{"wrong key", live, lib(litekeep.ErrWrongKey), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 7}},
		{"refused", live, lib(litekeep.ErrRefused), failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 5}},
		{"interrupted", ended, lib(litekeep.ErrDamaged), failure{Error: "verify p: interrupted", ExitCode: 130}},
		{"cancelled", live, context.Canceled, failure{Error: "interrupted", ExitCode: 130}},
		{"reported", live, &reportedError{lib(litekeep.ErrDamaged)}, failure{Error: "around: verify p: cause", Hint: "way out", ExitCode: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := failureOf(test.ctx, test.err); got != test.want {
				t.Errorf("%+v, not %+v", got, test.want)
			}
		})
	}
}

// Whatever Validate complains about has the name of a flag.
func TestFieldsHaveFlags(t *testing.T) {
	c := litekeep.Config{
		RetentionDays: -1, KeepLast: -1, BusyTimeout: -1, LockTimeout: -1, Name: "a/b", Compression: "lz4", Keys: []string{"secret"},
	}
	f := failureOf(t.Context(), c.Validate())
	for line := range strings.Lines(f.Error) {
		if !strings.HasPrefix(line, "--") {
			t.Errorf("%q names no flag", line)
		}
	}
	if n := strings.Count(f.Error, "--"); n != 7 {
		t.Errorf("%d fields are named, not 7: %s", n, f.Error)
	}
}

// docs/CLI.md documents every member of every JSON result, every exit code and
// every variable.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/CLI.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	sections := map[string]any{
		"backup": backupResult{}, "backup --dry-run": backupPlanResult{}, "verify": verifyResult{}, "restore": restoreResult{},
		"list": listResult{}, "stats": statsResult{}, "info": infoResult{}, "prune": pruneResult{}, "version": versionResult{},
		"sync": syncResult{}, "destinations check": destinationsResult{}, "verify --all": verifyCopiesResult{},
		"key new": keyNewResult{}, "key list": keyListResult{}, "key check": keyCheckResult{},
		"key rotate": keyRotateResult{}, "key kit": keyKitResult{},
		"config init": configInitResult{}, "config check": configCheckResult{},
	}
	common := section(t, doc, "JSON") + section(t, doc, "A failure") + section(t, doc, "A backup")
	for name, result := range sections {
		part := section(t, doc, "`"+name+" --json`") + common
		if name == "backup" {
			part += section(t, doc, "`prune --json`") // which it refers to
		}
		for _, member := range members(reflect.TypeOf(result)) {
			if !strings.Contains(part, "| `"+member+"` |") {
				t.Errorf("%s: `%s` is not documented", name, member)
			}
		}
	}
	for _, v := range variables {
		if !strings.Contains(doc, "| `"+v.name+"` |") {
			t.Errorf("%s is not documented", v.name)
		}
	}
	for _, code := range []int{exitDone, exitFailed, exitUsage, exitDamaged, exitBusy, exitRefused, exitPartial, exitKey, exitInterrupted} {
		if !strings.Contains(doc, fmt.Sprintf("| %d |", code)) || !strings.Contains(exitHelp, fmt.Sprintf("%5d  ", code)) {
			t.Errorf("exit code %d is not documented", code)
		}
	}
}

// section is the text of doc from a heading to the next.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, "# "+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	part, _, _ := strings.Cut(rest, "\n#")
	return part
}

// members are the names of the members of a JSON object, and of objects in it.
func members(of reflect.Type) []string {
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of == reflect.TypeFor[stamp]() {
		return nil
	}
	var names []string
	for f := range of.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
		names = append(names, members(f.Type)...)
	}
	return names
}
