package manifest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// newSealer returns the sealer of a backup with the codec.
func newSealer(t testing.TB, codec string) *seal.Sealer {
	t.Helper()
	k, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(t.Context(), codec, []keys.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sealedManifest returns the manifest of an object that s has sealed.
func sealedManifest(s *seal.Sealer, n int) *manifest.Manifest {
	m := build(n)
	m.Object += manifest.SealedSuffix
	for i := range m.Frames {
		m.Frames[i].Offset += s.Header().Len()
	}
	m.Stored.Bytes += s.Header().Len()
	return m
}

func TestSealedRoundTrip(t *testing.T) {
	s := newSealer(t, "zstd")
	m := sealedManifest(s, 3)
	text, err := manifest.EncodeSealed(m, s)
	if err != nil {
		t.Fatal(err)
	}
	if !manifest.IsSealed(text) || manifest.IsSealed(mustEncode(t, build(3))) {
		t.Error("sealed and plain are not told apart")
	}
	for _, secret := range []string{"users", m.Source.Path, m.Document.Digest[7:], m.Frames[1].SHA256.String(), "1000"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%q is in the clear", secret)
		}
	}
	c, h, err := manifest.DecodeSealed(text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database != m.Database || c.Object != m.Object || c.Stored != m.Stored || h.Backup != s.Header().Backup {
		t.Errorf("in the clear: %+v", c)
	}
	got, err := c.Open(h, s.Opener())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("(- written, + read):\n%s", diff)
	}
	if _, err := c.Open(h, newSealer(t, "zstd").Opener()); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("opened as that of another backup: %v", err)
	}
}

