package sqlitefile

// PageType is the first byte of a b-tree page.
type PageType byte

// The b-tree page types.
const (
	IndexInterior PageType = 0x02
	TableInterior PageType = 0x05
	IndexLeaf     PageType = 0x0a
	TableLeaf     PageType = 0x0d
)

// Interior reports whether pages of type t have children.
func (t PageType) Interior() bool { return t == IndexInterior || t == TableInterior }

// Table reports whether t belongs to a b-tree with rowids.
func (t PageType) Table() bool { return t == TableInterior || t == TableLeaf }

// Valid reports whether t is one of the four types.
func (t PageType) Valid() bool {
	return t == IndexInterior || t == TableInterior || t == IndexLeaf || t == TableLeaf
}

// HeaderLen returns the length of the b-tree page header.
func (t PageType) HeaderLen() int {
	if t.Interior() {
		return 12
	}
	return 8
}

// lockByte is the offset of the bytes that SQLite locks; the page that holds
// it is never used ("The Lock-Byte Page").
const lockByte = 1 << 30

// LockBytePage returns the number of the page that must stay unused.
func LockBytePage(pageSize int) uint32 { return uint32(lockByte/pageSize) + 1 }

// LocalPayload returns how many bytes of a payload of size n are stored on the
// b-tree page itself when the usable page size is u; the rest goes to overflow
// pages ("B-tree Pages", the symbols P, U, X, M and K there).
func LocalPayload(table bool, u int, n int64) int {
	x := MaxLocal(table, u)
	if n <= int64(x) {
		return int(n)
	}
	m := (u-12)*32/255 - 23
	k := m + int((n-int64(m))%int64(u-4))
	if k <= x {
		return k
	}
	return m
}

// MaxLocal returns the largest payload that is stored without overflow pages.
func MaxLocal(table bool, u int) int {
	if table {
		return u - 35
	}
	return (u-12)*64/255 - 23
}

// PointerMapPage returns the pointer-map page that describes page p in a file
// with auto_vacuum ("Pointer Map or Ptrmap Pages"). p itself is a pointer-map
// page if the result equals p.
func PointerMapPage(p uint32, pageSize, usable int) uint32 {
	if p < 2 {
		return 0
	}
	group := uint32(usable/5) + 1
	m := (p-2)/group*group + 2
	if m == LockBytePage(pageSize) {
		m++
	}
	return m
}

// The types of a pointer-map entry.
const (
	PointerRoot      = 1
	PointerFree      = 2
	PointerOverflow1 = 3 // first page of a chain; its parent is the b-tree page
	PointerOverflow2 = 4 // later page of a chain; its parent is the page before
	PointerBTree     = 5
)
