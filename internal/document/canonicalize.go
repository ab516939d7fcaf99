package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// flushSize is how much canonical text is gathered before it is written.
	flushSize = 64 << 10
	// maxNesting is the depth of lists and objects that a document may have.
	maxNesting = 6
)

// Canonicalize reads a document in any JSON layout and writes its canonical
// form. White space, escapes and the forms of reals may differ from the
// canonical ones; members must stand in the order of the specification, since
// the document is read in one pass. Everything that a Scanner and CheckItems
// refuse is refused. Memory is bounded by the largest line. When it fails, what
// was written is not a whole document. Error offsets are into src; a fault of a
// value is placed where the value's item or line begins.
func Canonicalize(dst io.Writer, src io.Reader) error {
	c := &canonicalizer{dec: jsontext.NewDecoder(src), dst: dst}
	if err := c.document(); err != nil {
		return err
	}
	return c.flush()
}

// canonicalizer builds the canonical text line by line. It knows where lines
// break; whether a line is right it leaves to the Scanner.
type canonicalizer struct {
	dec   *jsontext.Decoder
	dst   io.Writer
	out   []byte // not written yet
	line  int    // where in out the current line begins
	start int64  // where in src the current line begins
	scan  Scanner
	width Width // of the items of the open list
}

func (c *canonicalizer) document() error {
	if err := c.delim('{'); err != nil {
		return err
	}
	c.out = append(c.out, '{')
	for _, name := range []string{"litekeep", "source", "database"} {
		if err := c.simpleMember(name); err != nil {
			return err
		}
		c.out = append(c.out, ',')
		if err := c.endLine(); err != nil {
			return err
		}
	}
	lists := []struct {
		name string
		item func() error
	}{{"schema", c.item}, {"tables", c.container}, {"indexes", c.container}}
	for _, l := range lists {
		if err := c.list(l.name, l.item); err != nil {
			return err
		}
	}
	if err := c.simpleMember("end"); err != nil {
		return err
	}
	return c.endDocument()
}

func (c *canonicalizer) endDocument() error {
	if err := c.delim('}'); err != nil {
		return err
	}
	c.out = append(c.out, '}')
	if err := c.endLine(); err != nil {
		return err
	}
	if _, err := c.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return c.fault("something follows the document")
	}
	return c.scan.Close()
}

// simpleMember reads a member of the outermost object into the current line.
func (c *canonicalizer) simpleMember(name string) error {
	if err := c.memberName(name); err != nil {
		return err
	}
	return c.value()
}

// memberName reads the name of a member of the outermost object.
func (c *canonicalizer) memberName(name string) error {
	if kind := c.dec.PeekKind(); kind == '}' {
		return c.fault(fmt.Sprintf("the member %q is missing", name))
	}
	tok, err := c.dec.ReadToken()
	if err != nil {
		return c.readError(err)
	}
	if got := tok.String(); got != name {
		return c.fault(fmt.Sprintf("the member %q stands where %q must", got, name))
	}
	c.out = appendString(c.out, []byte(name))
	c.out = append(c.out, ':')
	return nil
}

// list reads the member of the outermost object that is a list, with item for
// each of what it holds.
func (c *canonicalizer) list(name string, item func() error) error {
	if err := c.memberName(name); err != nil {
		return err
	}
	if err := c.items(item); err != nil {
		return err
	}
	c.out = append(c.out, ']', ',')
	return c.endLine()
}

// items reads a list, one item a line.
func (c *canonicalizer) items(item func() error) error {
	if err := c.delim('['); err != nil {
		return err
	}
	c.out = append(c.out, '[')
	if err := c.endLine(); err != nil {
		return err
	}
	for c.dec.PeekKind() != ']' {
		if err := item(); err != nil {
			return err
		}
		switch c.dec.PeekKind() {
		case ']':
		case jsontext.KindInvalid:
			_, err := c.dec.ReadToken()
			return c.readError(err)
		default:
			c.out = append(c.out, ',')
		}
		if err := c.endLine(); err != nil {
			return err
		}
	}
	return c.delim(']')
}

// item reads an item line, without its comma.
func (c *canonicalizer) item() error { return c.value() }

// container reads a table or an index: the members up to its list of items make
// the opening line. What the members are called is for the Scanner to judge.
func (c *canonicalizer) container() error {
	if err := c.delim('{'); err != nil {
		return err
	}
	c.out = append(c.out, '{')
	for {
		name, err := c.dec.ReadToken()
		if err != nil {
			return c.readError(err)
		}
		if name.Kind() == '}' {
			return c.fault("the list of rows or entries is missing")
		}
		text := name.String()
		c.out = appendString(c.out, []byte(text))
		c.out = append(c.out, ':')
		if text == "rows" || text == "entries" {
			break
		}
		if err := c.value(); err != nil {
			return err
		}
		c.out = append(c.out, ',')
	}
	if err := c.items(c.item); err != nil {
		return err
	}
	c.out = append(c.out, CloseList...)
	return c.delim('}')
}

// value reads one value of any kind and appends its canonical form.
func (c *canonicalizer) value() error {
	base := c.dec.StackDepth()
	for {
		if err := c.token(); err != nil {
			return err
		}
		depth := c.dec.StackDepth()
		if depth == base {
			return nil
		}
		if depth > maxNesting {
			return c.fault("the document is nested too deeply")
		}
	}
}

