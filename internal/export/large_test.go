package export

import (
	"bytes"
	"context"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// cutRecord is a record in pieces, which are overwritten once the next is asked
// for.
type cutRecord struct {
	pieces [][]byte
	next   int
	given  []byte
}

func (c *cutRecord) Again() { c.next = 0 }

func (c *cutRecord) Next() ([]byte, error) {
	for i := range c.given {
		c.given[i] = 0xee
	}
	if c.next == len(c.pieces) {
		return nil, io.EOF
	}
	c.given = bytes.Clone(c.pieces[c.next])
	c.next++
	return c.given, nil
}

// TestStreamIsGeneral compares the two ways to write a row.
func TestStreamIsGeneral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		table.indexes = []*Rebuilt{{}} // so that words are asked for
		rec := drawRecord(t, len(table.indexed))
		rowid := rapid.Int64().Draw(t, "rowid")
		values, _ := sqlitefile.DecodeRecord(rec, nil)
		if len(values) > 0 && len(values) < len(table.indexed) {
			return // defaults are SQLite's to tell
		}
		var cut cutRecord
		for b := rec; len(b) > 0; {
			n := rapid.IntRange(1, min(len(b), 20)).Draw(t, "length of a piece")
			cut.pieces, b = append(cut.pieces, b[:n:n]), b[n:]
		}
		e := &encoder{ctx: context.Background(), enc: sqlitefile.UTF8}
		want, wrong := e.general([]byte("before"), table, rowid, rec)
		words := append([]word(nil), e.words...)
		r := &recordReader{stream: &cut, size: int64(len(rec)), long: rapid.Int64Range(1, 8).Draw(t, "long"), part: rapid.IntRange(1, 2000).Draw(t, "part")}
		got, err := e.streamFields([]byte("before"), table, rowid, r)
		got = append(bytes.Join(r.full, nil), got...)
		if (err == nil) != (wrong == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%x in pieces is %s, %v; else %s, %v", rec, got, err, want, wrong)
		}
		if err != nil {
			return
		}
		for i, w := range words[:len(words)-1] {
			c := table.stored()[i]
			if table.indexed[i] && c.field >= 0 && newEntryHash().add(w, c.real) != newEntryHash().add(e.words[i], c.real) {
				t.Fatalf("field %d of %x has the word %v in pieces, else %v", i, rec, e.words[i], w)
			}
		}
	})
}
