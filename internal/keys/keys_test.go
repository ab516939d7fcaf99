package keys_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/keys"
)

// cheap is the least that a passphrase may cost.
var cheap = keys.Cost{Time: 1, MemoryKiB: 8 << 10, Lanes: 1}

var (
	backup  = bytes.Repeat([]byte{7}, keys.BackupIDBytes)
	dataKey = bytes.Repeat([]byte{9}, keys.DataKeyBytes)
)

func phrase(t testing.TB, text string) keys.Key {
	t.Helper()
	k, err := keys.NewPassphrase([]byte(text), cheap)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func generate(t testing.TB) *keys.FileKey {
	t.Helper()
	k, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func wrap(t testing.TB, k keys.Key) keys.Record {
	t.Helper()
	r, err := k.Wrap(context.Background(), backup, dataKey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWrap wraps under a key of each local type, and opens with it, with its
// twin and with a stranger.
func TestWrap(t *testing.T) {
	file := generate(t)
	twin, err := keys.ParseFile(file.Text())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ key, twin, stranger keys.Key }{
		{file, twin, generate(t)},
		{phrase(t, "ä right one"), phrase(t, "ä right one"), phrase(t, "ä wrong one")},
	} {
		r := wrap(t, c.key)
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		for _, k := range []keys.Key{c.key, c.twin} {
			if got, err := k.Unwrap(t.Context(), backup, r); err != nil || !bytes.Equal(got, dataKey) {
				t.Errorf("%s: %x, %v", k, got, err)
			}
		}
		if _, err := c.stranger.Unwrap(t.Context(), backup, r); !errors.Is(err, keys.ErrOtherKey) {
			t.Errorf("%s opened by a stranger: %v", c.key, err)
		}
		if _, err := c.key.Unwrap(t.Context(), make([]byte, 16), r); !errors.Is(err, keys.ErrRecord) {
			t.Errorf("%s in another backup: %v", c.key, err)
		}
		bad := r
		bad.Wrapped = bytes.Clone(r.Wrapped)
		bad.Wrapped[20] ^= 1
		if _, err := c.key.Unwrap(t.Context(), backup, bad); !errors.Is(err, keys.ErrRecord) {
			t.Errorf("%s changed: %v", c.key, err)
		}
		if again := wrap(t, c.key); bytes.Equal(again.Wrapped, r.Wrapped) {
			t.Errorf("%s: the nonce is not fresh", c.key)
		}
		if _, err := c.key.Wrap(t.Context(), backup[:15], dataKey); err == nil {
			t.Errorf("%s wraps for half an id", c.key)
		}
	}
	if _, err := file.Unwrap(t.Context(), backup, wrap(t, phrase(t, "x"))); !errors.Is(err, keys.ErrOtherKey) {
		t.Errorf("a passphrase's record under a key file: %v", err)
	}
	if _, err := phrase(t, "x").Unwrap(t.Context(), backup, wrap(t, file)); !errors.Is(err, keys.ErrOtherKey) {
		t.Errorf("a key file's record under a passphrase: %v", err)
	}
}

// TestIDs checks that a file's id is always the same, and a passphrase's is not.
func TestIDs(t *testing.T) {
	file := generate(t)
	first, second := wrap(t, file).ID, wrap(t, file).ID
	if first != file.ID() || first != second {
		t.Error("the id of a key file changes")
	}
	first, second = wrap(t, phrase(t, "same")).ID, wrap(t, phrase(t, "same")).ID
	if first == second {
		t.Error("two processes give one passphrase the same id: the salt is not fresh")
	}
}

// TestPassphraseText holds the rule of what belongs to a passphrase.
func TestPassphraseText(t *testing.T) {
	r := wrap(t, phrase(t, "a b"))
	for text, same := range map[string]bool{
		"a b": true, "a b\n": true, "a b\r\n": true,
		"a b ": false, " a b": false, "A b": false, "a b\t\n": false,
	} {
		_, err := phrase(t, text).Unwrap(t.Context(), backup, r)
		if same != (err == nil) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		"": "is empty", "\n": "is empty", "\r\n": "is empty", "  \t\n": "white space", "a\nb\n": "more than one line",
		"a\n\n": "more than one line", "a\x00b": "more than one line", "a\rb": "more than one line",
		"a\xff": "not UTF-8", strings.Repeat("secret", 200): "longer than 1024",
	} {
		_, err := keys.NewPassphrase([]byte(text), cheap)
		if !errors.Is(err, keys.ErrSecret) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "secretsecret") {
			t.Errorf("the error quotes the passphrase: %v", err)
		}
	}
}

// TestCost holds the bounds of what a record may ask for.
func TestCost(t *testing.T) {
	if err := keys.DefaultCost().Check(); err != nil {
		t.Error(err)
	}
	for _, c := range []keys.Cost{
		{}, {0, 65536, 1}, {11, 65536, 1}, {1, 8191, 1}, {1, 131073, 1}, {1, 65536, 0}, {1, 65536, 9},
	} {
		if _, err := keys.NewPassphrase([]byte("x"), c); err == nil {
			t.Errorf("%+v is taken", c)
		}
		r := wrap(t, phrase(t, "x"))
		r.Time, r.MemoryKiB, r.Lanes = c.Time, c.MemoryKiB, c.Lanes
		if _, err := phrase(t, "x").Unwrap(t.Context(), backup, r); !errors.Is(err, keys.ErrRecord) {
			t.Errorf("a record that costs %+v: %v", c, err)
		}
	}
}

// TestStretchOnce checks that a passphrase is not stretched again for what was
// stretched before.
func TestStretchOnce(t *testing.T) {
	k, err := keys.NewPassphrase([]byte("x"), keys.Cost{Time: 10, MemoryKiB: 64 << 10, Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	// Stretching takes the memory that it costs, anew each time.
	taken := func() (bytes uint64) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.TotalAlloc
	}
	before := taken()
	r := wrap(t, k)
	first := taken() - before
	if _, err := k.Unwrap(t.Context(), backup, r); err != nil {
		t.Fatal(err)
	}
	if again := taken() - before - first; first < 64<<20 || again > 1<<20 {
		t.Errorf("stretching took %d bytes and, known, %d", first, again)
	}
}

// TestKeyFile writes, reads and refuses key files.
func TestKeyFile(t *testing.T) {
	k := generate(t)
	path := filepath.Join(t.TempDir(), "the key")
	if err := k.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key file is %v, %v", info, err)
	}
	if err := generate(t).WriteFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a key file that is there: %v", err)
	}
	got, err := keys.ReadFile(path)
	if err != nil || got.ID() != k.ID() || !bytes.Equal(got.Text(), k.Text()) {
		t.Errorf("read back: %v, %v", got, err)
	}
	if _, err := keys.ReadFile(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := keys.ReadFile(filepath.Dir(path)); !errors.Is(err, keys.ErrSecret) {
		t.Errorf("a folder: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.ReadFile(path); !errors.Is(err, keys.ErrSecret) || !strings.Contains(err.Error(), "chmod 600 '"+path+"'`") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

// TestParseFile reads key files as people and editors leave them.
func TestParseFile(t *testing.T) {
	k := generate(t)
	text := string(k.Text())
	lines := strings.SplitAfter(text, "\n")
	for name, good := range map[string]string{
		"CRLF":           strings.ReplaceAll(text, "\n", "\r\n"),
		"no comment":     strings.Join(lines[:4], ""),
		"no last LF":     strings.TrimSpace(strings.Join(lines[:4], "")),
		"comment before": "# mine\n\n" + text,
		"spaces":         strings.ReplaceAll(text, "\n", "  \n"),
	} {
		if got, err := keys.ParseFile([]byte(good)); err != nil || got.ID() != k.ID() {
			t.Errorf("%s: %v", name, err)
		}
	}
	secret := strings.TrimSpace(strings.TrimPrefix(lines[2], "key: "))
	for name, c := range map[string]struct{ text, says string }{
		"empty":         {"", "is empty"},
		"a comment":     {"# x\n", "is empty"},
		"a passphrase":  {"hunter2hunter2\n", "does not begin"},
		"version 2":     {strings.Replace(text, "key 1", "key 2", 1), "does not begin"},
		"cut off":       {strings.Join(lines[:3], ""), "cut off"},
		"doubled":       {strings.Join(lines[:4], "") + lines[2], "lines too many"},
		"another order": {lines[0] + lines[2] + lines[1] + lines[3], `no line "id:"`},
		"a digit":       {strings.Replace(text, secret[:8], "AAAABBBB", 1), "checksum does not match"},
		"another id":    {withSum(lines[0], "id: 0123456789abcdef\n", lines[2]), "another key"},
		"half a key":    {withSum(lines[0], lines[1], "key: "+secret[:20]+"\n"), "32 bytes in base64"},
		"not base64":    {withSum(lines[0], lines[1], "key: "+secret[1:]+"\n"), "32 bytes in base64"},
	} {
		_, err := keys.ParseFile([]byte(c.text))
		if !errors.Is(err, keys.ErrSecret) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprint(err); !strings.Contains(text, "copy all four lines") || strings.Contains(text, "key new") {
			t.Errorf("%s: the way out: %v", name, err)
		}
		if strings.Contains(fmt.Sprint(err), secret[10:20]) || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

// TestRapidFile changes a key file in any one place: it reads as the same key
// or not at all.
func TestRapidFile(t *testing.T) {
	k := generate(t)
	text := k.Text()
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(text)
		bad[rapid.IntRange(0, len(bad)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		if got, err := keys.ParseFile(bad); err == nil && got.ID() != k.ID() {
			t.Fatalf("%q is another key", bad)
		}
	})
}

// TestRedacted prints keys, and everything that holds them, in every way there
// is, and looks for the secret.
func TestRedacted(t *testing.T) {
	file := generate(t)
	pass := phrase(t, "hunter2-hunter2")
	if _, err := pass.Wrap(t.Context(), backup, dataKey); err != nil { // so that a stretched form is there
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.Split(string(file.Text()), "\n")[2], "key: "))
	if err != nil {
		t.Fatal(err)
	}
	var forms []string
	for _, s := range []string{"hunter2-hunter2", string(raw)} {
		forms = append(forms, s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
			base64.StdEncoding.EncodeToString([]byte(s)), fmt.Sprint([]byte(s))[1:30], fmt.Sprintf("%#v", []byte(s))[7:40])
	}
	look := func(how, printed string) {
		t.Helper()
		for _, f := range forms {
			if strings.Contains(printed, f) {
				t.Errorf("%s prints a secret: %s", how, printed)
			}
		}
	}
	type holder struct {
		K keys.Key
		k keys.Key
	}
	for _, v := range []any{file, *file, pass, []keys.Key{file, pass}, holder{pass, pass}, &holder{file, file}, map[string]keys.Key{"k": pass}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%w"} {
			look(fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v))
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		look(fmt.Sprintf("JSON of %T", v), string(text))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		look(fmt.Sprintf("log of %T", v), log.String())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, file); got != "key file "+file.ID() {
			t.Errorf("with %s a key file prints as %q", verb, got)
		}
	}
}
