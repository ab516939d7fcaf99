package document

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOpeningOfForeignPath checks what becomes of a path that is not UTF-8.
func TestOpeningOfForeignPath(t *testing.T) {
	s := Source{Name: "app", Path: "/srv/\xff\"app.db", Created: "2026-11-22T02:00:00.123Z", SQLite: "3.54.1", Litekeep: "0.1.0"}
	text := AppendOpening(nil, &s)
	var scanner Scanner
	var got Source
	if err := scanner.Feed(text, func(ev Event) error { got = *ev.Source; return nil }); err != nil {
		t.Fatal(err)
	}
	want := s
	want.Path = "/srv/\uFFFD\"app.db"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// TestTagsMatchDocument checks that the JSON tags, which the manifest uses, name
// the members as the document does, in the same order.
func TestTagsMatchDocument(t *testing.T) {
	s := Source{Name: "n", Path: "p", Created: "c", SQLite: "s", Litekeep: "l", SchemaVersion: 7}
	d := Database{
		PageSize: 512, Reserved: 1, Encoding: "UTF-8", UserVersion: 2, ApplicationID: 3, AutoVacuum: 1,
		JournalMode: "wal", SchemaFormat: 4, DefaultCacheSize: 5, ZeroBytes: true,
	}
	for _, x := range []struct {
		value any
		line  []byte
		name  string
	}{
		{s, AppendOpening(nil, &s)[len("{\"litekeep\":1,\n"):], `"source":`},
		{d, AppendDatabase(nil, &d), `"database":`},
		{Database{}, AppendDatabase(nil, &Database{}), `"database":`},
	} {
		tagged, err := json.Marshal(x.value)
		if err != nil {
			t.Fatal(err)
		}
		written := bytes.TrimSuffix(bytes.TrimPrefix(x.line, []byte(x.name)), []byte(",\n"))
		if diff := cmp.Diff(string(written), string(tagged)); diff != "" {
			t.Error(diff)
		}
	}
}
