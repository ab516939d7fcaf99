package export

import (
	"context"
	"fmt"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// largeRow is the record size from which a row is encoded by itself, so that
// memory never holds two of them.
const largeRow = 4 << 20

// Once a batch has batchText, its rows of largeInBatch and more are left for
// later as well: 64 pages can hold hundreds of rows that spill.
const (
	batchText    = 2 << 20
	largeInBatch = 8 << 10
)

// pieceText is how much text a piece collects before the next one begins.
const pieceText = 512 << 10

// A piece is what a worker makes of a part of a batch: item lines, or one large
// row that is left for later.
type piece struct {
	full  [][]byte // what comes before text, of one large row
	text  []byte
	marks []int
	rows  int64
	large *pagereader.Row
}

// parts returns all text of the piece.
func (p *piece) parts() [][]byte { return append(p.full[:len(p.full):len(p.full)], p.text) }

// size returns the length of all text of the piece.
func (p *piece) size() (n int) {
	for _, b := range p.full {
		n += len(b)
	}
	return n + len(p.text)
}

// An encoder makes item lines of rows. One goroutine uses it.
type encoder struct {
	ctx    context.Context
	plan   *Plan
	cur    *pagereader.Cursor
	enc    sqlitefile.Encoding
	format uint32 // of the schema
	fields []value.Value
	row    []value.Value
	words  []word // of the row's fields, of its rowid, and of the expressions of indexes
	left   []bool // which indexes of the table the row is not in
	lower  []byte // what an expression has made
	utf8   []byte // texts of the row in a UTF-16 database
	spare  chan []byte
	exact  bool // the text of the row is to get as much memory as it takes

	tallies []tally // of the table's indexes, since they were last taken
	order   keyOrder
}

func (p *Plan) newEncoder(ctx context.Context, spare chan []byte) *encoder {
	return &encoder{ctx: ctx, plan: p, cur: p.file.NewCursor(), enc: p.file.Header().Encoding, format: p.file.Header().SchemaFormat, spare: spare}
}

// batch encodes the rows of b, which belong to t, or to an index if t is nil.
func (e *encoder) batch(t *Table, b *pagereader.Batch) ([]piece, error) {
	var pieces []piece
	var open bool // the last piece takes more
	var done int  // text of the pieces that do not
	e.order.begin(t, e.enc)
	err := e.cur.Each(b, func(row *pagereader.Row) error {
		if row.Size >= largeRow || row.Size >= largeInBatch && done >= batchText {
			pieces, open = append(pieces, piece{large: row.Keep()}), false
			return nil
		}
		if !open {
			pieces, open = append(pieces, piece{text: e.buffer()}), true
		}
		p := &pieces[len(pieces)-1]
		if err := e.add(p, t, row); err != nil {
			return err
		}
		if len(p.text) >= pieceText {
			open = false
			done += len(p.text)
		}
		return nil
	})
	return pieces, err
}

func (e *encoder) buffer() []byte {
	select {
	case b := <-e.spare:
		return b[:0]
	default:
		return make([]byte, 0, pieceText+pieceText/4)
	}
}

func (e *encoder) add(p *piece, t *Table, row *pagereader.Row) error {
	rec, err := e.cur.Record(row)
	if err != nil {
		return err
	}
	start := len(p.text)
	text, ok := p.text, false
	if !e.exact {
		text, ok = e.direct(text, t, row.RowID, rec)
	}
	if !ok {
		if text, err = e.general(p.text, t, row.RowID, rec); err != nil {
			return at(t, row, err)
		}
	}
	p.text = text
	if err := e.order.add(rec); err != nil {
		return err
	}
	if t != nil && t.computed {
		if err := e.compute(t, row.RowID, rec); err != nil {
			return at(t, row, err)
		}
	}
	e.finishRow(p, t, start)
	return nil
}

// finishRow adds up what a row, whose item begins at start, has for indexes, and
// ends its line.
func (e *encoder) finishRow(p *piece, t *Table, start int) {
	if t != nil && len(t.indexes) > 0 {
		e.tallyRow(t)
	}
	var mark bool
	if len(p.full) == 0 {
		mark = frame.Mark(p.text[start:])
	} else {
		mark = frame.MarkLong(p.parts())
	}
	p.text = append(p.text, document.More...)
	if mark {
		p.marks = append(p.marks, len(p.text))
	}
	p.rows++
}

// general appends the item of a row or entry of any kind, and takes the words of
// its fields.
func (e *encoder) general(text []byte, t *Table, rowid int64, rec []byte) (_ []byte, err error) {
	if e.fields, err = sqlitefile.DecodeRecord(rec, e.fields); err != nil {
		return text, err
	}
	if len(e.fields) == 0 {
		return text, fmt.Errorf("its record has no fields: %w", sqlitefile.ErrCorrupt)
	}
	if t != nil {
		if err := t.checkCopies(e.fields, e.enc); err != nil {
			return text, err
		}
	}
	vals, err := e.values(t, rowid)
	if err == nil && len(vals) > document.MaxValues {
		err = fmt.Errorf("its record has %d fields: %w", len(e.fields), ErrRefused)
	}
	if err != nil {
		return text, err
	}
	if t != nil && len(t.indexes) > 0 {
		if err := e.fieldWords(t, rowid); err != nil {
			return text, err
		}
	}
	if e.exact {
		text = make([]byte, 0, document.RowRoom(vals)+len(document.More))
	}
	if e.enc == sqlitefile.UTF8 {
		return document.AppendStoredRow(text, vals), nil
	}
	return document.AppendRow(text, vals), nil
}

// at adds the row's identity to an error.
func at(t *Table, row *pagereader.Row, err error) error {
	if t != nil && t.byRowID {
		return fmt.Errorf("row %d: %w", row.RowID, err)
	}
	return err
}

// values returns the values of the row whose stored fields are e.fields. Text
// stays as it is stored in UTF-8.
func (e *encoder) values(t *Table, rowid int64) ([]value.Value, error) {
	e.utf8 = e.utf8[:0]
	e.row = e.row[:0]
	if t == nil || t.columns == nil {
		if t != nil && t.byRowID {
			e.row = append(e.row, value.OfInt(rowid))
		}
		for i := range e.fields {
			e.row = append(e.row, e.fields[i])
			e.text(&e.row[len(e.row)-1])
		}
		return e.row, nil
	}
	for i := range t.columns {
		c := &t.columns[i]
		switch {
		case c.field < 0:
			e.row = append(e.row, value.Value{Kind: value.Integer, Int: rowid})
			continue
		case c.field >= len(e.fields) && t.Short:
			return e.row, t.endsAt(i, len(e.fields))
		case c.field >= len(e.fields):
			d, err := e.defaultOf(t, c.field)
			if err != nil {
				return nil, err
			}
			e.row = append(e.row, d)
			continue
		}
		e.row = append(e.row, e.fields[c.field])
		v := &e.row[len(e.row)-1]
		if v.Kind == value.RawText {
			e.text(v)
		} else if c.real && v.Kind == value.Integer {
			*v = value.OfFloat(float64(v.Int))
		}
	}
	return e.row, nil
}

// text turns stored UTF-16 that is well-formed into Text.
func (e *encoder) text(v *value.Value) {
	if v.Kind != value.RawText || e.enc == sqlitefile.UTF8 {
		return
	}
	if e.exact {
		if b, ok := sqlitefile.DecodeText(make([]byte, 0, sqlitefile.DecodedRoom(v.Bytes, e.enc)), v.Bytes, e.enc); ok {
			*v = value.Value{Kind: value.Text, Bytes: b}
		}
		return
	}
	start := len(e.utf8)
	b, ok := sqlitefile.DecodeText(e.utf8, v.Bytes, e.enc)
	if ok {
		e.utf8 = b
		*v = value.Value{Kind: value.Text, Bytes: b[start:len(b):len(b)]}
	}
}
