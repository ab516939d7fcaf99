package pagereader

import (
	"iter"
	"math"
)

// maxDepth bounds the height of a b-tree. Fan-out is at least two, so a tree of
// 2^32 pages is lower.
const maxDepth = 32

// A Batch has batchPages leaf pages, or fewer when they have batchBytes.
const (
	batchPages = 64
	batchBytes = 256 << 10
)

// A Tree is one b-tree.
type Tree struct {
	f     *File
	root  uint32
	table bool
}

// Table returns the b-tree with rowids whose root is page root.
func (f *File) Table(root uint32) *Tree { return &Tree{f: f, root: root, table: true} }

// Index returns the b-tree of an index or of a WITHOUT ROWID table whose root
// is page root.
func (f *File) Index(root uint32) *Tree { return &Tree{f: f, root: root} }

// IsTable reports whether the b-tree at root has rowids. It claims no page.
func (f *File) IsTable(root uint32) (bool, error) {
	if root == 0 || root > f.pages {
		return false, f.corrupt(root, "does not exist: the database has %d pages", f.pages)
	}
	b := make([]byte, f.header.PageSize)
	if err := f.read(root, b); err != nil {
		return false, err
	}
	n, err := f.parse(root, b)
	return n.kind.Table(), err
}

// A Batch is a run of neighbouring rows of one b-tree.
type Batch struct {
	items []item
	table bool
	root  uint32
}

// item is a leaf page or, if cell is not negative, that cell of an interior
// page of an index b-tree.
type item struct {
	page uint32
	cell int32
	// Bounds of the rowids on a leaf page of a table: low < rowid <= high.
	low, high int64
	noLow     bool // low is below every rowid
}

// Batches walks the interior pages in key order.
func (t *Tree) Batches() iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		w := walker{tree: t, yield: yield, most: min(batchPages, max(1, batchBytes/t.f.header.PageSize))}
		w.begin()
		err := w.walk(t.root, 0, item{noLow: true, high: math.MaxInt64, cell: -1})
		switch {
		case w.stopped:
		case err != nil:
			yield(nil, err)
		case len(w.batch.items) > 0:
			yield(w.batch, nil)
		}
	}
}

type walker struct {
	tree     *Tree
	yield    func(*Batch, error) bool
	batch    *Batch
	leaves   int // in batch
	most     int // leaves of a batch
	stopped  bool
	pages    [][]byte // one buffer a level
	leafAt   int      // depth of the leaves, which all have the same
	leafSeen bool
}

// walk visits the subtree of page at depth, whose bounds are those of b.
func (w *walker) walk(page uint32, depth int, b item) error {
	f := w.tree.f
	if depth > maxDepth {
		return f.corrupt(page, "is deeper than %d levels", maxDepth)
	}
	// All leaves have the depth of the first, so the others need not be read
	// here to know that they are leaves; a Cursor checks it.
	if w.leafSeen && depth == w.leafAt {
		return w.leaf(page, b)
	}
	n, err := w.read(page, depth)
	if err != nil {
		return err
	}
	if n.kind.Table() != w.tree.table {
		return f.corrupt(page, "has the type %#02x, which does not belong to this kind of b-tree", byte(n.kind))
	}
	if n.cells == 0 && n.kind.Interior() && page != 1 {
		return f.corrupt(page, "is an interior page without cells")
	}
	if !n.kind.Interior() {
		if w.leafSeen {
			return f.corrupt(page, "is a leaf at depth %d of a b-tree whose leaves are at depth %d", depth, w.leafAt)
		}
		w.leafSeen, w.leafAt = true, depth
		return w.leaf(page, b)
	}
	if err := f.claim(page); err != nil {
		return err
	}
	return w.children(n, depth, b)
}

func (w *walker) read(page uint32, depth int) (node, error) {
	f := w.tree.f
	if page == 0 || page > f.pages {
		return node{}, f.corrupt(page, "does not exist: the database has %d pages", f.pages)
	}
	for len(w.pages) <= depth {
		w.pages = append(w.pages, make([]byte, f.header.PageSize))
	}
	if err := f.read(page, w.pages[depth]); err != nil {
		return node{}, err
	}
	return f.parse(page, w.pages[depth])
}

func (w *walker) children(n node, depth int, b item) error {
	f := w.tree.f
	for i := 0; i <= n.cells; i++ {
		c := b
		child, err := f.child(&n, i)
		if err != nil {
			return err
		}
		if w.tree.table && i < n.cells {
			if c.high, err = f.interiorKey(&n, i); err != nil {
				return err
			}
			if c.high > b.high || !b.noLow && c.high <= b.low {
				return f.corrupt(n.number, "has the rowid %d out of order", c.high)
			}
		}
		if err := w.walk(child, depth+1, c); err != nil || w.stopped {
			return err
		}
		b.low, b.noLow = c.high, false
		if !w.tree.table && i < n.cells {
			if w.add(item{page: n.number, cell: int32(i)}); w.stopped {
				return nil
			}
		}
	}
	return nil
}

func (w *walker) leaf(page uint32, b item) error {
	if err := w.tree.f.claim(page); err != nil {
		return err
	}
	b.page, b.cell = page, -1
	w.add(b)
	return nil
}

func (w *walker) add(i item) {
	w.batch.items = append(w.batch.items, i)
	if i.cell < 0 {
		w.leaves++
	}
	if w.leaves >= w.most {
		w.stopped = !w.yield(w.batch, nil)
		w.begin()
	}
}

func (w *walker) begin() {
	w.batch, w.leaves = &Batch{table: w.tree.table, root: w.tree.root}, 0
}
