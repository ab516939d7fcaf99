package document

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/value"
)

// small is the document of the specification's example, with an index.
const small = `{"litekeep":1,
"source":{"name":"app","path":"/srv/app.db","created":"2026-11-22T02:00:00.123Z","sqlite":"3.54.1","litekeep":"0.1.0","schema_version":12},
"database":{"page_size":4096,"reserved":0,"encoding":"UTF-8","user_version":3,"application_id":0,"auto_vacuum":0,"journal_mode":"wal","schema_format":4,"default_cache_size":0},
"schema":[
{"type":"table","name":"users","tbl_name":"users","sql":"CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)","btree":"rows"},
{"type":"index","name":"users_name","tbl_name":"users","sql":"CREATE INDEX users_name ON users(name)","btree":"entries"},
{"rowid":7,"type":"view","name":"v","tbl_name":"v","sql":"CREATE VIEW v AS SELECT 1","rootpage":null}
],
"tables":[
{"name":"users","columns":["id","name"],"rowid":0,"rows":[
[1,"Ada"],
[2,"Bob"]
]}
],
"indexes":[
{"name":"users_name","entries":[
["Ada",1],
["Bob",2]
]}
],
"end":{"tables":1,"rows":2,"indexes":1,"entries":2,"digest":"sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"}}
`

// decoded gathers what a scan emits into a sample.
type decoded struct {
	sample
	end *End
}

func (d *decoded) emit(ev Event) error {
	switch ev.Kind {
	case EventSource:
		d.source = *ev.Source
	case EventDatabase:
		d.database = *ev.Database
	case EventSchemaRow:
		d.schema = append(d.schema, *ev.SchemaRow)
	case EventTableOpen:
		d.tables = append(d.tables, sampleList{table: *ev.Table})
	case EventIndexOpen:
		d.indexes = append(d.indexes, sampleList{table: Table{Name: ev.Index.Name, RowID: RowIDNone}})
	case EventItems:
		return d.items(ev)
	case EventEnd:
		d.end = ev.End
	}
	return nil
}

func (d *decoded) items(ev Event) error {
	width, lists := AnyWidth, d.indexes
	if ev.Table != nil {
		width, lists = ev.Table.Width(), d.tables
	}
	list := &lists[len(lists)-1]
	n, err := CheckItems(ev.Items, width)
	if err != nil {
		return err
	}
	if n != ev.Count {
		return errors.New("the run has another number of items")
	}
	for rest := bytes.Clone(ev.Items); len(rest) > 0; {
		var item []byte
		if item, rest, err = NextItem(rest); err != nil {
			return err
		}
		row, err := ParseRow(item, nil)
		if err != nil {
			return err
		}
		list.rows = append(list.rows, slices.Clone(row))
	}
	return nil
}

// scan feeds a document in the given pieces.
func scan(pieces ...[]byte) (*decoded, error) {
	var s Scanner
	d := new(decoded)
	for _, p := range pieces {
		text := bytes.Clone(p)
		err := s.Feed(text, d.emit)
		if !bytes.Equal(text, p) {
			return nil, errors.New("the scanner changed the text")
		}
		for i := range text { // what is kept must not point into it
			text[i] = 0
		}
		if err != nil {
			return nil, err
		}
	}
	return d, s.Close()
}

// cutLines cuts a text at line ends of the draw.
func cutLines(t *rapid.T, text []byte) (pieces [][]byte) {
	pieces = [][]byte{nil}
	for line := range bytes.Lines(text) {
		if rapid.Bool().Draw(t, "cut") {
			pieces = append(pieces, nil)
		}
		pieces[len(pieces)-1] = append(pieces[len(pieces)-1], line...)
	}
	return pieces
}

func TestDocumentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genSample().Draw(t, "document")
		text := want.encode()
		got, err := scan(cutLines(t, text)...)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if again := got.encode(); !bytes.Equal(again, text) {
			t.Fatal(cmp.Diff(string(text), string(again)))
		}
		if *got.end != want.end() || got.source != want.source || got.database != want.database {
			t.Fatalf("got %+v %+v %+v", got.end, got.source, got.database)
		}
		if len(got.tables) != len(want.tables) || len(got.indexes) != len(want.indexes) {
			t.Fatalf("got %d tables and %d indexes", len(got.tables), len(got.indexes))
		}
	})
}

