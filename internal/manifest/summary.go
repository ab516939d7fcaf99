package manifest

import (
	"bytes"

	"github.com/go-json-experiment/json"

	"github.com/litekeep/litekeep/internal/document"
)

// Summary is what a list of backups tells of a manifest. Its fields are those of
// Manifest.
type Summary struct {
	Database    string
	Object      string
	Created     Timestamp
	Source      document.Source
	Compression Compression
	Stored      Stored
	Document    Document
	Totals      Totals
	Verified    Timestamp
	Durations   Durations
	Warnings    []string
}

// Summary returns the summary of m.
func (m *Manifest) Summary() *Summary {
	return &Summary{
		Database: m.Database, Object: m.Object, Created: m.Created, Source: m.Source, Compression: m.Compression,
		Stored: m.Stored, Document: m.Document, Totals: m.Totals, Verified: m.Verified, Durations: m.Durations,
		Warnings: m.Warnings,
	}
}

// DecodeSummary reads of the text of a manifest what a list of backups tells, in a
// fraction of the time that Decode takes. It accepts what Decode accepts, with the
// summary of the same manifest, and refuses every text whose checksum does not
// match. What it does not look at are the tables, indexes and frames: whoever uses
// those decodes the manifest. Its errors are those of Decode.
func DecodeSummary(text []byte) (*Summary, error) {
	if err := checkOpening(text, Version); err != nil {
		return nil, err
	}
	if s := readSummary(text); s != nil {
		return s, nil
	}
	m, err := Decode(text) // tells what is wrong
	if err != nil {
		return nil, err
	}
	return m.Summary(), nil
}

// readSummary returns nil for a text that is not laid out as Encode does, or whose
// summary breaks a rule.
func readSummary(text []byte) *Summary {
	_, rest, _ := bytes.Cut(text, []byte("\n")) // the version
	r := &lineReader{rest: rest}
	var m Manifest
	r.member("database", &m.Database)
	r.member("object", &m.Object)
	r.member("created", &m.Created)
	r.member("source", &m.Source)
	r.next("settings")
	r.member("compression", &m.Compression)
	r.member("stored", &m.Stored)
	r.member("document", &m.Document)
	r.member("totals", &m.Totals)
	for _, name := range []string{"tables", "indexes", "frames"} {
		r.skipList(name)
	}
	r.member("verified", &m.Verified)
	r.member("durations", &m.Durations)
	r.member("warnings", &m.Warnings)
	r.member("writer", &m.Writer)
	if r.failed || len(r.rest) != checksumLine || IsSealedName(m.Object) || m.Stored.Bytes < 1 {
		return nil
	}
	for _, rule := range []func() error{m.checkNames, m.checkTimes, m.Durations.check, m.checkWriter} {
		if rule() != nil {
			return nil
		}
	}
	return m.Summary()
}

// A lineReader reads the lines of a manifest, which are in a fixed order. No JSON
// string has an LF in it, so a line is where it seems to be.
type lineReader struct {
	rest   []byte
	failed bool
}

// next returns the value of the next line, which is that of the member name.
func (r *lineReader) next(name string) []byte {
	line, rest, found := bytes.Cut(r.rest, []byte(",\n"))
	value, named := cutName(line, name)
	if !found || !named {
		r.failed, r.rest = true, nil
		return nil
	}
	r.rest = rest
	return value
}

// cutName cuts the name of a member, and the colon.
func cutName(line []byte, name string) (value []byte, ok bool) {
	n := len(name) + len(`"":`)
	if len(line) < n || line[0] != '"' || string(line[1:1+len(name)]) != name || string(line[1+len(name):n]) != `":` {
		return nil, false
	}
	return line[n:], true
}

// member decodes the next line into v.
func (r *lineReader) member(name string, v any) {
	value := r.next(name)
	if r.failed || json.Unmarshal(value, v, json.RejectUnknownMembers(true)) != nil {
		r.failed = true
	}
}

// skipList goes on behind the list that comes next.
func (r *lineReader) skipList(name string) {
	const end = "\n],\n"
	rest, named := cutName(r.rest, name)
	at := bytes.Index(rest, []byte(end))
	if !named || at < 0 || rest[0] != '[' {
		r.failed, r.rest = true, nil
		return
	}
	r.rest = rest[at+len(end):]
}
