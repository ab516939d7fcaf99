package pagewriter

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// Writer writes one database file.
type Writer struct {
	out    *out
	header sqlitefile.Header
	roots  []uint32

	mu    sync.Mutex
	open  map[uint32]bool // by root: true while open, false when closed
	page1 *page
}

// New returns a Writer of a file with the settings of h and as many b-trees as
// roots says, beside that of the schema. Of h, Pages is ignored, and of
// LargestRoot it counts only whether it is 0: if not, the file gets pointer-map
// pages. f should be empty. An error wraps [sqlitefile.ErrCorrupt] when h is
// impossible, [ErrFull], or what f returns.
func New(f io.WriterAt, h sqlitefile.Header, roots int) (*Writer, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	w := &Writer{out: newOut(f, &h), header: h, roots: make([]uint32, roots), open: map[uint32]bool{}}
	for i := range w.roots {
		no, err := w.out.reserve()
		if err != nil {
			return nil, err
		}
		w.roots[i] = no
		if err := w.out.mapRoot(no); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Root returns the root page of b-tree i, from 0. The roots stand at the front
// of the file in ascending order, as auto_vacuum demands.
func (w *Writer) Root(i int) uint32 { return w.roots[i] }

// Schema opens the b-tree on page 1, sqlite_schema.
func (w *Writer) Schema() *Table { return w.table(1) }

// Table opens b-tree i as a table with rowids. Each b-tree MUST be opened once
// and closed before the Writer is.
func (w *Writer) Table(i int) *Table { return w.table(w.roots[i]) }

// Index opens b-tree i as an index or a table WITHOUT ROWID. Each b-tree MUST
// be opened once and closed before the Writer is.
func (w *Writer) Index(i int) *Index {
	x := &Index{}
	w.begin(&x.tree, w.roots[i])
	return x
}

func (w *Writer) table(root uint32) *Table {
	t := &Table{tree: tree{table: true}}
	w.begin(&t.tree, root)
	return t
}

// begin sets up a b-tree. One that was opened before accepts nothing.
func (w *Writer) begin(t *tree, root uint32) {
	t.w, t.root = w, root
	t.maxLocal = sqlitefile.MaxLocal(t.table, w.out.usable)
	t.leaf = w.out.page(leafHead)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, again := w.open[root]; again {
		t.err = fmt.Errorf("b-tree at page %d was opened before", root)
		return
	}
	w.open[root] = true
}

// done notes that a b-tree is complete.
func (w *Writer) done(root uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[root] = false
}

// setPage1 keeps page 1, which is written last.
func (w *Writer) setPage1(p *page) error {
	if err := w.out.mapChildren(1, p); err != nil {
		return err
	}
	p.toPage1()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.page1 = &page{buf: append([]byte(nil), p.buf...)}
	return nil
}

// Pages returns the number of pages of the file, as far as it has been written.
func (w *Writer) Pages() uint32 {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	return w.out.pages()
}

// Close writes what is left: pointer maps, the buffer, and page 1 with the file
// header. It refuses to while a b-tree is missing, and after an error of the
// file, which it returns. It neither syncs nor closes the file.
func (w *Writer) Close() error {
	if err := w.out.failed(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.page1 == nil {
		return errors.New("schema is not written")
	}
	for _, root := range w.roots {
		if open, ok := w.open[root]; open || !ok {
			return fmt.Errorf("b-tree at page %d is not written", root)
		}
	}
	w.header.Pages = w.Pages()
	if w.header.LargestRoot != 0 {
		w.header.LargestRoot = 1
		if n := len(w.roots); n > 0 {
			w.header.LargestRoot = w.roots[n-1]
		}
	}
	var head [sqlitefile.HeaderSize]byte
	w.header.Put(head[:])
	copy(w.page1.buf, head[:])
	return w.out.finish(w.page1.buf)
}