// TestSealedEncodeRefuses wants no manifest that its reader would refuse.
func TestSealedEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(m *manifest.Manifest){
		"plain name":  func(m *manifest.Manifest) { m.Object = strings.TrimSuffix(m.Object, manifest.SealedSuffix) },
		"first frame": func(m *manifest.Manifest) { m.Frames[0].Offset-- },
		"another codec": func(m *manifest.Manifest) {
			m.Compression.Codec, m.Object = "gzip", "20261122T020000.123Z.json.gz.sealed"
		},
		"a wrong digest": func(m *manifest.Manifest) { m.Document.Digest = "sha256:00" },
	} {
		s := newSealer(t, "zstd")
		m := sealedManifest(s, 2)
		change(m)
		if _, err := manifest.EncodeSealed(m, s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	s := newSealer(t, "none")
	m := sealedManifest(s, 2)
	m.Compression, m.Object = manifest.Compression{Codec: "none"}, "20261122T020000.123Z.json.sealed"
	at := s.Header().Len()
	for i := range m.Frames {
		m.Frames[i].Offset, m.Frames[i].Stored = at, seal.SealedLen(m.Frames[i].Bytes)
		at += m.Frames[i].Stored
	}
	m.Stored.Bytes = at
	if _, err := manifest.EncodeSealed(m, s); err != nil {
		t.Errorf("uncompressed: %v", err)
	}
	m.Frames[1].Stored--
	if _, err := manifest.EncodeSealed(m, s); err == nil {
		t.Error("uncompressed with a wrong length: taken")
	}
	plain := build(2)
	plain.Object += manifest.SealedSuffix
	if _, err := manifest.Encode(plain); err == nil {
		t.Error("a sealed object has a plain manifest")
	}
}

// TestSealedDecodeRefuses changes the text, with a checksum that fits.
func TestSealedDecodeRefuses(t *testing.T) {
	s := newSealer(t, "zstd")
	text, err := manifest.EncodeSealed(sealedManifest(s, 2), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Decode(text); !errors.Is(err, manifest.ErrVersion) {
		t.Errorf("read as a plain one: %v", err)
	}
	if _, _, err := manifest.DecodeSealed(mustEncode(t, build(2))); !errors.Is(err, manifest.ErrVersion) {
		t.Errorf("a plain one read as sealed: %v", err)
	}
	for _, c := range []struct{ name, old, new string }{
		{"version", `{"litekeep_manifest":2,`, `{"litekeep_manifest":3,`},
		{"object", `.json.zst.sealed"`, `.json.zst"`},
		{"path as object", `"object":"2026`, `"object":"../2026`},
		{"database", `"database":"app"`, `"database":"a/b"`},
		{"order", "\"database\":\"app\",\n", ""},
		{"unknown member", `"writer":`, `"written":`},
		{"space", `"stored":{"bytes":`, `"stored":{"bytes": `},
		{"writer", `"writer":"litekeep `, `"writer":"other `},
		{"header", `litekeep_sealed`, `litekeep_seeled`},
		{"header version", `{\"litekeep_sealed\":1,`, `{\"litekeep_sealed\":2,`},
		{"negative length", `"bytes":`, `"bytes":-`},
		{"base64", `"sealed":"`, `"sealed":"*`},
	} {
		changed := bytes.Replace(text, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(changed, text) {
			t.Fatalf("%s: nothing is changed", c.name)
		}
		if x, _, err := manifest.DecodeSealed(reseal(changed)); err == nil {
			t.Errorf("%s: taken as %+v", c.name, x)
		}
		if _, _, err := manifest.DecodeSealed(changed); !errors.Is(err, manifest.ErrChecksum) {
			t.Errorf("%s, with the old checksum: %v", c.name, err)
		}
	}
}

// TestSealedClearPartIsBound changes each member in the clear.
func TestSealedClearPartIsBound(t *testing.T) {
	s := newSealer(t, "zstd")
	text, err := manifest.EncodeSealed(sealedManifest(s, 2), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new string }{
		{`"database":"app"`, `"database":"App"`},
		{`"object":"20261122`, `"object":"20261123`},
		{`"created":"2026`, `"created":"2027`},
		{`"stored":{"bytes":`, `"stored":{"bytes":1`},
		{`"verified":"2026`, `"verified":"2027`},
		{`"writer":"litekeep 0`, `"writer":"litekeep 9`},
	} {
		changed := bytes.Replace(text, []byte(c.old), []byte(c.new), 1)
		x, h, err := manifest.DecodeSealed(reseal(changed))
		if err != nil {
			t.Fatalf("%s: %v", c.new, err)
		}
		if _, err := x.Open(h, s.Opener()); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
}

func TestSealedNames(t *testing.T) {
	name := manifest.ObjectName(created, "gzip") + manifest.SealedSuffix
	at, codec, ok := manifest.ParseObjectName(name)
	if !ok || codec != "gzip" || !at.Equal(manifest.At(created).Time) || !manifest.IsSealedName(name) {
		t.Errorf("%s is %v, %q, %v", name, at, codec, ok)
	}
	for _, name := range []string{name + ".sealed", strings.Replace(name, ".sealed", ".SEALED", 1), ".sealed", name + manifest.KeysSuffix(1)} {
		if _, _, ok := manifest.ParseObjectName(name); ok {
			t.Errorf("%q is taken for an object", name)
		}
	}
	if object, _, ok := manifest.ObjectOf(name + manifest.KeysSuffix(3)); ok {
		t.Errorf("rewrapped keys make %q a backup", object)
	}
	if got := manifest.KeysSuffix(12); got != ".keys-12.json" {
		t.Error(got)
	}
}

// FuzzDecodeSealed wants what is taken to be written again to the same bytes, so
// far as it can be known without a key, and no panic.
func FuzzDecodeSealed(f *testing.F) {
	s := newSealer(f, "zstd")
	text, err := manifest.EncodeSealed(sealedManifest(s, 2), s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(fmt.Sprintf("{\"litekeep_manifest\":%d,\n", manifest.VersionSealed)))
	f.Fuzz(func(t *testing.T, text []byte) {
		text = reseal(text)
		c, h, err := manifest.DecodeSealed(text)
		if err != nil {
			return
		}
		if !manifest.IsSealedName(c.Object) || string(h.Text()) != c.Header {
			t.Errorf("taken: %+v", c)
		}
		if _, err := c.Open(h, s.Opener()); err == nil && !bytes.Contains(text, []byte(s.Header().Backup)) {
			t.Error("opened as another backup")
		}
	})
}
