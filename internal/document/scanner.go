package document

import (
	"bytes"
	"fmt"

	"github.com/litekeep/litekeep/internal/value"
)

// Scanner follows the lines of one document in canonical form. It parses the
// structural lines, finds the runs of item lines, and enforces what goes beyond
// a line: the order of the parts, the commas between items (also from one run to
// the next), that tables and indexes are those that the schema announces, and
// the counts at the end. It does not look into item lines; NextItem with
// ParseRow, or CheckItems, do. It does not compare the digest, which is made of
// frames. The zero Scanner is ready. It is not safe for concurrent use.
type Scanner struct {
	state  state
	list   listState // of the innermost open list
	offset int64     // of the text after what has been read
	failed error

	prevRowID  int64
	schemaRows int
	tables     announced // names of the tables to come
	indexes    announced // names of the indexes to come
	table      *Table    // the open one
	index      *Index    // the open one
	counted    End
}

// state is the part of the document that comes next.
type state uint8

const (
	atVersion state = iota
	atSource
	atDatabase
	atSchema
	inSchema
	atTables
	inTables
	inRows
	atIndexes
	inIndexes
	inEntries
	atEnd
	atNothing
)

// listState says what may come next in a list.
type listState uint8

const (
	listStart listState = iota // an item or the end
	listMore                   // an item: there was a comma
	listDone                   // the end: there was none
)

// announced holds the names that the schema announces and that have not come up.
type announced struct{ names []value.Value }

// next takes the next name and reports whether it is v.
func (a *announced) next(v value.Value) bool {
	if len(a.names) == 0 || a.names[0].Kind != v.Kind || !bytes.Equal(a.names[0].Bytes, v.Bytes) {
		return false
	}
	a.names = a.names[1:]
	return true
}

// Feed reads the next lines of the document. text must consist of whole lines;
// it is not changed, and not kept after Feed returns. emit is called for each
// thing found, in order; an error that it returns ends the scan and is returned
// as it is. Once Feed has failed it always fails.
func (s *Scanner) Feed(text []byte, emit func(Event) error) error {
	for len(text) > 0 && s.failed == nil {
		ev := Event{Offset: s.offset}
		var n int
		if text[0] == '[' && (s.state == inRows || s.state == inEntries) {
			n = s.items(text, &ev)
		} else {
			n = s.structural(text, &ev)
		}
		if s.failed != nil {
			break
		}
		if ev.Kind != 0 {
			if s.failed = emit(ev); s.failed != nil {
				break
			}
		}
		text = text[n:]
		s.offset += int64(n)
	}
	return s.failed
}

// Close reports an error unless the whole document was fed.
func (s *Scanner) Close() error {
	if s.failed == nil && s.state != atNothing {
		s.failed = &SyntaxError{Offset: s.offset, Msg: errTruncated.Error(), Err: errTruncated}
	}
	return s.failed
}

// fail records what is wrong at text[at:], with text at s.offset.
func (s *Scanner) fail(text []byte, at int, msg string) {
	err := fault(text, at, msg)
	err.Offset += s.offset
	s.failed = err
}

// items finds the run of item lines at the start of text and returns its length.
func (s *Scanner) items(text []byte, ev *Event) (n int) {
	count := 0
	for n < len(text) && text[n] == '[' {
		if s.list == listDone {
			s.fail(text, n, "a comma is missing before the item")
			return n
		}
		end := bytes.IndexByte(text[n:], '\n')
		if end < 0 {
			s.fail(text, len(text), badItemLine)
			return n
		}
		s.list = listDone
		if text[n+end-1] == ',' { // the line has at least its bracket
			s.list = listMore
		}
		n += end + 1
		count++
	}
	ev.Kind, ev.Items, ev.Count = EventItems, text[:n:n], count
	ev.Table, ev.Index = s.table, s.index
	if s.state == inRows {
		s.counted.Rows += int64(count)
	} else {
		s.counted.Entries += int64(count)
	}
	return n
}

// structural reads the line at the start of text and returns its length.
func (s *Scanner) structural(text []byte, ev *Event) (n int) {
	end := bytes.IndexByte(text, '\n')
	if end < 0 {
		s.fail(text, len(text), "the line is not ended by a line feed")
		return 0
	}
	// A copy, since strings are decoded in place and events may be kept.
	l := &line{b: bytes.Clone(text[:end])}
	s.line(l, ev)
	if l.err != nil {
		l.err.Offset += s.offset
		s.failed = l.err
	}
	return end + 1
}

