package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestHumanAge(t *testing.T) {
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", time.Minute: "1min", time.Hour: "1h", 47 * time.Hour: "47h", 48 * time.Hour: "2d",
		1500 * 24 * time.Hour: "4y", -2 * time.Hour: "+2h",
	} {
		if got := humanAge(now.Add(-d), now); got != want {
			t.Errorf("%v ago is %q, not %q", d, got, want)
		}
	}
	if got := humanAge(time.Time{}, now); got != "?" {
		t.Errorf("an unknown time is %q", got)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 漢": "plain ü 漢", "a\nb": "a\nb", "\x1b[31m": `\x1b[31m`, "a\tb\x00": `a\tb\x00`, "\xff\u202e": `\xff\u202e`,
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, not %q", in, got, want)
		}
	}
	if got := oneLine("a\nb"); got != `a\nb` {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		out := oneLine(string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")))
		if !utf8.ValidString(out) || strings.ContainsAny(out, "\x1b\r\n\x07") {
			t.Fatalf("%q reaches the terminal", out)
		}
	})
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"backups/app/2026.json.zst": "backups/app/2026.json.zst", "": "''", "it's": `'it'\''s'`, "a b": "'a b'",
		"-x.db": "./-x.db", "~x": "'~x'", "$HOME": "'$HOME'", "a\nb": `$'a\012b'`, "ü.db": "ü.db", "\xff'1": `$'\377\'1'`,
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, not %s", in, got, want)
		}
	}
}

// A shell reads what was quoted as the very same path.
func TestShellQuoteInShell(t *testing.T) {
	shell := "bash" // since $'…' is not in every sh yet
	if _, err := exec.LookPath(shell); err != nil {
		shell = "zsh"
	}
	var paths []string
	gen := rapid.SliceOfN(rapid.OneOf(rapid.ByteRange(1, 255), rapid.SampledFrom([]byte("\\'\"$`!~*-# \n\t0"))), 0, 12)
	for seed := range 300 {
		paths = append(paths, string(gen.Example(seed)))
	}
	var script strings.Builder
	script.WriteString(`p() { printf '%s\0' "$1"; }` + "\n")
	for _, p := range paths {
		script.WriteString("p " + shellQuote(p) + "\n")
	}
	cmd := exec.Command(shell)
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := strings.Split(string(out), "\x00")
	if len(read) != len(paths)+1 {
		t.Fatalf("the shell read %d paths of %d", len(read)-1, len(paths))
	}
	for i, want := range paths {
		if strings.HasPrefix(want, "-") {
			want = "./" + want
		}
		if read[i] != want {
			t.Errorf("%q was read as %q", want, read[i])
		}
	}
}
