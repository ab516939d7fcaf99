package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/keys"
)

// withSum makes a key file of lines with a checksum that fits.
func withSum(format, id, key string) string {
	return format + id + key + "checksum: " + keys.FileSum(id+key) + "\n"
}

// TestParseSource reads references, and does not quote what may be a secret.
func TestParseSource(t *testing.T) {
	for _, good := range []string{
		"file:/etc/litekeep.key", "file:rel/key", "file:a:b", "passphrase-file:/run/secrets/p", "passphrase-env:LITEKEEP_PASSPHRASE",
		"prompt", "awskms:///alias/x?region=eu-central-1", "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
		"azurekeyvault://v.vault.azure.net/keys/k", "hashivault://k",
	} {
		s, err := keys.ParseSource(good)
		if err != nil || s.String() != good || fmt.Sprint(s) != good {
			t.Errorf("%s: %q, %v", good, s, err)
		}
		if s.KMS() != strings.Contains(good, "://") {
			t.Errorf("%s: KMS is %v", good, s.KMS())
		}
	}
	for _, bad := range []string{
		"", "hunter2", "hunter2:hunter2", "passphrase:hunter2", "file:", "passphrase-file:", "passphrase-env:",
		"passphrase-env:hunter2 hunter2", "Prompt", "prompt:hunter2", "awskms:hunter2", "awskms://", "hashivault://u:hunter2@h/k",
		"awskms://hunter2\x7f", "https://hunter2",
	} {
		_, err := keys.ParseSource(bad)
		if !errors.Is(err, keys.ErrSecret) {
			t.Errorf("%q: %v", bad, err)
		}
		if text := fmt.Sprint(err); strings.Contains(text, "hunter2") || strings.Contains(text, "\n") {
			t.Errorf("%q: the error quotes it: %v", bad, err)
		}
	}
}

// TestParseSourcePath names the scheme that the path of a file lacks.
func TestParseSourcePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	if _, err := keys.ParseSource(path); strings.Contains(fmt.Sprint(err), path) {
		t.Errorf("what is no file was quoted: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := keys.ParseSource(path)
	if !errors.Is(err, keys.ErrSecret) || !strings.Contains(fmt.Sprint(err), "did you mean file:"+path+"?") {
		t.Error(err)
	}
}

// TestSourceOpen opens each kind of source, good and bad.
func TestSourceOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := generate(t)
	in := keys.Inputs{
		LookupEnv: func(name string) (string, bool) {
			v, ok := map[string]string{"GOOD": "hunter2", "EMPTY": "", "LINES": "hunter2\nhunter2"}[name]
			return v, ok
		},
		Prompt: func(context.Context) ([]byte, error) { return []byte("hunter2\n"), nil },
		Cost:   cheap,
	}
	record := wrap(t, phrase(t, "hunter2"))
	for _, c := range []struct {
		ref  string
		says string // "" for a key that opens record
	}{
		{"passphrase-env:GOOD", ""},
		{"passphrase-file:" + write("good", "hunter2\n", 0o600), ""},
		{"prompt", ""},
		{"passphrase-env:EMPTY", "key passphrase-env:EMPTY: unusable key: the passphrase is empty"},
		{"passphrase-env:UNSET", "the variable is not set"},
		{"passphrase-env:LINES", "more than one line"},
		{"passphrase-file:" + write("empty", "", 0o600), "empty: unusable key: the passphrase is empty"},
		{"passphrase-file:" + write("blank", "\n", 0o600), "is empty"},
		{"passphrase-file:" + write("open", "hunter2", 0o644), "chmod 600"},
		{"passphrase-file:" + write("big", strings.Repeat("hunter2", 1000), 0o600), "more than 4096 bytes"},
		{"passphrase-file:" + dir, "is a folder"},
		{"passphrase-file:" + dir + "/none", "no such file"},
		{"file:" + write("bad", "hunter2", 0o600), "does not begin with"},
		{"awskms:///x", "no access to key management"},
	} {
		s, err := keys.ParseSource(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.Open(t.Context(), in)
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", c.ref, err)
			} else if got, err := k.Unwrap(t.Context(), backup, record); err != nil || !bytes.Equal(got, dataKey) {
				t.Errorf("%s: %v", c.ref, err)
			}
			continue
		}
		text := fmt.Sprint(err)
		if !strings.Contains(text, c.says) || strings.Contains(text, "hunter2") || strings.Contains(text, "\n") {
			t.Errorf("%s: %s", c.ref, text)
		}
		if k != nil {
			t.Errorf("%s: a key besides the error", c.ref)
		}
	}
	ring, err := keys.OpenAll(t.Context(), []keys.Source{source(t, "file:"+write("key", string(file.Text()), 0o600)), source(t, "prompt")}, in)
	if err != nil || len(ring) != 2 || ring[0].String() != "key file "+file.ID() {
		t.Errorf("OpenAll: %v, %v", ring, err)
	}
	if _, err := source(t, "prompt").Open(t.Context(), keys.Inputs{}); !errors.Is(err, keys.ErrSecret) {
		t.Errorf("a prompt without a terminal: %v", err)
	}
	if _, err := (keys.Source{}).Open(t.Context(), in); !errors.Is(err, keys.ErrSecret) {
		t.Errorf("no source: %v", err)
	}
}

func source(t *testing.T, ref string) keys.Source {
	t.Helper()
	s, err := keys.ParseSource(ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