// token reads one token and appends its canonical form, with the comma or colon
// that stands before it.
func (c *canonicalizer) token() error {
	kind := c.dec.PeekKind()
	if kind != ']' && kind != '}' {
		c.separate()
	}
	switch kind {
	case '{', '}', '[', ']':
		c.out = append(c.out, byte(kind))
		return c.delim(kind)
	}
	raw, err := c.dec.ReadValue()
	if err != nil {
		return c.readError(err)
	}
	switch kind {
	case '"':
		c.out = appendRequoted(c.out, raw)
	case '0':
		return c.number(raw)
	default:
		c.out = append(c.out, raw...)
	}
	return nil
}

// separate appends what stands between the token before and the next one, within
// the line: nothing at its start, after an opening, and after what stands there
// already.
func (c *canonicalizer) separate() {
	if len(c.out) == c.line {
		return
	}
	switch c.out[len(c.out)-1] {
	case '[', '{', ':', ',':
		return
	}
	// In an object the decoder counts names and values.
	kind, length := c.dec.StackIndex(c.dec.StackDepth())
	if kind == '{' && length%2 == 1 {
		c.out = append(c.out, ':')
	} else {
		c.out = append(c.out, ',')
	}
}

// number appends a number in its canonical form.
func (c *canonicalizer) number(raw []byte) error {
	if !bytes.ContainsAny(raw, ".eE") {
		c.out = append(c.out, raw...)
		return nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(f, 0) {
		return c.fault("a number is too large: " + string(raw[:min(len(raw), excerptLen)]))
	}
	c.out = appendReal(c.out, f)
	return nil
}

// appendRequoted appends the JSON string raw, which is valid, with canonical
// escapes.
func appendRequoted(dst, raw []byte) []byte {
	dst = append(dst, '"')
	b := raw[1 : len(raw)-1]
	for {
		n, _ := plainRun(b, 0)
		dst = append(dst, b[:n]...)
		if n == len(b) {
			return append(dst, '"')
		}
		r, size := rune(b[n]), 1
		if r == '\\' {
			r, size = anyEscape(b[n:])
		}
		if r < utf8.RuneSelf && isStop(byte(r)) {
			dst = appendEscape(dst, byte(r))
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		b = b[n+size:]
	}
}

// anyEscape decodes the escape at the start of b, of any valid form, and returns
// its length.
func anyEscape(b []byte) (r rune, size int) {
	switch b[1] {
	case 'b':
		return '\b', 2
	case 't':
		return '\t', 2
	case 'n':
		return '\n', 2
	case 'f':
		return '\f', 2
	case 'r':
		return '\r', 2
	case 'u':
		unit := hexUnit(b[2:6])
		if unit&^0x3ff != 0xd800 {
			return unit, 6
		}
		return (unit&0x3ff)<<10 + hexUnit(b[8:12])&0x3ff + 0x10000, 12
	}
	return rune(b[1]), 2
}

// hexUnit decodes four hexadecimal digits.
func hexUnit(b []byte) (unit rune) {
	for _, h := range b {
		if h >= 'A' {
			h += 9 // the low four bits of a letter are its value less nine
		}
		unit = unit<<4 | rune(h&15)
	}
	return unit
}

// delim reads the given bracket or brace.
func (c *canonicalizer) delim(want jsontext.Kind) error {
	tok, err := c.dec.ReadToken()
	if err != nil {
		return c.readError(err)
	}
	if tok.Kind() != want {
		return c.fault(fmt.Sprintf("want %c", want))
	}
	return nil
}

// endLine checks the current line and begins the next.
func (c *canonicalizer) endLine() error {
	c.out = append(c.out, '\n')
	if err := c.scan.Feed(c.out[c.line:], c.check); err != nil {
		if e := (*SyntaxError)(nil); errors.As(err, &e) {
			return &SyntaxError{Offset: c.start, Msg: e.Msg, Err: e.Err}
		}
		return err
	}
	c.line = len(c.out)
	c.start = c.dec.InputOffset()
	if len(c.out) < flushSize {
		return nil
	}
	return c.flush()
}

// check checks what the Scanner leaves unchecked.
func (c *canonicalizer) check(ev Event) error {
	switch ev.Kind {
	case EventTableOpen:
		c.width = ev.Table.Width()
	case EventIndexOpen:
		c.width = AnyWidth
	case EventItems:
		_, err := CheckItems(ev.Items, c.width)
		return err
	}
	return nil
}

// flush writes the lines that are complete, which all are when it is called.
func (c *canonicalizer) flush() error {
	if _, err := c.dst.Write(c.out); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	c.out, c.line = c.out[:0], 0
	return nil
}

// fault makes the error for what is wrong where the decoder stands.
func (c *canonicalizer) fault(msg string) error {
	return &SyntaxError{Offset: c.dec.InputOffset(), Msg: msg}
}

// readError turns an error of the decoder into one of this package.
func (c *canonicalizer) readError(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &SyntaxError{Offset: c.dec.InputOffset(), Msg: errTruncated.Error(), Err: errTruncated}
	case errors.As(err, &syntax):
		return &SyntaxError{Offset: syntax.ByteOffset, Msg: syntax.Error(), Err: err}
	}
	return fmt.Errorf("read document: %w", err)
}
