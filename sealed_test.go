package litekeep_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/manifest"
)

// newKey makes a key file and returns the reference to it.
func newKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.key")
	if _, err := litekeep.NewKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

// withKeys makes backups sealed.
func withKeys(refs ...string) func(*litekeep.Config) {
	return func(c *litekeep.Config) { c.Keys = refs }
}

// rowsSQL makes a database whose document has several frames of rows.
const rowsSQL = `CREATE TABLE secretive(id INTEGER PRIMARY KEY, word TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40000)
INSERT INTO secretive SELECT i, 'plaintext ' || hex(i * 7919) || ' ' || printf('%060d', i) FROM n;`

// TestSealed takes backups of every codec there and back.
func TestSealed(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for _, codec := range []string{"zstd", "gzip", "none"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rowsSQL, func(c *litekeep.Config) { c.Compression, c.Keys = codec, []string{key} })
			b := w.backup()
			if !b.Sealed || b.Locked || b.RecordCount != 40000 || !strings.HasSuffix(b.Path, ".sealed") {
				t.Fatalf("%+v", b)
			}
			if v, err := w.VerifyBackup(t.Context(), b.Path); err != nil || !v.OK || !v.Sealed || v.StoredOnly || v.Rows != 40000 {
				t.Errorf("%+v, %v", v, err)
			}
			restored := filepath.Join(w.dir, "restored.db")
			if r := w.restore(b.Path, restored); !r.Proven {
				t.Error("not proven")
			}
			same(t, w.db, restored)
			var rows bytes.Buffer
			if err := w.ReadTable(t.Context(), b.Path, "secretive", false, &rows); err != nil || bytes.Count(rows.Bytes(), []byte("\n")) != 40000 {
				t.Errorf("%d bytes of rows, %v", rows.Len(), err)
			}
			d, err := w.BackupDetails(t.Context(), b.Path)
			if err != nil || len(d.Tables) != 1 || d.Tables[0].Name != "secretive" || d.Frames < 5 {
				t.Errorf("%+v, %v", d, err)
			}
			clean(t, w.folder)
			// The object alone is enough, as it is for a plain backup.
			if err := os.Remove(b.Path + ".manifest.json"); err != nil {
				t.Fatal(err)
			}
			alone := filepath.Join(w.dir, "alone.db")
			if r := w.restore(b.Path, alone); !r.Proven {
				t.Error("not proven without a manifest")
			}
			same(t, w.db, alone)
		})
	}
}

// TestSealedTellsNothing looks for plaintext in what a sealed backup stores.
func TestSealedTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rowsSQL, func(c *litekeep.Config) { c.Compression, c.Keys = "none", []string{newKey(t)} })
	b := w.backup()
	if b.Source == "" || b.Digest == "" {
		t.Fatalf("nothing to look for: %+v", b)
	}
	for _, path := range []string{b.Path, b.Path + ".manifest.json"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"secretive", "plaintext", "word", w.db, "40000", strings.TrimPrefix(b.Digest, "sha256:"), "rows", "page_size"} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(path), secret)
			}
		}
	}
}

// TestSealedWithoutKey does what can be done without a key, and what cannot.
func TestSealedWithoutKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, withKeys(newKey(t)))
	b := w.backup()
	list, err := w.service(nil).ListBackups(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if x := list[0]; !x.Sealed || !x.Locked || x.Problem != "" || x.SizeBytes != b.SizeBytes || x.Checksum != b.Checksum ||
		!x.Timestamp.Equal(b.Timestamp) || x.Verified.IsZero() || x.RecordCount != 0 || x.Digest != "" || x.Compression != "zstd" {
		t.Errorf("%+v", x)
	}
	if x := w.list()[0]; x.Locked || x.RecordCount != b.RecordCount {
		t.Errorf("with the key: %+v", x)
	}
	v, err := w.service(nil).VerifyBackup(t.Context(), b.Path)
	if err != nil || !v.OK || !v.StoredOnly || v.Bytes != b.SizeBytes {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := os.Stat(b.Path + ".checked.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a verification that looked at stored bytes alone was noted: %v", err)
	}
	for name, test := range map[string]struct {
		keys []string
		want error
	}{"no key": {nil, litekeep.ErrNoKey}, "wrong key": {[]string{newKey(t)}, litekeep.ErrWrongKey}} {
		s := w.service(withKeys(test.keys...))
		before := tree(t, w.dir)
		for what, err := range openings(t, s, b.Path, filepath.Join(w.dir, "new.db")) {
			if !errors.Is(err, test.want) || errors.Is(err, litekeep.ErrDamaged) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		unchanged(t, w.dir, before)
	}
	if x := w.service(withKeys(newKey(t))); true {
		if list, err := x.ListBackups(t.Context()); err != nil || !list[0].Locked || list[0].Problem != "" {
			t.Errorf("listed with the wrong key: %+v, %v", list[0], err)
		}
		if v, err := x.VerifyBackup(t.Context(), b.Path); !errors.Is(err, litekeep.ErrWrongKey) || v.OK {
			t.Errorf("verified with the wrong key: %+v, %v", v, err)
		}
	}
}

// openings tries everything that needs the content of a backup.
func openings(t testing.TB, s *litekeep.Service, path, target string) map[string]error {
	var out bytes.Buffer
	errs := map[string]error{}
	errs["cat"] = s.ReadDocument(t.Context(), path, &out)
	errs["cat table"] = s.ReadTable(t.Context(), path, "account", false, &out)
	_, errs["info"] = s.BackupDetails(t.Context(), path)
	_, errs["restore"] = s.RestoreBackup(t.Context(), path, target, litekeep.RestoreOptions{})
	_, errs["dry run"] = s.RestoreBackup(t.Context(), path, target, litekeep.RestoreOptions{DryRun: true})
	if out.Len() > 0 {
		t.Errorf("%d bytes came out", out.Len())
	}
	return errs
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNeverPlain wants no backup where the key cannot be used.
func TestNeverPlain(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("a passphrase"), 0o644); err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	for name, refs := range map[string][]string{
		"missing file":          {"file:/nowhere/a.key"},
		"one of two is missing": {key, "file:/nowhere/a.key"},
		"empty passphrase":      {"passphrase-file:" + empty},
		"readable by others":    {"passphrase-file:" + open},
		"variable not set":      {"passphrase-env:LITEKEEP_NO_SUCH_VARIABLE"},
		"nobody to ask":         {"prompt"},
		"no reference":          {"correct horse battery staple"},
		"the same twice":        {key, key},
	} {
		w := newWorld(t, smallSQL, withKeys(refs...))
		before := tree(t, w.dir)
		_, err := w.CreateBackup(t.Context())
		if !errors.Is(err, litekeep.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "staple") {
			t.Errorf("%s: the error repeats the secret: %v", name, err)
		}
		unchanged(t, w.dir, before)
	}
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Sealed = true })
	if _, err := w.CreateBackup(t.Context()); !errors.Is(err, litekeep.ErrConfig) || !strings.Contains(err.Error(), "no key") {
		t.Errorf("sealed without a key: %v", err)
	}
}

