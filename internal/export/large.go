package export

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"runtime/debug"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// hugeRow is the record size from which the memory of the row before is given
// back first: the collector alone would let two of them be there at once.
const hugeRow = 16 << 20

// partText is how much text of a large row one part of it has at the most. What a row
// takes as text is not known before: six times as much if it is all control characters.
const partText = 8 << 20

// longField is the length from which the content of a field is not held in memory.
const longField = 64 << 10

// large encodes one large row.
func (e *encoder) large(t *Table, row *pagereader.Row) (piece, error) {
	if row.Size >= hugeRow {
		debug.FreeOSMemory()
	}
	var p piece
	if t != nil && t.direct && t.key == nil && !t.computed {
		// Base64 is 4/3 of what it encodes; text rarely needs more than that.
		p.text = make([]byte, 0, min(row.Size+row.Size/3+row.Size/64+4096, partText))
		err := e.streamRow(&p, t, row)
		return p, err
	}
	e.exact = true
	err := e.add(&p, t, row)
	e.exact = false
	e.cur.Release()
	clear(e.fields[:cap(e.fields)]) // they share the record's memory
	clear(e.row[:cap(e.row)])
	return p, err
}

// streamRow is add for a row of a table whose rows can be written directly. The
// record is read in pieces.
func (e *encoder) streamRow(p *piece, t *Table, row *pagereader.Row) error {
	r := &recordReader{stream: e.cur.Stream(row), size: row.Size, long: longField, part: partText}
	text, err := e.streamFields(p.text, t, row.RowID, r)
	if err != nil {
		return at(t, row, err)
	}
	p.full, p.text = r.full, text
	e.finishRow(p, t, 0)
	return nil
}

func (e *encoder) streamFields(text []byte, t *Table, rowid int64, r *recordReader) ([]byte, error) {
	head, err := r.header()
	if err != nil {
		return text, err
	}
	columns := t.stored()
	text = t.openRow(text, rowid)
	words := e.takeWords(t, rowid)
	for i := 0; i < len(columns) || len(head) > 0; i++ {
		if len(head) == 0 && t.Short {
			if err := t.endsAt(len(t.columns)-len(columns)+i, i); err != nil {
				return text, err
			}
			break
		}
		if len(head) == 0 { // a row from before the column was added
			d := value.OfInt(rowid)
			if columns[i].field >= 0 {
				if d, err = e.defaultOf(t, i); err != nil {
					return text, err
				}
			}
			text = append(document.AppendValue(text, &d), ',')
			words[i] = wordOf(&d)
			continue
		}
		serial, n := sqlitefile.Varint(head)
		if n == 0 {
			return text, fmt.Errorf("record header ends inside a serial type: %w", sqlitefile.ErrCorrupt)
		}
		head = head[n:]
		size := sqlitefile.SerialLen(serial)
		if i < len(columns) {
			text = r.room(text, int(min(size, r.long)))
		}
		switch {
		case uint64(size) > uint64(r.size-r.at):
			return text, fmt.Errorf("field %d of %d bytes runs past the end of its record: %w", i, size, sqlitefile.ErrCorrupt)
		case serial == 10 || serial == 11:
			return text, fmt.Errorf("field %d has the serial type %d, which is reserved: %w", i, serial, sqlitefile.ErrCorrupt)
		case i >= len(columns):
			err = r.each(size, func([]byte) {})
		case columns[i].field < 0:
			text = append(document.AppendInt(text, rowid), ',')
			err = r.each(size, func([]byte) {})
		case size >= r.long && serial >= 12:
			text, words[i], err = r.appendLong(text, serial, size, t.indexed[i])
			text = append(text, ',')
		default:
			var b []byte
			if b, err = r.take(size); err == nil {
				text, words[i] = appendField(text, serial, b, columns[i].real, t.indexed[i])
				text = append(text, ',')
			}
		}
		if err != nil {
			return text, err
		}
	}
	text[len(text)-1] = ']'
	return text, r.end()
}

// recordStream is a pagereader.Stream.
type recordStream interface {
	Next() ([]byte, error)
	Again()
}

// recordReader reads a record from its beginning to its end.
type recordReader struct {
	stream recordStream
	size   int64 // of the record
	long   int64 // the length from which a field is read in pieces
	at     int64 // how much of it was read
	rest   []byte
	joined []byte
	part   int      // how long a part of the text is
	full   [][]byte // those that are full
}

