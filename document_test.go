package litekeep_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/litekeep/litekeep"
)

// document makes a world and returns the JSON text of a backup of it.
func document(t testing.TB) (*world, []byte) {
	t.Helper()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	var text bytes.Buffer
	if err := w.ReadDocument(t.Context(), b.Path, &text); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text.Bytes()) || int64(text.Len()) != b.DocumentBytes {
		t.Fatalf("the document is not JSON, or not of %d bytes:\n%s", b.DocumentBytes, text.Bytes())
	}
	return w, text.Bytes()
}

func indented(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "    "); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(text, nil)
}

// TestRestoreDocument restores JSON in layouts that litekeep does not write.
func TestRestoreDocument(t *testing.T) {
	t.Parallel()
	w, text := document(t)
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	for name, layout := range map[string][]byte{
		"as it is":    text,
		"indented":    indented(t, text),
		"one line":    compact.Bytes(),
		"escaped":     bytes.ReplaceAll(indented(t, text), []byte("ë"), []byte(`\u00eb`)),
		"gzip":        gzipped(t, text),
		"zstd":        zstandard(t, text),
		"gzip, twice": append(gzipped(t, text[:200]), gzipped(t, text[200:])...),
		"both":        zstandard(t, indented(t, text)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, target := filepath.Join(t.TempDir(), "document.json"), filepath.Join(t.TempDir(), "restored.db")
			if err := os.WriteFile(path, layout, 0o600); err != nil {
				t.Fatal(err)
			}
			r := w.restore(path, target)
			if !r.Proven || r.RecordCount != 5 || r.TableCount != 2 || r.Source != w.db || r.Timestamp.IsZero() || len(r.Warnings) != 1 {
				t.Errorf("%+v", r)
			}
			same(t, w.db, target)
		})
	}
}

// TestRestoreChangedDocument restores what was changed on the way. The digest in
// the last line tells.
func TestRestoreChangedDocument(t *testing.T) {
	t.Parallel()
	w, text := document(t)
	change := func(old, new string) []byte {
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("the document has no %q:\n%s", old, text)
		}
		return bytes.Replace(text, []byte(old), []byte(new), 1)
	}
	for name, test := range map[string]struct {
		text []byte
		says string
	}{
		"rounded, as jq 1.6 does": {change("9007199254740993", "9007199254740992"), "digest"},
		"integer as real":         {change("9007199254740993", "9007199254740993.0"), "digest"},
		"another letter":          {change("Ada", "Eda"), "digest"},
		"another setting":         {change(`"user_version":42`, `"user_version":43`), "digest"},
		"a row less":              {change("[1,\"Ada\",100],\n", ""), "rows"},
		"unknown version":         {change(`{"litekeep":1`, `{"litekeep":2`), "version"},
		"unknown member":          {change(`"source":`, `"extra":1,"source":`), "extra"},
		"cut off":                 {text[:len(text)/2], ""},
		"empty":                   {nil, ""},
		"other JSON":              {[]byte(`{"hello":"world"}`), ""},
		"no JSON":                 {[]byte("hello"), ""},
		"more after the end":      {append(bytes.Clone(text), text...), ""},
		"gzip, cut off":           {gzipped(t, text)[:300], ""},
		"zstd, cut off":           {zstandard(t, text)[:300], ""},
		"a database":              {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, target := filepath.Join(dir, "document.json"), filepath.Join(dir, "restored.db")
			if name == "a database" {
				makeDatabase(t, path, otherSQL)
			} else if err := os.WriteFile(path, test.text, 0o600); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			_, err := w.RestoreBackup(t.Context(), path, target, litekeep.RestoreOptions{NoProof: true})
			if !errors.Is(err, litekeep.ErrDamaged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
			unchanged(t, dir, before)
		})
	}
}

// TestReadTable reads rows as lists and as objects.
func TestReadTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	for _, test := range []struct {
		table   string
		objects bool
		want    string
	}{
		{"account", false, "[1,\"Ada\",100]\n[2,\"Bob\",9007199254740993]\n[7,\"Zoë\",-5]\n"},
		{"account", true, `{"id":1,"owner":"Ada","amount":100}` + "\n" + `{"id":2,"owner":"Bob","amount":9007199254740993}` + "\n" + `{"id":7,"owner":"Zoë","amount":-5}` + "\n"},
		{"log", false, "[1,1.5,{\"blob\":\"AP8=\"}]\n[2,0.0,null]\n"},
	} {
		var out strings.Builder
		if err := w.Service.ReadTable(t.Context(), b.Path, test.table, test.objects, &out); err != nil || out.String() != test.want {
			t.Errorf("%s: %v\n%s", test.table, err, out.String())
		}
	}
	if err := w.Service.ReadTable(t.Context(), b.Path, "nothing", false, os.Stdout); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("a table that is not there: %v", err)
	}
}