// TestSealedSafetyBackup wants the safety backup of a restore to be sealed.
func TestSealedSafetyBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, withKeys(newKey(t)))
	b := w.backup()
	w.exec("DELETE FROM account")
	r := w.restore(b.Path, w.db)
	if !manifest.IsSealedName(r.SafetyBackup) {
		t.Errorf("the safety backup is %s", r.SafetyBackup)
	}
	if got := query(t, w.db, "SELECT count(*) FROM account"); got != "3" {
		t.Errorf("%s accounts", got)
	}
	w.restore(r.SafetyBackup, w.db)
	if got := query(t, w.db, "SELECT count(*) FROM account"); got != "0" {
		t.Errorf("%s accounts after the undo", got)
	}
}

// TestPlainAmongSealed wants a warning where a backup that is not sealed is
// restored by somebody who seals.
func TestPlainAmongSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	s := w.service(withKeys(newKey(t)))
	r, err := s.RestoreBackup(t.Context(), b.Path, filepath.Join(w.dir, "new.db"), litekeep.RestoreOptions{})
	if err != nil || !strings.Contains(strings.Join(r.Warnings, "\n"), "not sealed") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestPassphrase asks for a passphrase: twice to seal, once to open.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	var asked []bool
	ask := func(answer string) litekeep.Option {
		return litekeep.WithPassphrase(func(_ context.Context, twice bool) ([]byte, error) {
			asked = append(asked, twice)
			return []byte(answer), nil
		})
	}
	w := newWorld(t, smallSQL, withKeys("prompt"), ask("tr0ub4dor"))
	b := w.backup()
	if len(asked) != 1 || !asked[0] {
		t.Errorf("asked %v to seal", asked)
	}
	asked = nil
	s := w.service(withKeys("prompt"), ask("tr0ub4dor"))
	for range 2 {
		if v, err := s.VerifyBackup(t.Context(), b.Path); err != nil || v.StoredOnly {
			t.Error(v, err)
		}
	}
	if len(asked) != 1 || asked[0] {
		t.Errorf("asked %v to open", asked)
	}
	// What was typed once, to open, is not good enough to seal with.
	asked = nil
	if _, err := s.CreateBackup(t.Context()); err != nil || len(asked) != 1 || !asked[0] {
		t.Errorf("asked %v to seal after opening, %v", asked, err)
	}
	_, err := w.service(withKeys("prompt"), ask("Tr0ub4dor")).VerifyBackup(t.Context(), b.Path)
	if !errors.Is(err, litekeep.ErrWrongKey) || strings.Contains(err.Error(), "0ub4dor") {
		t.Errorf("wrong passphrase: %v", err)
	}
}

// TestSealedStopsAnywhere fails a sealed backup at each step of the disk: there
// is no backup then, and nothing in the clear.
func TestSealedStopsAnywhere(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	key := newKey(t)
	for n := 1; ; n++ {
		step := 0
		w := newWorld(t, smallSQL, withKeys(key), litekeep.WithBefore(func(durable.Op, string) error {
			if step++; step == n {
				return fault
			}
			return nil
		}))
		_, err := w.CreateBackup(t.Context())
		if err == nil {
			if n < 10 {
				t.Errorf("only %d steps", n)
			}
			return
		}
		for name := range tree(t, w.dir) {
			if strings.HasSuffix(name, ".manifest.json") || strings.HasSuffix(name, ".zst") {
				t.Errorf("step %d left %s", n, name)
			}
		}
	}
}
