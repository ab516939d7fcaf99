package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The fixed parts of the text. The last line is checksumOpen, 64 digits and
// checksumClose.
const (
	versionOpen   = `{"litekeep_manifest":`
	checksumOpen  = `"sha256":"`
	checksumClose = "\"}\n"
	checksumLine  = len(checksumOpen) + 2*sha256.Size + len(checksumClose)
)

// Encode returns the text of m. It refuses, with an *InvalidError, a manifest
// that Decode would refuse. Times are cut to the millisecond. That of a sealed
// object is written by EncodeSealed.
func Encode(m *Manifest) ([]byte, error) {
	if IsSealedName(m.Object) {
		return nil, errSealedName
	}
	return encode(m)
}

func encode(m *Manifest) ([]byte, error) {
	clean := m.clean()
	if err := clean.check(); err != nil {
		return nil, err
	}
	return finished(clean.appendText(make([]byte, 0, 2048+160*len(m.Frames)+100*len(m.Tables))))
}

// finished returns the text of a manifest, if it was written and is not too long.
func finished(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return text, checkLength(text)
}

func checkLength(text []byte) error {
	if len(text) > MaxBytes {
		return &InvalidError{"manifest", fmt.Sprintf("%d bytes are more than %d", len(text), MaxBytes)}
	}
	return nil
}

// clean returns a copy of m in which every text is valid UTF-8 and every time
// is in milliseconds.
func (m *Manifest) clean() *Manifest {
	c := *m
	c.Created, c.Verified = At(m.Created.Time), At(m.Verified.Time)
	for _, s := range []*string{
		&c.Source.Name, &c.Source.Path, &c.Source.Created, &c.Source.SQLite, &c.Source.Litekeep,
	} {
		*s = valid(*s)
	}
	c.Tables = make([]Table, len(m.Tables))
	for i, t := range m.Tables {
		t.Name = valid(t.Name)
		c.Tables[i] = t
	}
	c.Indexes = make([]Index, len(m.Indexes))
	for i, x := range m.Indexes {
		x.Name, x.Table, x.Reason = valid(x.Name), valid(x.Table), valid(x.Reason)
		c.Indexes[i] = x
	}
	c.Warnings = make([]string, len(m.Warnings))
	for i, w := range m.Warnings {
		c.Warnings[i] = valid(w)
	}
	return &c
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// appendText appends the whole manifest. It is written by hand because the
// layout is part of the format and the list of frames can be long.
func (m *Manifest) appendText(dst []byte) ([]byte, error) {
	w := &writer{buf: append(dst, versionOpen...)}
	w.buf = append(strconv.AppendInt(w.buf, Version, 10), ",\n"...)
	w.member("database", m.Database)
	w.member("object", m.Object)
	w.member("created", m.Created)
	w.member("source", m.Source)
	w.member("settings", m.Settings)
	w.member("compression", m.Compression)
	w.member("stored", m.Stored)
	w.member("document", m.Document)
	w.member("totals", m.Totals)
	list(w, "tables", m.Tables)
	list(w, "indexes", m.Indexes)
	w.frames(m.Frames)
	w.member("verified", m.Verified)
	w.durations(m.Durations)
	w.member("warnings", m.Warnings)
	w.member("writer", m.Writer)
	return w.close()
}

// close appends the last line.
func (w *writer) close() ([]byte, error) {
	sum := sha256.Sum256(w.buf)
	w.buf = append(w.buf, checksumOpen...)
	w.buf = hex.AppendEncode(w.buf, sum[:])
	return append(w.buf, checksumClose...), w.err
}

// writer appends members and keeps the first error.
type writer struct {
	buf []byte
	err error
}

func (w *writer) name(name string) {
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, `":`...)
}

func (w *writer) value(v any) {
	text, err := json.Marshal(v, jsontext.AllowInvalidUTF8(false))
	if err != nil && w.err == nil {
		w.err = err
	}
	w.buf = append(w.buf, text...)
}

func (w *writer) member(name string, v any) {
	w.name(name)
	w.value(v)
	w.buf = append(w.buf, ",\n"...)
}

func list[T any](w *writer, name string, items []T) {
	w.name(name)
	w.buf = append(w.buf, "[\n"...)
	for i := range items {
		w.value(&items[i])
		w.endItem(i, len(items))
	}
	w.buf = append(w.buf, "],\n"...)
}

// endItem ends an item line: with a comma unless it is the last.
func (w *writer) endItem(i, n int) {
	if i < n-1 {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, '\n')
}

func (w *writer) frames(frames []Frame) {
	w.name("frames")
	w.buf = append(w.buf, "[\n"...)
	for i := range frames {
		f := &frames[i]
		w.number(`{"offset":`, f.Offset)
		w.number(`,"stored":`, f.Stored)
		w.number(`,"bytes":`, f.Bytes)
		w.number(`,"rows":`, f.Rows)
		w.buf = append(w.buf, `,"sha256":"`...)
		w.buf = hex.AppendEncode(w.buf, f.SHA256[:])
		w.buf = append(w.buf, `"}`...)
		w.endItem(i, len(frames))
	}
	w.buf = append(w.buf, "],\n"...)
}

func (w *writer) number(before string, n int64) {
	w.buf = strconv.AppendInt(append(w.buf, before...), n, 10)
}

// durations are written without exponents, whatever their size.
func (w *writer) durations(d Durations) {
	w.name("durations")
	before := `{"snapshot":`
	for _, part := range []struct {
		seconds float64
		next    string
	}{{d.Snapshot, `,"write":`}, {d.Write, `,"verify":`}, {d.Verify, `,"total":`}, {d.Total, ""}} {
		w.buf = strconv.AppendFloat(append(w.buf, before...), part.seconds, 'f', -1, 64)
		before = part.next
	}
	w.buf = append(w.buf, "},\n"...)
}