// room begins the next part of the text if the one that is being written might not
// have room for n more bytes of the record: six for each, and what stands around them.
func (r *recordReader) room(text []byte, n int) []byte {
	if room := 6*n + 1<<10; cap(text)-len(text) < room && cap(text) >= r.part {
		r.full = append(r.full, text)
		text = make([]byte, 0, max(room, r.part))
	}
	return text
}

// next makes sure that something is there to be read.
func (r *recordReader) next() (err error) {
	for err == nil && len(r.rest) == 0 {
		r.rest, err = r.stream.Next()
	}
	if err == io.EOF {
		err = fmt.Errorf("the record ends after %d of %d bytes: %w", r.at, r.size, sqlitefile.ErrCorrupt)
	}
	return err
}

// each calls do with the next n bytes, in pieces.
func (r *recordReader) each(n int64, do func([]byte)) error {
	for n > 0 {
		if err := r.next(); err != nil {
			return err
		}
		k := min(n, int64(len(r.rest)))
		do(r.rest[:k])
		r.rest, r.at, n = r.rest[k:], r.at+k, n-k
	}
	return nil
}

// take returns the next n bytes, which are valid until the next call.
func (r *recordReader) take(n int64) ([]byte, error) {
	r.joined = r.joined[:0]
	err := r.each(n, func(b []byte) { r.joined = append(r.joined, b...) })
	return r.joined, err
}

// header returns the serial types of the fields.
func (r *recordReader) header() ([]byte, error) {
	var length []byte
	for {
		b, err := r.take(1)
		if err != nil {
			return nil, err
		}
		length = append(length, b...)
		if n, l := sqlitefile.Varint(length); l > 0 {
			if n < uint64(l) || n > uint64(r.size) {
				return nil, fmt.Errorf("record header of %d bytes in a payload of %d: %w", n, r.size, sqlitefile.ErrCorrupt)
			}
			if n == uint64(l) {
				return nil, fmt.Errorf("its record has no fields: %w", sqlitefile.ErrCorrupt)
			}
			head, err := r.take(int64(n) - int64(l))
			return bytes.Clone(head), err
		}
	}
}

// again goes back to where at was from.
func (r *recordReader) again(from int64) error {
	r.stream.Again()
	r.rest, r.at = nil, 0
	return r.each(from, func([]byte) {})
}

// end checks that all of the record was read.
func (r *recordReader) end() error {
	if left := r.size - r.at; left > 0 {
		return fmt.Errorf("record has %d bytes more than its fields: %w", left, sqlitefile.ErrCorrupt)
	}
	if _, err := r.stream.Next(); err != io.EOF {
		return err // it says that the chain goes on
	}
	return nil
}

// appendLong appends a text or blob of n bytes, and returns its word if an index
// asks for it.
func (r *recordReader) appendLong(text []byte, serial uint64, n int64, indexed bool) (_ []byte, w word, err error) {
	var h maphash.Hash
	h.SetSeed(seed)
	note := func(b []byte) {
		if indexed {
			_, _ = h.Write(b) // never fails
		}
	}
	kind, parts, start, from := value.Blob, len(r.full), len(text), r.at
	if serial&1 == 1 {
		kind = value.RawText
		var long document.LongText
		err := r.each(n, func(b []byte) { text = long.Append(r.room(text, len(b)), b); note(b) })
		text, valid := long.End(text)
		if valid || err != nil {
			return text, wordIf(indexed, h.Sum64(), kind), err
		}
		if err := r.again(from); err != nil {
			return text, w, err
		}
		note = func([]byte) {} // that was done
	}
	if len(r.full) > parts {
		text, r.full = r.full[parts], r.full[:parts]
	}
	text = text[:start]
	long := document.LongBytes{Text: kind == value.RawText}
	err = r.each(n, func(b []byte) { text = long.Append(r.room(text, len(b)), b); note(b) })
	return long.End(text), wordIf(indexed, h.Sum64(), kind), err
}

func wordIf(indexed bool, x uint64, kind value.Kind) word {
	if !indexed {
		return word{}
	}
	return word{x, kind}
}
