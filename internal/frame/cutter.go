package frame

import "bytes"

// A Frame is one frame of a document: Parts, concatenated, are its text. All
// but frames with a very large row have one part.
type Frame struct {
	Parts [][]byte
	Items int64 // item lines: schema rows, rows and index entries
	Rows  int64 // of those, rows and index entries
}

// Len returns the length of the frame's text in bytes.
func (f *Frame) Len() int64 {
	var n int64
	for _, p := range f.Parts {
		n += int64(len(p))
	}
	return n
}

// handOver is the length from which text is taken over instead of copied.
const handOver = 8 << 20

// A Cutter assembles the lines of a document into frames. Emit is called with
// each frame in order; it owns the frame's memory. The caller writes every item
// line with a comma; the Cutter removes the last one of a list.
type Cutter struct {
	Emit func(*Frame) error
	// Spare gives back memory of frames that were emitted, to be used again.
	Spare chan []byte

	cur     Frame
	buf     []byte // the last, unfinished part of cur
	length  int64  // of cur
	pending *Frame // ended after an item line that may prove to be the last of its list
	count   int    // frames that ended
}

// Index returns the number (from 0) of the frame that the next line goes to.
func (c *Cutter) Index() int { return c.count }

// Line adds a structural line, which never ends a frame.
func (c *Cutter) Line(text []byte) error {
	if err := c.flush(); err != nil {
		return err
	}
	c.add(text)
	return nil
}

// Items adds text: so many item lines, each with its comma and LF. Marks are the
// offsets in text just after each line that Mark approved, in ascending order.
// Rows says whether the items are rows or index entries. Items may keep text when
// it is very long; the caller must not use text again if it returns true.
func (c *Cutter) Items(text []byte, items int64, marks []int, rows bool) (kept bool, err error) {
	kept = len(text) >= handOver
	for len(text) > 0 {
		if err := c.flush(); err != nil {
			return kept, err
		}
		n, cut := c.next(text, marks)
		here := items
		if n < len(text) {
			here = int64(bytes.Count(text[:n], lf))
		}
		c.cur.Items += here
		if rows {
			c.cur.Rows += here
		}
		c.addItems(text[:n], kept)
		text, items = text[n:], items-here
		marks = shift(marks, n)
		if cut {
			c.end()
		}
	}
	return kept, nil
}

// Long adds one item line of a row or an entry in parts, of which the last has its
// comma and LF. Mark is what MarkLong says of it. The parts are the Cutter's then.
func (c *Cutter) Long(parts [][]byte, mark bool) error {
	if err := c.flush(); err != nil {
		return err
	}
	f := Frame{Parts: parts}
	n := f.Len()
	c.cur.Items++
	c.cur.Rows++
	for _, p := range parts {
		c.addItems(p, n >= handOver)
	}
	if c.length >= maxBytes || mark && c.length >= minBytes {
		c.end()
	}
	return nil
}

// next returns how much of text goes to the current frame, and whether the
// frame ends there.
func (c *Cutter) next(text []byte, marks []int) (n int, cut bool) {
	limit := len(text)
	if room := maxBytes - c.length; room <= int64(len(text)) {
		from := int(max(room-1, 0)) // the LF that makes the length maxBytes or more
		limit = from + bytes.IndexByte(text[from:], '\n') + 1
		cut = true
	}
	for _, m := range marks {
		if m > limit {
			break
		}
		if c.length+int64(m) >= minBytes {
			return m, true
		}
	}
	return limit, cut
}

func shift(marks []int, n int) []int {
	for len(marks) > 0 && marks[0] <= n {
		marks = marks[1:]
	}
	for i := range marks {
		marks[i] -= n
	}
	return marks
}

// More says that another item follows in the current list, so that a frame which
// waits for that goes out. Items does the same; this is for a caller who wants the
// memory back before it makes the next item.
func (c *Cutter) More() error { return c.flush() }

// CloseList adds the closing line of a list, after removing the comma of its
// last item, if it has items. Whole says whether a table or an index ends here.
func (c *Cutter) CloseList(line []byte, items, whole bool) error {
	if items {
		c.dropComma()
	}
	if err := c.Line(line); err != nil {
		return err
	}
	if whole && c.length >= minListBytes {
		return c.Cut()
	}
	return nil
}

// Cut ends the current frame.
func (c *Cutter) Cut() error {
	if err := c.flush(); err != nil {
		return err
	}
	if c.length > 0 {
		c.end()
	}
	return c.flush()
}

func (c *Cutter) dropComma() {
	part := &c.buf
	if c.length == 0 {
		part = &c.pending.Parts[len(c.pending.Parts)-1]
	} else if len(c.buf) == 0 {
		part = &c.cur.Parts[len(c.cur.Parts)-1]
	}
	b := *part
	b[len(b)-2] = '\n'
	*part = b[:len(b)-1]
}

func (c *Cutter) add(text []byte) {
	if c.buf == nil {
		select {
		case c.buf = <-c.Spare:
			c.buf = c.buf[:0]
		default:
			c.buf = make([]byte, 0, 1<<20)
		}
	}
	c.buf = append(c.buf, text...)
	c.length += int64(len(text))
}

func (c *Cutter) addItems(text []byte, keep bool) {
	if !keep {
		c.add(text)
		return
	}
	c.seal()
	// Without room behind it: whoever uses the memory of this part again must
	// not run into that of the next.
	c.cur.Parts = append(c.cur.Parts, text[:len(text):len(text)])
	c.length += int64(len(text))
}

var lf = []byte{'\n'}

func (c *Cutter) seal() {
	if len(c.buf) > 0 {
		c.cur.Parts = append(c.cur.Parts, c.buf)
		c.buf = nil
	}
}

func (c *Cutter) end() {
	c.seal()
	f := c.cur
	c.pending = &f
	c.cur, c.length = Frame{}, 0
	c.count++
}

func (c *Cutter) flush() error {
	if c.pending == nil {
		return nil
	}
	f := c.pending
	c.pending = nil
	return c.Emit(f)
}
