package main

import (
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
	for in, want := range map[string]string{"backups/app": "backups/app", "it's": `'it'\''s'`, "-x.db": "./-x.db", "-a b": "'./-a b'"} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, not %s", in, got, want)
		}
	}
}
