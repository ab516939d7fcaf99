package litekeep_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
)

// phrase is a passphrase that must show nowhere.
const phrase = "xyzzy-Plugh-90125"

// secretsOf are the texts that give a key file or the phrase away.
func secretsOf(t testing.TB, keyFile string) []string {
	t.Helper()
	text := string(read(t, keyFile))
	key := regexp.MustCompile(`(?m)^key: (\S+)$`).FindStringSubmatch(text)
	if key == nil {
		t.Fatalf("%s has no key", keyFile)
	}
	raw, err := base64.StdEncoding.DecodeString(key[1])
	if err != nil {
		t.Fatal(err)
	}
	return []string{phrase, key[1], string(raw), fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw)}
}

func wantSecret(t testing.TB, where string, text []byte, secrets []string) {
	t.Helper()
	for i, s := range secrets {
		if bytes.Contains(text, []byte(s)) {
			t.Errorf("%s shows secret %d", where, i)
		}
	}
}

// TestSecretsStaySecret works with sealed backups, well and badly, and looks for
// the keys in logs, errors, results, the kit, and all files that are left.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := litekeep.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ask := litekeep.WithPassphrase(func(context.Context, bool) ([]byte, error) { return []byte(phrase), nil })
	key, wrong := newKey(t), newKey(t)
	secrets := secretsOf(t, strings.TrimPrefix(key, "file:"))
	w := newWorld(t, smallSQL, withKeys(key, "prompt"), logger, ask)
	b := w.backup()
	var said bytes.Buffer
	note := func(v any, err error) { fmt.Fprintf(&said, "%v %+v %#v %v\n", v, v, v, err) }
	r, err := w.RestoreBackup(t.Context(), b.Path, filepath.Join(w.dir, "new.db"), litekeep.RestoreOptions{})
	note(r, err)
	note(w.ListKeys(t.Context()))
	note(w.CheckKeys(t.Context()))
	note(w.RotateKeys(t.Context(), []string{wrong}, false))
	note(w.BackupDetails(t.Context(), b.Path))
	kit, err := w.RecoveryKit(t.Context(), false)
	note(string(kit), err)
	note(w.Config(), nil)
	note(w.Service, nil)
	object := read(t, b.Path)
	for i := 0; i < len(object); i += 37 {
		object[i] ^= 1
		spoil(t, b.Path, object, func() { note(w.VerifyBackup(t.Context(), b.Path)) })
		object[i] ^= 1
	}
	other := w.service(withKeys(wrong), logger)
	note(other.VerifyBackup(t.Context(), b.Path))
	wantSecret(t, "the log", log.Bytes(), secrets)
	wantSecret(t, "an outcome", said.Bytes(), secrets)
	for name := range tree(t, w.dir) {
		if info, err := os.Stat(filepath.Join(w.dir, name)); err == nil && info.Mode().IsRegular() {
			wantSecret(t, name, read(t, filepath.Join(w.dir, name)), secrets)
		}
	}
	if kit, err := w.RecoveryKit(t.Context(), true); err != nil || !bytes.Contains(kit, []byte(secrets[1])) || bytes.Contains(kit, []byte(phrase)) {
		t.Errorf("the kit that includes the key file: %v", err)
	}
}

// playPanic seals a backup and panics where it is written, as a fault in a
// program might.
func playPanic(ctx context.Context, args []string) error {
	c := litekeep.DefaultConfig(args[0])
	c.BackupDirectory, c.Keys = args[1], args[2:]
	s := litekeep.New(c, litekeep.WithProgress(func(p litekeep.Progress) {
		if p.Phase == "verify" {
			panic("a fault in the middle of a sealed backup")
		}
	}))
	_, err := s.CreateBackup(ctx)
	return errors.Join(errors.New("no panic"), err)
}

// TestSecretsStaySecretInPanic looks into the output of a process that crashed,
// and into its arguments, which any user of the machine can read.
func TestSecretsStaySecretInPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	key := newKey(t)
	file := filepath.Join(w.dir, "phrase")
	if err := os.WriteFile(file, []byte(phrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := roleCommand(t, "panic", w.db, w.backups, key, "passphrase-file:"+file)
	cmd.Env = append(cmd.Env, "GOTRACEBACK=system")
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("a fault in the middle")) || !bytes.Contains(out, []byte("goroutine ")) {
		t.Fatalf("%v: %s", err, out)
	}
	secrets := secretsOf(t, strings.TrimPrefix(key, "file:"))
	wantSecret(t, "the crash report", out, secrets)
	wantSecret(t, "the arguments", []byte(strings.Join(cmd.Args, " ")), secrets)
	for name := range tree(t, w.backups) {
		if strings.HasSuffix(name, ".manifest.json") {
			t.Errorf("a crash left a backup: %s", name)
		}
	}
}
