package litekeep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/nearest"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// ReadDocument writes the document of the backup at path to w: the JSON text,
// checked frame by frame.
//
// Where the backup cannot be used and the Config has other destinations, their
// copies of it are tried, as long as nothing was written to w; that is logged as
// a warning.
func (s *Service) ReadDocument(ctx context.Context, path string, w io.Writer) error {
	return s.fallThrough(ctx, path, w, s.readDocument)
}

func (s *Service) readDocument(ctx context.Context, path string, w io.Writer) error {
	b, err := s.open(ctx, s.place(path))
	if err != nil {
		return explain("cat", path, err)
	}
	defer b.close()
	return explain("cat", path, b.readAll(ctx, archive.ReadOptions{}, func(t archive.Text) error {
		_, err := w.Write(t.Bytes)
		return err
	}))
}

// ReadTable writes the rows of one table of the backup at path to w as JSON
// lines: lists of values as in the document or, with objects, objects keyed by
// the names of the columns. Only the frames that hold the table are read. Other
// copies are tried as by ReadDocument. The case of ASCII letters in table does not count.
func (s *Service) ReadTable(ctx context.Context, path, table string, objects bool, w io.Writer) error {
	return s.fallThrough(ctx, path, w, func(ctx context.Context, path string, w io.Writer) error {
		return s.readTable(ctx, path, table, objects, w)
	})
}

func (s *Service) readTable(ctx context.Context, path, table string, objects bool, w io.Writer) error {
	b, err := s.open(ctx, s.place(path))
	if err != nil {
		return explain("cat", path, err)
	}
	defer b.close()
	t := findTable(b.m, table)
	if t == nil {
		return &Error{
			Op: "cat", Path: path, Err: fmt.Errorf("the backup has no table %q", table),
			Hint: nearTable(b.m, table) + "`litekeep info " + human.ShellWord(path) + "` lists its tables",
		}
	}
	l := &lines{w: w, name: t.Name, objects: objects}
	err = b.read(ctx, t.Frames[0], t.Frames[1], archive.ReadOptions{}, l.frame)
	if errors.Is(err, errTableDone) {
		err = nil
	}
	return explain("cat", path, err)
}

// findTable finds a table as SQLite does, which takes a letter of ASCII for the same in
// either case. A name that is spelt just so comes first, in case a damaged schema has
// several.
func findTable(m *manifest.Manifest, name string) *manifest.Table {
	var alike []*manifest.Table
	for i := range m.Tables {
		if m.Tables[i].Name == name {
			return &m.Tables[i]
		}
		if sqlitefile.FoldName(m.Tables[i].Name) == sqlitefile.FoldName(name) {
			alike = append(alike, &m.Tables[i])
		}
	}
	if len(alike) == 1 {
		return alike[0]
	}
	return nil
}

// nearTable begins a hint with the table that was probably meant.
func nearTable(m *manifest.Manifest, name string) string {
	names := make([]string, len(m.Tables))
	for i := range m.Tables {
		names[i] = m.Tables[i].Name
	}
	if like := nearest.Word(name, names); like != "" {
		return fmt.Sprintf("did you mean %q? ", like)
	}
	return ""
}

// errTableDone ends the reading of frames.
var errTableDone = errors.New("the table is complete")

// lines writes the rows of one table that lies somewhere in the frames given.
type lines struct {
	w       io.Writer
	name    string
	objects bool
	open    *document.Table // once its opening line was seen
	keys    [][]byte        // encoded names, with quotes and colon
	out     []byte
	row     []value.Value
}

func (l *lines) frame(t archive.Text) error {
	for text := t.Bytes; len(text) > 0; {
		end := bytes.IndexByte(text, '\n') + 1
		line := text[:end]
		text = text[end:]
		switch {
		case l.open == nil:
			table, ok := document.ParseTableOpen(line)
			if ok && string(label(table.Name)) == l.name {
				l.begin(table)
			}
		case line[0] == ']':
			return errTableDone
		default:
			if err := l.item(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// label is how the manifest shows a name.
func label(name value.Value) []byte { return bytes.ToValidUTF8(name.Bytes, []byte("\uFFFD")) }

func (l *lines) begin(t *document.Table) {
	l.open = t
	for i, c := range t.Columns {
		name := value.Value{Kind: value.Text, Bytes: label(c)}
		key := []byte{','}
		if i == 0 {
			key[0] = '{'
		}
		l.keys = append(l.keys, append(document.AppendValue(key, &name), ':'))
	}
}

func (l *lines) item(line []byte) error {
	item, _, err := document.NextItem(line)
	if err != nil {
		return err
	}
	if !l.objects || l.open.Columns == nil {
		_, err := l.w.Write(append(item, '\n'))
		return err
	}
	if l.row, err = document.ParseRow(item, l.row); err != nil {
		return err
	}
	l.out = l.out[:0]
	for i := range l.row {
		l.out = append(l.out, l.keys[i]...)
		l.out = document.AppendValue(l.out, &l.row[i])
	}
	_, err = l.w.Write(append(l.out, "}\n"...))
	return err
}
