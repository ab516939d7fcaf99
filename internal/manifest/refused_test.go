package manifest_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/manifest"
)

// TestRefusedText holds texts with a right checksum that no Encode writes.
func TestRefusedText(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				panic("the text has no " + old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	tests := []struct {
		name  string
		edit  func(string) string
		field string
		says  string
	}{
		{"unknown member", replace(`"database"`, `"more":1,`+"\n"+`"database"`), "more", ""},
		{"unknown member inside", replace(`"level":1`, `"level":1,"x":0`), "compression.x", ""},
		{"member in other case", replace(`"database"`, `"Database"`), "Database", ""},
		{"duplicate member", replace(`"database":"app",`, `"database":"app",`+"\n"+`"database":"app",`), "database", "duplicate"},
		{"duplicate inside", replace(`"level":1`, `"level":1,"level":1`), "compression.level", "duplicate"},
		{"missing member", replace(`"database":"app",`+"\n", ``), "database", "plain name"},
		{"missing inside", replace(`,"level":1`, ``), "manifest", "canonical"},
		{"space", replace(`"database":"`, `"database": "`), "manifest", "canonical"},
		{"order", replace(`"codec":"zstd","level":1`, `"level":1,"codec":"zstd"`), "manifest", "canonical"},
		{"escape", replace(`"app",`, `"\u0061pp",`), "manifest", "canonical"},
		{"exponent", replace(`"write":1.25`, `"write":125e-2`), "manifest", "canonical"},
		{"list as null", replace("\"warnings\":[\"index users_fold is carried as records\"]", `"warnings":null`), "manifest", "canonical"},
		{"real for integer", replace(`"level":1`, `"level":1.0`), "compression.level", ""},
		{"string for integer", replace(`"level":1`, `"level":"1"`), "compression.level", ""},
		{"too large", replace(`"offset":0`, `"offset":9223372036854775808`), "frames[0].offset", ""},
		{"hex in upper case", replace(`"sha256":"`, `"sha256":"A`), "stored.sha256", "64"},
		{"short range", replace(`"frames":[1,1]`, `"frames":[1]`), "tables[0].frames", ""},
		{"created without milliseconds", replace(`"created":"2026-11-22T02:00:00.123Z"`, `"created":"2026-11-22T02:00:00Z"`), "created", "form"},
		{"created elsewhere", replace(`"created":"2026-11-22T02:00:00.123Z"`, `"created":"2026-11-22T02:00:00.123+00:00"`), "created", "form"},
		{"created on no day", replace(`"created":"2026-11-22T02:00:00.123Z"`, `"created":"2026-02-30T02:00:00.123Z"`), "created", "form"},
		{"created never", replace(`"created":"2026-11-22T02:00:00.123Z"`, `"created":null`), "created", "missing"},
		{"created as a number", replace(`"created":"2026-11-22T02:00:00.123Z"`, `"created":1`), "created", "time"},
		{"no JSON", replace(`"level":1`, `"level":`), "compression.level", ""},
		{"bad UTF-8", replace(`"app",`, "\"\xff\","), "database", "UTF-8"},
		{"carriage return", replace(",\n", ",\r\n"), "manifest", "canonical"},
		{"BOM", func(s string) string { return "\uFEFF" + s }, "manifest", "begin"},
		{"nothing", func(string) string { return "" }, "manifest", "begin"},
	}
	text := string(mustEncode(t, build(1)))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := manifest.Decode(reseal([]byte(tt.edit(text))))
			var invalid *manifest.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != tt.field || !strings.Contains(invalid.Reason, tt.says) {
				t.Errorf("got %v, want field %s and %q", err, tt.field, tt.says)
			}
		})
	}
}

