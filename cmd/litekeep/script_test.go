package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/litekeep/litekeep/internal/heap"
)

func TestMain(m *testing.M) {
	if name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"); name != "litekeep" && name != "litekeepat" {
		heap.Run(1 << 30) // of the tests themselves; main has its own limit
	}
	testscript.Main(m, map[string]func(){
		"litekeep":   main,
		"litekeepat": litekeepAt,
		"mkdb":       makeDatabase,
		"mkaudit":    makeAudit,
		"sql":        query,
		"holddb":     holdDatabase,
		"holdlock":   holdLock,
		"waitfor":    waitFor,
		"interrupt":  interrupt,
		"stubborn":   stubborn,
		"waitready":  waitReady,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":     exitsWith,
			"glob":     setToMatch,
			"base":     setToBase,
			"json":     checkJSON,
			"jsonkeys": checkKeys,
			"flip":     flipBit,
			"halve":    halve,
			"append":   appendText,
		},
		Setup: func(e *testscript.Env) error {
			for _, v := range variables {
				e.Setenv(v.name, "") // whoever runs the tests may use litekeep
			}
			e.Setenv(stateVariable, "")
			e.Setenv("ADDRESS", freeAddress())
			e.Setenv("TZ", "UTC")
			e.Setenv("NO_COLOR", "")
			return nil
		},
	})
}

// exitsWith: code N PROGRAM ARGS… runs a program that must exit with N.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// setToMatch: glob VARIABLE PATTERN [N] sets a variable to the Nth match, 0 if
// not given; the number of matches from the end if negative.
func setToMatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: glob VARIABLE PATTERN [N]")
	}
	found, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	n := 0
	if len(args) > 2 {
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	if n < 0 {
		n += len(found)
	}
	if n < 0 || n >= len(found) {
		ts.Fatalf("%d matches of %s", len(found), args[1])
	}
	path, err := filepath.Rel(ts.MkAbs("."), found[n])
	ts.Check(err)
	ts.Setenv(args[0], path)
}

// output is the one JSON object that the last program printed.
func output(ts *testscript.TestScript) map[string]any {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		ts.Fatalf("standard output is no JSON object: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("more than one JSON value on standard output")
	}
	return v
}

// at walks to a.0.b in a JSON value.
func at(ts *testscript.TestScript, v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[step]
			if !ok {
				ts.Fatalf("no %q on the way to %s", step, path)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				ts.Fatalf("no element %s on the way to %s", step, path)
			}
			v = x[i]
		default:
			ts.Fatalf("%s: %v has no %s", path, v, step)
		}
	}
	return v
}

// checkJSON: json PATH VALUE compares one value of the JSON on standard output,
// itself as JSON.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] json PATH VALUE")
	}
	got, err := json.Marshal(at(ts, output(ts), args[0]))
	ts.Check(err)
	if (string(got) == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// checkKeys: jsonkeys PATH NAMES… compares the names of an object's members; .
// is all of it.
func checkKeys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: jsonkeys PATH NAMES…")
	}
	var v any = output(ts)
	if args[0] != "." {
		v = at(ts, v, args[0])
	}
	object, ok := v.(map[string]any)
	if !ok {
		ts.Fatalf("%s is no object", args[0])
	}
	got, want := slices.Sorted(maps.Keys(object)), slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Fatalf("the members are\n%s\nnot\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// flipBit: flip FILE changes one bit in the middle of a file.
func flipBit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip FILE")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	before := bytes.Clone(b)
	b[len(b)/2] ^= 1
	if bytes.Equal(before, b) {
		ts.Fatalf("nothing changed")
	}
	ts.Check(os.WriteFile(path, b, 0o600))
}

// halve: halve FILE cuts off the second half of a file.
func halve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: halve FILE")
	}
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()/2))
}

// appendText: append FILE TEXT adds text to the end of a file.
func appendText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE TEXT")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, append(b, args[1]...), 0o600))
}

// fail ends a helper program.
func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}
