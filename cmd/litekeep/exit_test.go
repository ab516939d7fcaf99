package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/client"
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

// documented are the JSON results by their headings in docs/CLI.md.
var documented = map[string]any{
	"`backup --json`": backupResult{}, "`backup --dry-run --json`": backupPlanResult{}, "`verify --json`": verifyResult{},
	"`verify --all --json`": verifyCopiesResult{}, "`sync --json`": syncResult{}, "`destinations check --json`": destinationsResult{},
	"`destinations accept --json`": acceptResult{},
	"`restore --json`":             restoreResult{}, "`list --json`": listResult{}, "`stats --json`": statsResult{}, "`info --json`": infoResult{},
	"`prune --json`": pruneResult{}, "`pin --json`, `unpin --json`": pinResult{}, "`delete --json`, `trash empty --json`": pruneResult{},
	"`undelete --json`": undeleteResult{}, "`trash list --json`": trashResult{},
	"`key new --json`": keyNewResult{}, "`key list --json`": keyListResult{}, "`key check --json`": keyCheckResult{},
	"`key rotate --json`": keyRotateResult{}, "`key kit --json`": keyKitResult{},
	"`config init --json`": configInitResult{}, "`config check --json`": configCheckResult{}, "`config reload --json`": reloadResult{},
	"`status --json`": statusResult{}, "`runs --json`": runsResult{}, "`runs RUN --json`": runResult{},
	"`version --json`": versionResult{}, "`doctor --json`": doctorResult{}, "`notify test --json`": notifyTestResult{},
	"`token create --json`": tokenCreateResult{}, "`token list --json`": tokenListResult{}, "`token revoke --json`": tokenRevokeResult{},
	"`audit show --json`": auditShowResult{}, "`audit verify --json`": auditVerifyResult{},
}

// refersTo are headings whose text refers to the members below another one.
var refersTo = map[string]string{
	"`verify --json`": "`list --json`", "`verify --all --json`": "`list --json`",
	"`backup --json`": "`prune --json`", "`delete --json`, `trash empty --json`": "`prune --json`",
	"`token list --json`": "`token create --json`", "`token revoke --json`": "`token create --json`",
}

// TestAllDocumented wants every result of this package, and every heading, to be
// among those that are held to each other.
func TestAllDocumented(t *testing.T) {
	known := map[string]bool{}
	for _, result := range documented {
		known[reflect.TypeOf(result).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, name := range regexp.MustCompile(`(?m)^type (\w+Result) struct`).FindAllStringSubmatch(read(t, file), -1) {
			if found++; !known[name[1]] {
				t.Errorf("%s of %s is held to no documentation", name[1], file)
			}
		}
	}
	headings := regexp.MustCompile("(?m)^### (.*--json`)$").FindAllStringSubmatch(read(t, "../../docs/CLI.md"), -1)
	for _, heading := range headings {
		if documented[heading[1]] == nil {
			t.Errorf("%s: documented, and held to no result", heading[1])
		}
	}
	if found != len(known) || len(headings) != len(documented) {
		t.Errorf("%d results of %d, %d headings of %d", found, len(known), len(headings), len(documented))
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
	common := section(t, doc, "JSON") + section(t, doc, "A failure") + section(t, doc, "A backup")
	for heading, result := range documented {
		part := section(t, doc, heading) + common
		if refers := refersTo[heading]; refers != "" {
			part += section(t, doc, refers)
		}
		for _, member := range members(reflect.TypeOf(result)) {
			if !strings.Contains(part, "| `"+member+"` |") {
				t.Errorf("%s: `%s` is not documented", heading, member)
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
	if of.PkgPath() == reflect.TypeFor[client.Run]().PkgPath() {
		return nil // the service describes them
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
