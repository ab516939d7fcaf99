package manifest

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/seal"
)

func invalid(field, reason string, args ...any) error {
	return &InvalidError{field, fmt.Sprintf(reason, args...)}
}

// check holds every rule that is about meaning, not about text.
func (m *Manifest) check() error {
	for _, rule := range []func() error{
		m.checkNames, m.checkTimes, m.checkSettings, m.checkFrames, m.checkTables, m.checkIndexes,
		m.Durations.check, m.checkWriter,
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manifest) checkWriter() error { return checkWriter(m.Writer) }

func checkWriter(writer string) error {
	if !strings.HasPrefix(writer, "litekeep ") || !utf8.ValidString(writer) {
		return invalid("writer", "%q is not litekeep and a version", writer)
	}
	return nil
}

func (m *Manifest) checkNames() error {
	if !plainName(m.Database) {
		return invalid("database", "%q is not a plain name", m.Database)
	}
	if !plainName(m.Object) {
		return invalid("object", "%q is not a plain file name", m.Object)
	}
	ext, ok := extensions[m.Compression.Codec]
	if !ok {
		return invalid("compression.codec", "%q is none of none, gzip and zstd", m.Compression.Codec)
	}
	if !strings.HasSuffix(strings.TrimSuffix(m.Object, SealedSuffix), ext) {
		return invalid("object", "%q does not end in %s, as %s does", m.Object, ext, m.Compression.Codec)
	}
	return nil
}

// plainName tells whether name can only ever mean a file in one folder, on any
// system.
func plainName(name string) bool {
	const longest = 255
	return name != "" && name != "." && name != ".." && len(name) <= longest &&
		utf8.ValidString(name) && !strings.ContainsAny(name, "/\\\x00")
}

func (m *Manifest) checkTimes() error {
	if m.Created.IsZero() {
		return invalid("created", "is missing")
	}
	for _, t := range []struct {
		field string
		Timestamp
	}{{"created", m.Created}, {"verified", m.Verified}} {
		if y := t.Year(); y < 0 || y > 9999 {
			return invalid(t.field, "year %d is outside 0 to 9999", y)
		}
	}
	if m.Source.Created != m.Created.String() {
		return invalid("source.created", "%q differs from created, %q", m.Source.Created, m.Created)
	}
	return nil
}

func (m *Manifest) checkSettings() error {
	s := &m.Settings
	switch {
	case s.PageSize < 512 || s.PageSize > 65536 || s.PageSize&(s.PageSize-1) != 0:
		return invalid("settings.page_size", "%d is no power of two from 512 to 65536", s.PageSize)
	case s.Reserved < 0 || s.PageSize-s.Reserved < 480:
		return invalid("settings.reserved", "%d leaves less than 480 bytes of a page", s.Reserved)
	case s.Encoding != "UTF-8" && s.Encoding != "UTF-16le" && s.Encoding != "UTF-16be":
		return invalid("settings.encoding", "%q is none of UTF-8, UTF-16le and UTF-16be", s.Encoding)
	case s.AutoVacuum < 0 || s.AutoVacuum > 2:
		return invalid("settings.auto_vacuum", "%d is outside 0 to 2", s.AutoVacuum)
	case s.JournalMode != "wal" && s.JournalMode != "delete":
		return invalid("settings.journal_mode", "%q is neither wal nor delete", s.JournalMode)
	case s.SchemaFormat < 0 || s.SchemaFormat > 4:
		return invalid("settings.schema_format", "%d is outside 0 to 4", s.SchemaFormat)
	}
	return nil
}

// minFrames is the least that a document is cut into: its opening, its
// settings, and its end.
const minFrames = 3

func (m *Manifest) checkFrames() error {
	if n := len(m.Frames); n < minFrames || n > MaxFrames {
		return invalid("frames", "%d frames are not between %d and %d", n, minFrames, MaxFrames)
	}
	sealed := IsSealedName(m.Object)
	stored, err := m.firstOffset(sealed)
	if err != nil {
		return err
	}
	var text, rows int64
	for i := range m.Frames {
		f := &m.Frames[i]
		switch {
		case f.Offset != stored:
			return invalid(frameField(i, "offset"), "%d, but the frame before ends at %d", f.Offset, stored)
		case f.Stored < 1 || f.Stored > math.MaxInt64-stored:
			return invalid(frameField(i, "stored"), "%d bytes are not a length", f.Stored)
		case f.Bytes < 1 || f.Bytes > math.MaxInt64-text:
			return invalid(frameField(i, "bytes"), "%d bytes are not a length", f.Bytes)
		case f.Rows < 0 || f.Rows > f.Bytes:
			return invalid(frameField(i, "rows"), "%d rows are not in a text of %d bytes", f.Rows, f.Bytes)
		case m.Compression.Codec == codecNone && f.Stored != storedPlain(f.Bytes, sealed):
			return invalid(frameField(i, "stored"), "%d bytes are stored of a text of %d, uncompressed", f.Stored, f.Bytes)
		}
		stored, text, rows = stored+f.Stored, text+f.Bytes, rows+f.Rows // rows <= text: no overflow
	}
	switch last := len(m.Frames) - 1; {
	case m.Frames[0].Rows != 0 || m.Frames[last].Rows != 0:
		return invalid("frames", "the first and the last hold no rows")
	case stored != m.Stored.Bytes:
		return invalid("stored.bytes", "%d, but the frames end at %d", m.Stored.Bytes, stored)
	case text != m.Document.Bytes:
		return invalid("document.bytes", "%d, but the frames hold %d", m.Document.Bytes, text)
	case m.Document.Digest != ContentDigest(m.Frames):
		return invalid("document.digest", "%q is not that of the frames", m.Document.Digest)
	case m.Totals.Rows < 0 || m.Totals.Entries < 0 || rows-m.Totals.Rows != m.Totals.Entries:
		return invalid("totals", "%d rows and %d entries, but the frames hold %d in all", m.Totals.Rows, m.Totals.Entries, rows)
	}
	return nil
}

// firstOffset returns where the first frame begins: behind the header of a
// sealed object.
func (m *Manifest) firstOffset(sealed bool) (int64, error) {
	if !sealed {
		return 0, nil
	}
	at := m.Frames[0].Offset
	if at < 1 || at > seal.MaxHeaderBytes {
		return 0, invalid(frameField(0, "offset"), "%d leaves no room for a header, or too much", at)
	}
	return at, nil
}

// storedPlain returns the stored length of an uncompressed frame.
func storedPlain(bytes int64, sealed bool) int64 {
	if sealed {
		return seal.SealedLen(bytes)
	}
	return bytes
}

func frameField(i int, name string) string { return fmt.Sprintf("frames[%d].%s", i, name) }

// checkTables checks that the tables follow each other through the frames
// without a gap: the opening line of one is next to the closing line of the
// one before.
func (m *Manifest) checkTables() error {
	if m.Totals.Tables != int64(len(m.Tables)) {
		return invalid("totals.tables", "%d, but %d tables are listed", m.Totals.Tables, len(m.Tables))
	}
	var rows int64
	for i, t := range m.Tables {
		field := fmt.Sprintf("tables[%d]", i)
		first, last := t.Frames[0], t.Frames[1]
		if first < 1 || last < first || last > len(m.Frames)-2 {
			return invalid(field+".frames", "%d to %d is not within 1 to %d", first, last, len(m.Frames)-2)
		}
		if i > 0 {
			if before := m.Tables[i-1].Frames[1]; first != before && first != before+1 {
				return invalid(field+".frames", "begins in frame %d, but the table before ends in %d", first, before)
			}
		}
		if t.Rows < 0 || t.Rows > m.Totals.Rows-rows {
			return invalid(field+".rows", "%d are more than the total of %d allows", t.Rows, m.Totals.Rows)
		}
		rows += t.Rows
	}
	if rows != m.Totals.Rows {
		return invalid("totals.rows", "%d, but the tables have %d", m.Totals.Rows, rows)
	}
	return nil
}

func (m *Manifest) checkIndexes() error {
	if m.Totals.Indexes != int64(len(m.Indexes)) {
		return invalid("totals.indexes", "%d, but %d indexes are listed", m.Totals.Indexes, len(m.Indexes))
	}
	var entries int64
	for i, x := range m.Indexes {
		if x.Entries < 0 || x.Entries > m.Totals.Entries-entries {
			return invalid(fmt.Sprintf("indexes[%d].entries", i), "%d are more than the total of %d allows", x.Entries, m.Totals.Entries)
		}
		entries += x.Entries
	}
	if entries != m.Totals.Entries {
		return invalid("totals.entries", "%d, but the indexes have %d", m.Totals.Entries, entries)
	}
	if m.Totals.Tables+m.Totals.Indexes > document.MaxSchemaRows {
		return invalid("totals", "%d tables and indexes are more than a schema has", m.Totals.Tables+m.Totals.Indexes)
	}
	return nil
}

// check bounds durations to what can be written and read back exactly.
func (d Durations) check() error {
	const longest = 1e9 // seconds, 31 years
	for _, part := range []struct {
		field   string
		seconds float64
	}{{"snapshot", d.Snapshot}, {"write", d.Write}, {"verify", d.Verify}, {"total", d.Total}} {
		if !(part.seconds >= 0 && part.seconds <= longest) || math.Signbit(part.seconds) {
			return invalid("durations."+part.field, "%v seconds are not a duration", part.seconds)
		}
	}
	return nil
}
