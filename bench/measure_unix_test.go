//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPipeline(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := pipeline{commands: [][]string{{"cat"}, {"sh", "-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; cat"}, {"sh", "-c", "cat; printf ' world'"}}, in: in, out: out}
	u, err := p.run(t.Context(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(out); string(got) != "hello world" {
		t.Errorf("output is %q", got)
	}
	if u.CPU <= 0 || u.Peak <= 0 || u.Wall <= 0 {
		t.Errorf("usage is %+v", u)
	}
	for _, bad := range []pipeline{
		{commands: [][]string{{"sh", "-c", "echo reason >&2; exit 3"}, {"cat"}}},
		{commands: [][]string{{"cat"}, {filepath.Join(dir, "missing")}}, in: in},
		{commands: [][]string{{"cat"}}, in: filepath.Join(dir, "missing")},
	} {
		_, err := bad.run(t.Context(), os.Environ())
		if err == nil {
			t.Errorf("%v: no error", bad.commands)
		} else if bad.commands[0][0] == "sh" && !strings.Contains(err.Error(), "reason") {
			t.Errorf("the error does not quote what was said: %v", err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if u, err := (&pipeline{commands: [][]string{{"sleep", "30"}}}).run(ctx, os.Environ()); err == nil || u.Wall > 10*time.Second {
		t.Errorf("a process that is given up took %v: %v", u.Wall, err)
	}
}
