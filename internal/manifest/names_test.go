package manifest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
)

func TestObjectName(t *testing.T) {
	elsewhere := created.In(time.FixedZone("", 5*3600))
	for codec, want := range map[string]string{
		"none": "20261122T020000.123Z.json", "gzip": "20261122T020000.123Z.json.gz", "zstd": "20261122T020000.123Z.json.zst",
	} {
		name := manifest.ObjectName(elsewhere, codec)
		if name != want {
			t.Errorf("%s: %s, want %s", codec, name, want)
		}
		at, gotCodec, ok := manifest.ParseObjectName(name)
		if !ok || gotCodec != codec || at != manifest.At(created) {
			t.Errorf("%s: parsed as %v, %q, %v", name, at, gotCodec, ok)
		}
	}
	for _, name := range []string{
		"", "x", "20261122T020000.123Z", "20261122T020000.123Z.json.bz2", "20261122T020000Z.json", "20261322T020000.123Z.json",
		"20261122T020000.123Z.json.partial", "20261122T020000,123Z.json", "20261122T020000.123Z.manifest.json", " 20261122T020000.123Z.json",
	} {
		if _, _, ok := manifest.ParseObjectName(name); ok {
			t.Errorf("%q is taken for an object", name)
		}
	}
}

func TestObjectOf(t *testing.T) {
	tests := []struct {
		name, object, suffix string
		ok                   bool
	}{
		{"a.json.manifest.json", "a.json", manifest.Suffix, true},
		{"a.json.manifest.json.pruned", "a.json", manifest.PrunedSuffix, true},
		{"a.json.checked.json", "a.json", manifest.CheckedSuffix, true},
		{"a.json", "", "", false},
		{".manifest.json", "", "", false},
		{"a.manifest.json.partial", "", "", false},
	}
	for _, tt := range tests {
		if object, suffix, ok := manifest.ObjectOf(tt.name); object != tt.object || suffix != tt.suffix || ok != tt.ok {
			t.Errorf("%q: %q, %q, %v", tt.name, object, suffix, ok)
		}
	}
}

func TestIsTrashedName(t *testing.T) {
	for name, want := range map[string]bool{
		"a.json" + manifest.TrashedSuffix(manifest.Trashed{Since: created}):                                true,
		"a.json" + manifest.TrashedSuffix(manifest.Trashed{Since: created, Until: created.Add(time.Hour)}): true,
		"a.json.manifest.json.trashed-20261122T020000Z-20261125T020000Z":                                   true,
		"a.json.manifest.json.trashed-20261122T020000Z-20261325T020000Z":                                   false,
		"a.json.manifest.json.trashed-20261122T020000Z-":                                                   false,
		"a.json.manifest.json.trashed-20261122T020000Z-20261125T020000Z-":                                  false,
		"a.json.manifest.json.trashed-20261122T020000Z":                                                    true,
		"a.json.manifest.json.trashed-20261122T020000Z.partial":                                            false,
		"a.json.manifest.json.trashed-20261322T020000Z":                                                    false,
		"a.json.manifest.json.trashed-":                                                                    false,
		"a.json.manifest.json":                                                                             false,
		"a.json.trashed-20261122T020000Z":                                                                  false,
	} {
		if got := manifest.IsTrashedName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestChecked(t *testing.T) {
	c := manifest.Checked{Checked: manifest.At(created), OK: true}
	text, err := manifest.EncodeChecked(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"checked":"2026-11-22T02:00:00.123Z","ok":true}` + "\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	if got, err := manifest.DecodeChecked(text); err != nil || got != c {
		t.Errorf("got %v, %v", got, err)
	}
	var invalid *manifest.InvalidError
	if _, err := manifest.EncodeChecked(manifest.Checked{}); !errors.As(err, &invalid) {
		t.Errorf("encode without a time: %v", err)
	}
	for _, bad := range []string{
		"", "{}\n", "null\n", string(text[:len(text)-1]), string(text) + "\n", `{"ok":true,"checked":"2026-11-22T02:00:00.123Z"}` + "\n",
		`{"checked":"2026-11-22T02:00:00.123Z","ok":true,"x":1}` + "\n", `{"checked":null,"ok":true}` + "\n",
		`{"checked":"2026-11-22T02:00:00.123Z"}` + "\n", `{"checked":"2026-11-22T02:00:00.123Z","ok":true,"ok":true}` + "\n",
	} {
		if _, err := manifest.DecodeChecked([]byte(bad)); !errors.As(err, &invalid) {
			t.Errorf("%q: %v, want an InvalidError", bad, err)
		}
	}
}

func TestHash(t *testing.T) {
	digits := strings.Repeat("0123456789abcdef", 4)
	var h manifest.Hash
	if err := h.UnmarshalText([]byte(digits)); err != nil || h.String() != digits || h[0] != 0x01 || h[31] != 0xef {
		t.Errorf("got %v, %v", h, err)
	}
	before := h
	for _, bad := range []string{"", digits[1:], digits + "0", strings.ToUpper(digits), "g" + digits[1:]} {
		if err := h.UnmarshalText([]byte(bad)); err == nil || h != before {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