// line parses the line that the state calls for.
func (s *Scanner) line(l *line, ev *Event) {
	switch s.state {
	case atVersion:
		l.version()
		s.state = atSource
	case atSource:
		ev.Kind, ev.Source = EventSource, l.source()
		s.state = atDatabase
	case atDatabase:
		ev.Kind, ev.Database = EventDatabase, l.database()
		s.state = atSchema
	case atSchema:
		s.openList(l, `"schema":[`, inSchema)
	case atTables:
		s.openList(l, `"tables":[`, inTables)
	case atIndexes:
		s.openList(l, `"indexes":[`, inIndexes)
	case inSchema:
		s.inSchema(l, ev)
	case inTables:
		s.inTables(l, ev)
	case inIndexes:
		s.inIndexes(l, ev)
	case inRows, inEntries:
		s.closeItems(l, ev)
	case atEnd:
		ev.Kind, ev.End = EventEnd, l.endOfDocument()
		s.checkCounts(l, ev.End)
		s.state = atNothing
	default:
		l.fail(0, "the document has ended")
	}
}

func (s *Scanner) openList(l *line, text string, next state) {
	l.literal(text)
	l.end()
	s.state, s.list = next, listStart
}

// closesList reports whether the line closes the list of schema rows, tables or
// indexes, and checks that it may.
func (s *Scanner) closesList(l *line) bool {
	if len(l.b) > 0 && l.b[0] == ']' {
		l.literal("],")
		l.end()
		if s.list == listMore {
			l.fail(0, "a comma stands before the end of the list")
		}
		return true
	}
	if s.list == listDone {
		l.fail(0, "want ],")
	}
	return false
}

// comma cuts the comma off the end of the line, and notes whether there is one.
func (s *Scanner) comma(l *line) {
	s.list = listDone
	if n := len(l.b); n > 0 && l.b[n-1] == ',' {
		l.b = l.b[:n-1]
		s.list = listMore
	}
}

func (s *Scanner) inSchema(l *line, ev *Event) {
	if s.closesList(l) {
		ev.Kind = EventSchemaEnd
		s.state = atTables
		return
	}
	s.comma(l)
	r := l.schemaRow(s.prevRowID)
	if s.schemaRows > 0 && r.RowID <= s.prevRowID {
		l.fail(0, "the schema is not in the order of its rowids")
	}
	if s.schemaRows++; s.schemaRows > MaxSchemaRows {
		l.fail(0, "the schema has too many rows")
	}
	s.prevRowID = r.RowID
	switch r.BTree {
	case BTreeRows:
		s.tables.names = append(s.tables.names, r.Name)
	case BTreeEntries:
		s.indexes.names = append(s.indexes.names, r.Name)
	}
	ev.Kind, ev.SchemaRow = EventSchemaRow, r
}

func (s *Scanner) inTables(l *line, ev *Event) {
	if s.closesList(l) {
		if len(s.tables.names) > 0 {
			l.fail(0, fmt.Sprintf("a table of the schema is missing: %q", s.tables.names[0].Bytes))
		}
		s.state = atIndexes
		return
	}
	s.table = l.tableOpen()
	if l.err == nil && !s.tables.next(s.table.Name) {
		l.fail(0, "the table is not the next one of the schema")
	}
	s.counted.Tables++
	ev.Kind, ev.Table = EventTableOpen, s.table
	s.state, s.list = inRows, listStart
}

func (s *Scanner) inIndexes(l *line, ev *Event) {
	if s.closesList(l) {
		if len(s.indexes.names) > 0 {
			l.fail(0, fmt.Sprintf("an index of the schema is missing: %q", s.indexes.names[0].Bytes))
		}
		s.state = atEnd
		return
	}
	s.index = l.indexOpen()
	if l.err == nil && !s.indexes.next(s.index.Name) {
		l.fail(0, "the index is not the next one of the schema")
	}
	s.counted.Indexes++
	ev.Kind, ev.Index = EventIndexOpen, s.index
	s.state, s.list = inEntries, listStart
}

// closeItems reads the line that closes a table or an index.
func (s *Scanner) closeItems(l *line, ev *Event) {
	if s.list == listMore {
		l.fail(0, "want an item")
	}
	s.comma(l)
	l.literal(CloseList)
	l.end()
	ev.Table, ev.Index = s.table, s.index
	if s.state == inRows {
		ev.Kind, s.state = EventTableClose, inTables
	} else {
		ev.Kind, s.state = EventIndexClose, inIndexes
	}
	s.table, s.index = nil, nil
}

// checkCounts compares what the last line says with what was seen.
func (s *Scanner) checkCounts(l *line, e *End) {
	s.counted.Digest = e.Digest
	if l.err == nil && *e != s.counted {
		l.fail(0, fmt.Sprintf("the document has %d tables, %d rows, %d indexes and %d entries",
			s.counted.Tables, s.counted.Rows, s.counted.Indexes, s.counted.Entries))
	}
}
