package document

import "bytes"

// ParseTableOpen reads the opening line of a table, with its LF. It is for
// readers that begin in the middle of a document; ok is false for every other
// line.
func ParseTableOpen(text []byte) (t *Table, ok bool) {
	if !bytes.HasPrefix(text, []byte(`{"name":`)) {
		return nil, false
	}
	l := line{b: bytes.Clone(bytes.TrimSuffix(text, []byte{'\n'}))}
	t = l.tableOpen()
	return t, l.err == nil
}
