package pagereader

import (
	"encoding/binary"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// node is one b-tree page in memory.
type node struct {
	number uint32
	data   []byte // the whole page
	kind   sqlitefile.PageType
	base   int // where the b-tree page header begins: 100 on page 1
	cells  int
}

// parse checks the page header and that the cell pointers lie on the page.
func (f *File) parse(number uint32, data []byte) (node, error) {
	n := node{number: number, data: data}
	if number == 1 {
		n.base = sqlitefile.HeaderSize
	}
	n.kind = sqlitefile.PageType(data[n.base])
	if !n.kind.Valid() {
		return n, f.corrupt(number, "has the type %#02x, which is no b-tree page", data[n.base])
	}
	n.cells = int(binary.BigEndian.Uint16(data[n.base+3:]))
	if n.pointers()+2*n.cells > f.header.Usable() {
		return n, f.corrupt(number, "has %d cells, more than fit", n.cells)
	}
	return n, nil
}

func (n *node) pointers() int { return n.base + n.kind.HeaderLen() }

// cell returns the usable bytes of the page from cell i on.
func (f *File) cell(n *node, i int) ([]byte, error) {
	at := int(binary.BigEndian.Uint16(n.data[n.pointers()+2*i:]))
	if at < n.pointers()+2*n.cells || at > f.header.Usable()-4 {
		return nil, f.corrupt(n.number, "has cell %d at byte %d, outside its content", i, at)
	}
	return n.data[at:f.header.Usable()], nil
}

// child returns the page number that cell i of an interior page points to; the
// cell after the last stands for the right-most pointer.
func (f *File) child(n *node, i int) (uint32, error) {
	if i == n.cells {
		return binary.BigEndian.Uint32(n.data[n.base+8:]), nil
	}
	c, err := f.cell(n, i)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(c), nil
}

// payload is where the bytes of a record are.
type payload struct {
	local    []byte
	size     int64
	overflow uint32 // 0 if local is all
}

// payloadAt decodes what follows the payload length in a cell.
func (f *File) payloadAt(n *node, i int, c []byte, size uint64) (payload, error) {
	if size > uint64(f.pages)*uint64(f.header.PageSize) {
		return payload{}, f.corrupt(n.number, "has a record of %d bytes in cell %d", size, i)
	}
	p := payload{size: int64(size)}
	k := sqlitefile.LocalPayload(n.kind.Table(), f.header.Usable(), p.size)
	rest := 0
	if int64(k) < p.size {
		rest = 4
	}
	if k+rest > len(c) {
		return p, f.corrupt(n.number, "has a record in cell %d that runs off the page", i)
	}
	p.local = c[:k:k]
	if rest > 0 {
		p.overflow = binary.BigEndian.Uint32(c[k:])
	}
	return p, nil
}

// tableCell decodes cell i of a table leaf page.
func (f *File) tableCell(n *node, i int) (int64, payload, error) {
	c, err := f.cell(n, i)
	if err != nil {
		return 0, payload{}, err
	}
	size, a := sqlitefile.Varint(c)
	rowid, b := sqlitefile.Varint(c[a:])
	if a == 0 || b == 0 {
		return 0, payload{}, f.corrupt(n.number, "has a cell %d that runs off the page", i)
	}
	p, err := f.payloadAt(n, i, c[a+b:], size)
	return int64(rowid), p, err
}

// indexCell decodes cell i of an index page, without its child pointer.
func (f *File) indexCell(n *node, i int) (payload, error) {
	c, err := f.cell(n, i)
	if err != nil {
		return payload{}, err
	}
	if n.kind.Interior() {
		c = c[4:]
	}
	size, a := sqlitefile.Varint(c)
	if a == 0 {
		return payload{}, f.corrupt(n.number, "has a cell %d that runs off the page", i)
	}
	return f.payloadAt(n, i, c[a:], size)
}

// interiorKey decodes the rowid of cell i of a table interior page.
func (f *File) interiorKey(n *node, i int) (int64, error) {
	c, err := f.cell(n, i)
	if err != nil {
		return 0, err
	}
	key, k := sqlitefile.Varint(c[4:])
	if k == 0 {
		return 0, f.corrupt(n.number, "has a cell %d that runs off the page", i)
	}
	return int64(key), nil
}