func TestScannerEvents(t *testing.T) {
	type found struct {
		Kind  EventKind
		Start string // of the text at the event's offset
		Count int
	}
	want := []found{
		{EventSource, `"source":`, 0},
		{EventDatabase, `"database`, 0},
		{EventSchemaRow, `{"type":"`, 0},
		{EventSchemaRow, `{"type":"`, 0},
		{EventSchemaRow, `{"rowid":`, 0},
		{EventSchemaEnd, "],\n\"table", 0},
		{EventTableOpen, `{"name":"`, 0},
		{EventItems, `[1,"Ada"]`, 2},
		{EventTableClose, "]}\n],\n\"in", 0},
		{EventIndexOpen, `{"name":"`, 0},
		{EventItems, `["Ada",1]`, 2},
		{EventIndexClose, "]}\n],\n\"en", 0},
		{EventEnd, `"end":{"t`, 0},
	}
	var s Scanner
	var got []found
	err := s.Feed([]byte(small), func(ev Event) error {
		got = append(got, found{ev.Kind, small[ev.Offset : ev.Offset+9], ev.Count})
		return nil
	})
	if err != nil || s.Close() != nil {
		t.Fatal(err, s.Close())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestScannerValues(t *testing.T) {
	d, err := scan([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if string(d.encode()) != small {
		t.Fatal(cmp.Diff(small, string(d.encode())))
	}
	if r := d.schema[2]; r.RowID != 7 || r.RootPage.Kind != value.Null || r.BTree != BTreeNone {
		t.Fatalf("schema row %+v", r)
	}
	if r := d.schema[1]; r.RowID != 2 || !sameValue(r.RootPage, value.OfInt(0)) || r.BTree != BTreeEntries {
		t.Fatalf("schema row %+v", r)
	}
}

func TestScannerRefuses(t *testing.T) {
	for name, edit := range map[string][2]string{
		"no line feed at the end": {"0f0f\"}}\n", "0f0f\"}}"}, "more after the end": {"}}\n", "}}\n\n"},
		"white space": {`{"litekeep":1`, `{ "litekeep":1`}, "carriage returns": {"\n", "\r\n"},
		"a real version": {`keep":1,`, `keep":1.0,`}, "a text version": {`keep":1,`, `keep":"1",`},
		"no version": {"{\"litekeep\":1,\n", "{\n"}, "source members swapped": {`"name":"app","path":"/srv/app.db"`, `"path":"/srv/app.db","name":"app"`},
		"unknown member": {`"schema_version":12`, `"schema_version":12,"x":1`}, "duplicate member": {`"reserved":0`, `"reserved":0,"reserved":0`},
		"missing member": {`"sqlite":"3.54.1",`, ``}, "a null name": {`"source":{"name":"app"`, `"source":{"name":null`},
		"time without milliseconds": {":00.123Z", ":00Z"}, "no such time": {"2026-11-22", "2026-11-31"}, "time with comma": {"00.123", "00,123"},
		"page size": {"4096", "4095"}, "small page": {"4096", "256"}, "large page": {"4096", "131072"},
		"reserved": {`"page_size":4096,"reserved":0`, `"page_size":512,"reserved":33`}, "much reserved": {`"reserved":0`, `"reserved":256`},
		"encoding": {"UTF-8", "UTF-16"}, "user version": {`"user_version":3`, `"user_version":2147483648`},
		"auto vacuum": {`"auto_vacuum":0`, `"auto_vacuum":3`}, "journal mode": {`"wal"`, `"off"`}, "format": {`"schema_format":4`, `"schema_format":5`},
		"zero bytes":     {`"default_cache_size":0`, `"default_cache_size":0,"zero_bytes":false`},
		"needless rowid": {`{"type":"table"`, `{"rowid":1,"type":"table"`}, "rowids out of order": {`"rowid":7`, `"rowid":2`},
		"rootpage 0": {`"rootpage":null`, `"rootpage":0`}, "both": {`"btree":"rows"`, `"btree":"rows","rootpage":1`}, "unknown btree": {`"btree":"rows"`, `"btree":"none"`},
		"no comma in the schema": {"\"rows\"},\n", "\"rows\"}\n"}, "a comma too many": {"null}\n", "null},\n"},
		"no schema": {"\"schema\":[\n", ""}, "list in a line": {"\"indexes\":[\n{", "\"indexes\":[{"},
		"other table": {`{"name":"users","columns"`, `{"name":"others","columns"`}, "other index": {`{"name":"users_name","entries"`, `{"name":"x","entries"`},
		"column not a name": {`["id","name"],"rowid"`, `["id",1],"rowid"`}, "no columns": {`["id","name"],"rowid"`, `[],"rowid"`},
		"rowid beyond": {`"rowid":0,"rows"`, `"rowid":2,"rows"`}, "negative rowid": {`"rowid":0,"rows"`, `"rowid":-1,"rows"`},
		"rowid without columns": {`["id","name"],"rowid":0`, `null,"rowid":0`}, "rowid text": {`"rowid":0,"rows"`, `"rowid":"none","rows"`},
		"rows in one line": {"[1,\"Ada\"],\n[2", "[1,\"Ada\"],[2"}, "no comma after a row": {"[1,\"Ada\"],\n", "[1,\"Ada\"]\n"},
		"comma after the last row": {"[2,\"Bob\"]\n", "[2,\"Bob\"],\n"}, "bad row": {"[2,\"Bob\"]", "[2,Bob]"}, "narrow row": {"[2,\"Bob\"]", "[2]"},
		"comma after the last table": {"]}\n],\n\"indexes", "]},\n],\n\"indexes"}, "table not closed": {"[2,\"Bob\"]\n]}\n", "[2,\"Bob\"]\n"},
		"empty line in rows": {"[2,\"Bob\"]\n", "[2,\"Bob\"]\n\n"}, "fewer rows": {"[1,\"Ada\"],\n", ""}, "fewer entries": {"[\"Ada\",1],\n", ""},
		"count of tables": {`"tables":1`, `"tables":2`}, "count of indexes": {`"indexes":1`, `"indexes":0`},
		"short digest": {"sha256:0f", "sha256:"}, "digest in capitals": {"sha256:0f", "sha256:0F"}, "other digest": {"sha256:", "sha512:"},
		"table missing": {"{\"name\":\"users\",\"columns\":[\"id\",\"name\"],\"rowid\":0,\"rows\":[\n[1,\"Ada\"],\n[2,\"Bob\"]\n]}\n", ""},
		"index missing": {"{\"name\":\"users_name\",\"entries\":[\n[\"Ada\",1],\n[\"Bob\",2]\n]}\n", ""},
	} {
		text := strings.Replace(small, edit[0], edit[1], 1)
		if text == small {
			t.Errorf("%s: the edit changes nothing", name)
			continue
		}
		_, err := scan([]byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v", name, err)
		} else if syntax.Offset > int64(len(text)) {
			t.Errorf("%s: offset %d of %d", name, syntax.Offset, len(text))
		}
	}
}

// TestScannerAlone has the Scanner find what CheckItems or the counts would find
// as well: the message tells that it did.
func TestScannerAlone(t *testing.T) {
	ignore := func(Event) error { return nil }
	last := "],\n\"indexes"
	usersTable := small[strings.Index(small, "{\"name\":\"users\",\"columns"):strings.Index(small, last)]
	usersIndex := small[strings.Index(small, "{\"name\":\"users_name\",\"entries"):strings.Index(small, "],\n\"end")]
	for name, edit := range map[string][3]string{
		"comma between runs": {"[1,\"Ada\"],\n", "[1,\"Ada\"]\n", "a comma is missing before the item"},
		"comma at the end":   {"[2,\"Bob\"]\n", "[2,\"Bob\"],\n", "want an item"},
		"table missing":      {usersTable, "", "a table of the schema is missing: \"users\""},
		"index missing":      {usersIndex, "", "an index of the schema is missing: \"users_name\""},
		"other table":        {`{"name":"users","columns"`, `{"name":"user","columns"`, "not the next one"},
		"other kind of name": {`{"name":"users","columns"`, `{"name":{"text":"dXNlcnM="},"columns"`, "not the next one"},
		"other index":        {`{"name":"users_name","entries"`, `{"name":"x","entries"`, "not the next one"},
		"item not ended":     {"[2,\"Bob\"]\n" + small[strings.Index(small, "[2,\"Bob\"]\n")+len("[2,\"Bob\"]\n"):], "[2,\"Bob\"]", badItemLine},
		"counts":             {`"entries":2`, `"entries":1`, "has 1 tables, 2 rows, 1 indexes and 2 entries"},
	} {
		text := strings.Replace(small, edit[0], edit[1], 1)
		if text == small {
			t.Errorf("%s: the edit changes nothing", name)
			continue
		}
		var s Scanner
		var err error
		for line := range strings.Lines(text) { // each a run of its own
			if err = s.Feed([]byte(line), ignore); err != nil {
				break
			}
		}
		if err == nil || !strings.Contains(err.Error(), edit[2]) {
			t.Errorf("%s: got %v, want %q", name, err, edit[2])
		}
	}
}

// TestScannerItemOffset checks the offset of what is wrong between item lines.
func TestScannerItemOffset(t *testing.T) {
	text := strings.Replace(small, "[1,\"Ada\"],\n", "[1,\"Ada\"]\n", 1)
	want := int64(strings.Index(text, "[2,\"Bob"))
	_, err := scan([]byte(text))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != want {
		t.Fatalf("got %v, want offset %d", err, want)
	}
}

func TestScannerLimits(t *testing.T) {
	open := func(columns int, rowid string) error {
		names := strings.Repeat(`"c",`, columns)
		l := &line{b: []byte(`{"name":"t","columns":[` + names[:len(names)-1] + `],"rowid":` + rowid + `,"rows":[`)}
		if table := l.tableOpen(); l.err == nil && len(table.Columns) != columns {
			t.Errorf("%d columns, want %d", len(table.Columns), columns)
		}
		if l.err == nil {
			return nil
		}
		return l.err
	}
	for _, x := range []struct {
		columns int
		rowid   string
		ok      bool
	}{
		{MaxColumns, "0", true},
		{MaxColumns, "null", true},
		{MaxColumns + 1, "null", false},
		{MaxColumns + 1, `"implicit"`, true},
		{MaxColumns + 2, `"implicit"`, false},
	} {
		if err := open(x.columns, x.rowid); (err == nil) != x.ok {
			t.Errorf("%d columns, rowid %s: %v", x.columns, x.rowid, err)
		}
	}
	row := []byte("{\"type\":1,\"name\":2,\"tbl_name\":3,\"sql\":4},\n")
	s := Scanner{state: inSchema, schemaRows: MaxSchemaRows - 1, prevRowID: 5}
	if err := s.Feed(row, func(Event) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := s.Feed(row, func(Event) error { return nil }); err == nil {
		t.Error("one schema row too many is accepted")
	}
}

func TestScannerRefusesVersions(t *testing.T) {
	for _, version := range []string{"0", "2", "-1", "9223372036854775807"} {
		_, err := scan([]byte("{\"litekeep\":" + version + ",\n"))
		if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), version) {
			t.Errorf("version %s: %v", version, err)
		}
	}
}

// TestScannerTruncated cuts the document after every byte.
func TestScannerTruncated(t *testing.T) {
	for n := range len(small) {
		_, err := scan([]byte(small[:n]))
		if err == nil {
			t.Fatalf("%d bytes are accepted", n)
		}
		if (n == 0 || small[n-1] == '\n') != errors.Is(err, errTruncated) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// TestScannerOffsets checks that an offset counts from the start of the document
// when it is fed in pieces.
func TestScannerOffsets(t *testing.T) {
	text := strings.Replace(small, `"rowid":0,`, `"rowid":9,`, 1)
	want := int64(strings.Index(text, "9,\"rows\""))
	for _, pieces := range [][][]byte{{[]byte(text)}, slices.Collect(bytes.Lines([]byte(text)))} {
		_, err := scan(pieces...)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != want {
			t.Fatalf("got %v, want offset %d", err, want)
		}
	}
}

// TestScannerStays checks that an error of the text or of emit is final.
func TestScannerStays(t *testing.T) {
	stop := errors.New("stop")
	var s Scanner
	if err := s.Feed([]byte(small), func(Event) error { return stop }); err != stop {
		t.Fatal(err)
	}
	if err := s.Feed(nil, nil); err != stop {
		t.Fatal(err)
	}
	if err := s.Close(); err != stop {
		t.Fatal(err)
	}
}

func TestParseTableOpen(t *testing.T) {
	opened := 0
	for line := range bytes.Lines([]byte(small)) {
		before := bytes.Clone(line)
		table, ok := ParseTableOpen(line)
		if !bytes.Equal(line, before) {
			t.Fatalf("the line is changed: %q", before)
		}
		if !ok {
			continue
		}
		opened++
		if string(AppendTableOpen(nil, table)) != string(line) {
			t.Errorf("%q is read as %+v", line, table)
		}
	}
	if opened != 1 {
		t.Errorf("%d lines open a table", opened)
	}
}