// TestRefused holds manifests that contradict the format or themselves. Encode
// must refuse each, and so must Decode when somebody else wrote it.
func TestRefused(t *testing.T) {
	tests := []struct {
		field string
		edit  func(m *manifest.Manifest)
	}{
		{"database", func(m *manifest.Manifest) { m.Database = "" }},
		{"database", func(m *manifest.Manifest) { m.Database = ".." }},
		{"object", func(m *manifest.Manifest) { m.Object = "../20261122T020000.123Z.json.zst" }},
		{"object", func(m *manifest.Manifest) { m.Object = `a\b.json.zst` }},
		{"object", func(m *manifest.Manifest) { m.Object = "a\x00.json.zst" }},
		{"object", func(m *manifest.Manifest) { m.Object = strings.Repeat("a", 250) + ".json.zst" }},
		{"object", func(m *manifest.Manifest) { m.Object = "x.json.gz" }},
		{"compression.codec", func(m *manifest.Manifest) { m.Compression.Codec = "lz4" }},
		{"created", func(m *manifest.Manifest) { m.Created = manifest.Timestamp{} }},
		{"created", func(m *manifest.Manifest) { m.Created = manifest.At(created.AddDate(9000, 0, 0)) }},
		{"verified", func(m *manifest.Manifest) { m.Verified = manifest.At(created.AddDate(-9000, 0, 0)) }},
		{"source.created", func(m *manifest.Manifest) { m.Source.Created = "2026-11-22T02:00:00.124Z" }},
		{"settings.page_size", func(m *manifest.Manifest) { m.Settings.PageSize = 4095 }},
		{"settings.page_size", func(m *manifest.Manifest) { m.Settings.PageSize = 256 }},
		{"settings.page_size", func(m *manifest.Manifest) { m.Settings.PageSize = 131072 }},
		{"settings.reserved", func(m *manifest.Manifest) { m.Settings.Reserved = -1 }},
		{"settings.reserved", func(m *manifest.Manifest) { m.Settings.PageSize, m.Settings.Reserved = 512, 33 }},
		{"settings.encoding", func(m *manifest.Manifest) { m.Settings.Encoding = "utf-8" }},
		{"settings.auto_vacuum", func(m *manifest.Manifest) { m.Settings.AutoVacuum = 3 }},
		{"settings.journal_mode", func(m *manifest.Manifest) { m.Settings.JournalMode = "truncate" }},
		{"settings.schema_format", func(m *manifest.Manifest) { m.Settings.SchemaFormat = 5 }},
		{"stored.bytes", func(m *manifest.Manifest) { m.Stored.Bytes++ }},
		{"document.bytes", func(m *manifest.Manifest) { m.Document.Bytes-- }},
		{"document.digest", func(m *manifest.Manifest) { m.Frames[1].SHA256[31] ^= 1 }},
		{"document.digest", func(m *manifest.Manifest) { m.Document.Digest = strings.ToUpper(m.Document.Digest) }},
		{"frames", func(m *manifest.Manifest) { m.Frames = m.Frames[:2] }},
		{"frames", func(m *manifest.Manifest) { m.Frames[0].Rows, m.Frames[1].Rows = 1, m.Frames[1].Rows-1 }},
		{"frames", func(m *manifest.Manifest) {
			last := len(m.Frames) - 1
			m.Frames[last].Rows, m.Frames[1].Rows = 1, m.Frames[1].Rows-1
		}},
		{"frames[0].offset", func(m *manifest.Manifest) { m.Frames[0].Offset = 1 }},
		{"frames[2].offset", func(m *manifest.Manifest) { m.Frames[2].Offset-- }},
		{"frames[1].stored", func(m *manifest.Manifest) { m.Frames[1].Stored = 0 }},
		{"frames[1].stored", func(m *manifest.Manifest) { m.Frames[1].Stored = math.MaxInt64 }},
		{"frames[0].stored", func(m *manifest.Manifest) { m.Compression.Codec, m.Object = "none", "x.json" }},
		{"frames[1].bytes", func(m *manifest.Manifest) { m.Frames[1].Bytes = -1 }},
		{"frames[1].bytes", func(m *manifest.Manifest) { m.Frames[1].Bytes = math.MaxInt64 }},
		{"frames[1].rows", func(m *manifest.Manifest) { m.Frames[1].Rows = -1 }},
		{"frames[1].rows", func(m *manifest.Manifest) { m.Frames[1].Rows = math.MaxInt64 }},
		{"totals", func(m *manifest.Manifest) { m.Totals.Rows++ }},
		{"totals", func(m *manifest.Manifest) { m.Totals.Rows, m.Totals.Entries = m.Totals.Rows+8, -1 }},
		{"totals.tables", func(m *manifest.Manifest) { m.Totals.Tables = 2 }},
		{"totals.indexes", func(m *manifest.Manifest) { m.Totals.Indexes = 0 }},
		{"totals.rows", func(m *manifest.Manifest) { m.Tables[0].Rows-- }},
		{"totals.entries", func(m *manifest.Manifest) { m.Indexes[0].Entries-- }},
		{"tables[0].rows", func(m *manifest.Manifest) { m.Tables[0].Rows++ }},
		{"tables[0].rows", func(m *manifest.Manifest) { m.Tables[0].Rows = -1 }},
		{"tables[0].frames", func(m *manifest.Manifest) { m.Tables[0].Frames = [2]int{0, 1} }},
		{"tables[0].frames", func(m *manifest.Manifest) { m.Tables[0].Frames = [2]int{2, 1} }},
		{"tables[0].frames", func(m *manifest.Manifest) { m.Tables[0].Frames = [2]int{1, 3} }},
		{"tables[1].frames", func(m *manifest.Manifest) { addTable(m, [2]int{1, 1}, [2]int{3, 3}) }},
		{"tables[1].frames", func(m *manifest.Manifest) { addTable(m, [2]int{2, 2}, [2]int{1, 2}) }},
		{"indexes[0].entries", func(m *manifest.Manifest) { m.Indexes[0].Entries = 8 }},
		{"indexes[0].entries", func(m *manifest.Manifest) { m.Indexes[0].Entries = -1 }},
		{"durations.snapshot", func(m *manifest.Manifest) { m.Durations.Snapshot = -0.1 }},
		{"durations.write", func(m *manifest.Manifest) { m.Durations.Write = math.Copysign(0, -1) }},
		{"durations.verify", func(m *manifest.Manifest) { m.Durations.Verify = math.NaN() }},
		{"durations.total", func(m *manifest.Manifest) { m.Durations.Total = math.Inf(1) }},
		{"writer", func(m *manifest.Manifest) { m.Writer = "" }},
		{"writer", func(m *manifest.Manifest) { m.Writer = "other 1.0" }},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, " ", tt.field), func(t *testing.T) {
			m := build(2)
			tt.edit(m)
			_, err := manifest.Encode(m)
			var invalid *manifest.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != tt.field {
				t.Fatalf("encode: %v, want field %s", err, tt.field)
			}
			if text, err := manifest.EncodeUnchecked(m); err == nil {
				if _, err = manifest.Decode(text); !errors.As(err, &invalid) {
					t.Errorf("decode: %v, want an InvalidError", err)
				}
			}
		})
	}
}
