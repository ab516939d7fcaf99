package frame

import (
	"bytes"
	"errors"
)

// A Recutter cuts the canonical text of a whole document into the frames that
// its writer has cut it into. It takes the text in pieces of any length and
// trusts its form, which document.Canonicalize has made.
type Recutter struct {
	Cutter
	line   []byte // the beginning of a line whose end has not come
	lines  int64
	schema bool // in the schema list, where items are objects
	items  bool // the current list has items
}

// Add takes the next piece of the text.
func (r *Recutter) Add(text []byte) error {
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			r.line = append(r.line, text...)
			return nil
		}
		line := text[:end+1]
		text = text[end+1:]
		if len(r.line) > 0 {
			r.line = append(r.line, line...)
			line = r.line
		}
		if err := r.add(line); err != nil {
			return err
		}
		if cap(r.line) >= handOver {
			r.line = nil
		}
		r.line = r.line[:0]
		r.lines++
	}
}

// Close takes the last frame.
func (r *Recutter) Close() error {
	if len(r.line) > 0 {
		return errors.New("the document does not end with a line end")
	}
	return r.Cut()
}

func (r *Recutter) add(line []byte) error {
	switch {
	case r.lines == 1: // the source, which ends the first frame
		if err := r.Line(line); err != nil {
			return err
		}
		return r.Cut()
	case r.lines > 1 && (line[0] == '[' || r.schema && line[0] == '{'):
		return r.item(line)
	case line[0] == ']':
		err := r.CloseList(line, r.items, line[1] == '}')
		r.schema, r.items = false, false
		return err
	case bytes.HasPrefix(line, []byte(`"end"`)):
		if err := r.Cut(); err != nil {
			return err
		}
	case bytes.HasPrefix(line, []byte(`"schema"`)):
		r.schema = true
	}
	return r.Line(line)
}

func (r *Recutter) item(line []byte) error {
	item := bytes.TrimSuffix(line[:len(line)-1], []byte{','})
	var marks []int
	if Mark(item) {
		marks = []int{len(item) + 2}
	}
	text := append(append(make([]byte, 0, len(item)+2), item...), ",\n"...)
	rows := !r.schema
	r.items = true
	_, err := r.Items(text, 1, marks, rows)
	return err
}
