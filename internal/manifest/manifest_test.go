package manifest_test

import (
	"bytes"
	"crypto/sha256"
	stdjson "encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const golden = "testdata/small.manifest.json"

var created = time.Date(2026, 11, 22, 2, 0, 0, 123456789, time.UTC)

// build returns a manifest of n frames between the first and the last, of a
// thousand rows each.
func build(n int) *manifest.Manifest {
	m := &manifest.Manifest{
		Database: "app",
		Object:   "20261122T020000.123Z.json.zst",
		Created:  manifest.At(created),
		Source: document.Source{
			Name: "app", Path: "/srv/ä \"app\".db", Created: "2026-11-22T02:00:00.123Z",
			SQLite: "3.54.1", Litekeep: "0.1.0", SchemaVersion: 12,
		},
		Settings: document.Database{
			PageSize: 4096, Encoding: "UTF-8", UserVersion: -3, ApplicationID: math.MinInt32,
			JournalMode: "wal", SchemaFormat: 4, DefaultCacheSize: -2000,
		},
		Compression: manifest.Compression{Codec: "zstd", Level: 1},
		Tables:      []manifest.Table{{Name: "users", Frames: [2]int{1, n}}},
		Indexes:     []manifest.Index{{Name: "users_fold", Table: "users", Entries: 7, Reason: `collation "fold" is unknown`}},
		Verified:    manifest.At(created.Add(2 * time.Second)),
		Durations:   manifest.Durations{Snapshot: 0.46, Write: 1.25, Verify: 0.3, Total: 2.01},
		Warnings:    []string{"index users_fold is carried as records"},
		Writer:      "litekeep 0.1.0",
	}
	for i := range n + 2 {
		f := manifest.Frame{Offset: m.Stored.Bytes, Stored: int64(100_000 + i), Bytes: int64(1_000_000 + i), SHA256: hash(i)}
		if i > 0 && i <= n {
			f.Rows = 1000
		}
		m.Frames = append(m.Frames, f)
		m.Stored.Bytes += f.Stored
		m.Document.Bytes += f.Bytes
	}
	m.Stored.SHA256 = hash(-1)
	m.Document.Digest = manifest.ContentDigest(m.Frames)
	rows := int64(n)*1000 - 7
	m.Tables[0].Rows = rows
	m.Totals = manifest.Totals{Tables: 1, Rows: rows, Indexes: 1, Entries: 7}
	return m
}

func hash(i int) manifest.Hash { return sha256.Sum256(fmt.Append(nil, i)) }

func mustEncode(t testing.TB, m *manifest.Manifest) []byte {
	t.Helper()
	text, err := manifest.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// reseal gives a text whose last line is removed or stale the right checksum.
func reseal(text []byte) []byte {
	if i := bytes.LastIndex(text, []byte("\n\"sha256\":\"")); i >= 0 {
		text = text[:i+1]
	}
	return fmt.Appendf(bytes.Clone(text), "\"sha256\":\"%x\"}\n", sha256.Sum256(text))
}

func TestGolden(t *testing.T) {
	text := mustEncode(t, build(2))
	if *update {
		if err := os.WriteFile(golden, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Error(diff)
	}
	got, err := manifest.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(build(2), got); diff != "" {
		t.Error(diff)
	}
}

// TestSpecification reads the golden file with another JSON library and checks
// it against the words of docs/FORMAT.md section 4.
func TestSpecification(t *testing.T) {
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	dec := stdjson.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var members []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, name.(string))
		var skip stdjson.RawMessage
		if err := dec.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Fields("litekeep_manifest database object created source settings compression stored document " +
		"totals tables indexes frames verified durations warnings writer sha256")
	if diff := cmp.Diff(want, members); diff != "" {
		t.Error(diff)
	}
	lines := strings.SplitAfter(string(text), "\n")
	last := lines[len(lines)-2]
	sum := sha256.Sum256([]byte(strings.TrimSuffix(string(text), last)))
	if want := fmt.Sprintf("\"sha256\":\"%x\"}\n", sum); last != want || lines[len(lines)-1] != "" {
		t.Errorf("last line %q, want %q", last, want)
	}
}

// TestDigest derives the content digest once more, from the words of
// docs/FORMAT.md section 3.3.
func TestDigest(t *testing.T) {
	m := build(3)
	var all []byte
	for _, f := range m.Frames[1:4] {
		all = append(all, f.SHA256[:]...)
	}
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(all)); m.Document.Digest != want {
		t.Errorf("got %s, want %s", m.Document.Digest, want)
	}
	for n := range 2 {
		if got := manifest.ContentDigest(m.Frames[:n]); got != "" {
			t.Errorf("digest of %d frames: %q", n, got)
		}
	}
}

func TestEveryBitFlip(t *testing.T) {
	text := mustEncode(t, build(1))
	for i := range len(text) * 8 {
		text[i/8] ^= 1 << (i % 8)
		if _, err := manifest.Decode(text); err == nil {
			t.Fatalf("bit %d of byte %d (%.40q) flipped: accepted", i%8, i/8, text[i/8:])
		}
		text[i/8] ^= 1 << (i % 8)
	}
}

func TestCutOffOrLonger(t *testing.T) {
	text := mustEncode(t, build(1))
	for n := range text {
		_, err := manifest.Decode(text[:n])
		var invalid *manifest.InvalidError
		if !errors.As(err, &invalid) {
			t.Fatalf("first %d bytes: %v", n, err)
		}
	}
	for _, more := range []string{"\n", " ", "{}", string(text)} {
		if _, err := manifest.Decode(append(bytes.Clone(text), more...)); err == nil {
			t.Errorf("with %.10q after it: accepted", more)
		}
	}
}

func TestUnknownVersion(t *testing.T) {
	text := mustEncode(t, build(1))
	for _, v := range []string{"0", "2", "01", "10", "999999999"} {
		other := bytes.Replace(text, []byte(`_manifest":1,`), []byte(`_manifest":`+v+`,`), 1)
		if _, err := manifest.Decode(reseal(other)); !errors.Is(err, manifest.ErrVersion) {
			t.Errorf("version %s: %v", v, err)
		}
		if _, err := manifest.Decode(other); !errors.Is(err, manifest.ErrChecksum) {
			t.Errorf("version %s by accident: %v", v, err)
		}
	}
	if _, err := manifest.Decode([]byte("{\"litekeep_manifest\":2,\n\"anything\":{}}")); !errors.Is(err, manifest.ErrVersion) {
		t.Errorf("version 2 in a form that only the future knows: %v", err)
	}
}

func addTable(m *manifest.Manifest, ranges ...[2]int) {
	m.Tables[0].Frames = ranges[0]
	m.Tables = append(m.Tables, manifest.Table{Name: "more", Frames: ranges[1]})
	m.Totals.Tables = 2
	m.Frames = build(3).Frames
	m.Frames[3].Rows = 0
	m.Stored.Bytes = m.Frames[4].Offset + m.Frames[4].Stored
	m.Document.Bytes = 5*1_000_000 + 10
	m.Document.Digest = manifest.ContentDigest(m.Frames)
}

// TestTablesShareFrames has small tables in one frame, and one that begins
// where the one before ends.
func TestTablesShareFrames(t *testing.T) {
	for _, second := range [][2]int{{1, 1}, {1, 2}, {1, 3}, {2, 3}} {
		m := build(2)
		addTable(m, [2]int{1, 1}, second)
		if _, err := manifest.Decode(mustEncode(t, m)); err != nil {
			t.Errorf("%v: %v", second, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	_, err := manifest.Decode(make([]byte, manifest.MaxBytes+1))
	var invalid *manifest.InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(invalid.Reason, "more than 1073741824") {
		t.Errorf("got %v", err)
	}
}

// TestTextOfPeople checks that what is not Unicode does not keep a backup from
// being made, and that nothing of the caller's is changed.
func TestTextOfPeople(t *testing.T) {
	m := build(1)
	m.Source.Path = "/srv/\xffapp.db"
	m.Tables[0].Name = "\xed\xa0\x80"
	m.Indexes[0].Reason = "a\xffb"
	m.Warnings = []string{"\xff"}
	m.Verified = manifest.Timestamp{}
	m.Created.Time = created // not cut to the millisecond
	before := *m
	got, err := manifest.Decode(mustEncode(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&before, m) || m.Warnings[0] != "\xff" || m.Tables[0].Name != "\xed\xa0\x80" {
		t.Error("Encode changed its argument")
	}
	for _, s := range []string{got.Source.Path, got.Tables[0].Name, got.Indexes[0].Reason, got.Warnings[0]} {
		if !strings.Contains(s, "\uFFFD") {
			t.Errorf("%q has no U+FFFD", s)
		}
	}
	if !got.Verified.IsZero() || !got.Created.Equal(created.Truncate(time.Millisecond)) {
		t.Errorf("times %v and %v", got.Verified, got.Created)
	}
}

// TestRoundTrip is the property that Decode undoes Encode.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := draw(t)
		text, err := manifest.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := manifest.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func draw(t *rapid.T) *manifest.Manifest {
	text := rapid.String()
	seconds := rapid.Float64Range(0, 1e9)
	m := build(rapid.IntRange(1, 5).Draw(t, "frames"))
	at := time.UnixMilli(rapid.Int64Range(-62135596800_000+1, 253402300799_999).Draw(t, "created"))
	m.Created = manifest.At(at)
	m.Source = document.Source{
		Name: text.Draw(t, "name"), Path: text.Draw(t, "path"), Created: m.Created.String(),
		SQLite: text.Draw(t, "sqlite"), Litekeep: text.Draw(t, "litekeep"), SchemaVersion: rapid.Int64().Draw(t, "cookie"),
	}
	m.Settings.ZeroBytes = rapid.Bool().Draw(t, "zero")
	m.Settings.PageSize = 512 << rapid.IntRange(0, 7).Draw(t, "page size")
	m.Settings.UserVersion = rapid.Int32().Draw(t, "user version")
	m.Compression.Level = rapid.Int().Draw(t, "level")
	m.Tables[0].Name = text.Draw(t, "table")
	m.Indexes[0].Reason = text.Draw(t, "reason")
	m.Warnings = rapid.SliceOf(text).Draw(t, "warnings")
	m.Durations = manifest.Durations{
		Snapshot: seconds.Draw(t, "s"), Write: seconds.Draw(t, "w"), Verify: seconds.Draw(t, "v"), Total: seconds.Draw(t, "t"),
	}
	return m
}

func FuzzDecode(f *testing.F) {
	text, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err) // a fuzz test without its seed tests nothing
	}
	f.Add(text)
	f.Add(mustEncode(f, build(1)))
	f.Add(bytes.Replace(text, []byte(`"rows":1000`), []byte(`"rows":999`), 1))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := reseal(body) // past the checksum, where the decoder proper begins
		m, err := manifest.Decode(text)
		if err != nil {
			return
		}
		again, err := manifest.Encode(m)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, encodes to %q, %v", text, again, err)
		}
		if !stdjson.Valid(text) {
			t.Fatalf("accepted what is no JSON: %q", text)
		}
		if diff := cmp.Diff(m.Summary(), manifest.ReadSummary(text)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkEncode100k(b *testing.B) {
	m := build(100_000)
	for b.Loop() {
		b.SetBytes(int64(len(mustEncode(b, m))))
	}
}

func BenchmarkDecode100k(b *testing.B) {
	text := mustEncode(b, build(100_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := manifest.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
