package human

import (
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"backups/app/2026.json.zst": "backups/app/2026.json.zst", "": "''", "it's": `'it'\''s'`, "a b": "'a b'",
		"~x": "'~x'", "$HOME": "'$HOME'", "a\nb": `$'a\012b'`, "ü.db": "ü.db", "\xff'1": `$'\377\'1'`,
	} {
		if got := ShellWord(in); got != want {
			t.Errorf("ShellWord(%q) = %s, not %s", in, got, want)
		}
	}
}

// A shell reads what was quoted as the very same path.
func TestShellWordInShell(t *testing.T) {
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
		script.WriteString("p " + ShellWord(p) + "\n")
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
		if read[i] != want {
			t.Errorf("%q was read as %q", want, read[i])
		}
	}
}
