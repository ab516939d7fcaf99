package sqlitefile_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// localPayload is "B-tree Pages" of the format, word by word: U is the usable
// size, P the payload size; X is the most that is stored without overflow, M
// the least that stays on the page otherwise.
func localPayload(table bool, u, p int64) int64 {
	x := (u-12)*64/255 - 23
	if table {
		x = u - 35
	}
	m := (u-12)*32/255 - 23
	k := m + (p-m)%(u-4)
	switch {
	case p <= x:
		return p
	case k <= x:
		return k
	}
	return m
}

func TestLocalPayload(t *testing.T) {
	// The extremes that the format names for pages of 512 and of 65536 bytes.
	for _, c := range []struct {
		table bool
		u     int
		max   int
	}{{true, 512, 477}, {false, 512, 102}, {true, 4096, 4061}, {false, 4096, 1002}, {false, 480, 94}, {true, 65536, 65501}} {
		if got := sqlitefile.MaxLocal(c.table, c.u); got != c.max {
			t.Errorf("MaxLocal(%v, %d) = %d, want %d", c.table, c.u, got, c.max)
		}
		if got := sqlitefile.LocalPayload(c.table, c.u, int64(c.max)); got != c.max {
			t.Errorf("LocalPayload(%v, %d, %d) = %d", c.table, c.u, c.max, got)
		}
		if got := sqlitefile.LocalPayload(c.table, c.u, int64(c.max)+1); got > c.max {
			t.Errorf("LocalPayload(%v, %d, %d) = %d", c.table, c.u, c.max+1, got)
		}
	}
	// Where K is exactly X, and one more.
	for _, u := range []int{480, 512, 4096, 65536} {
		for _, table := range []bool{true, false} {
			for j := range 3 {
				p := int64(sqlitefile.MaxLocal(table, u) + (j+1)*(u-4))
				for _, p := range []int64{p - 1, p, p + 1} {
					if got, want := sqlitefile.LocalPayload(table, u, p), localPayload(table, int64(u), p); int64(got) != want {
						t.Errorf("LocalPayload(%v, %d, %d) = %d, want %d", table, u, p, got, want)
					}
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		h := headers().Draw(t, "header")
		table, u := rapid.Bool().Draw(t, "table"), h.Usable()
		p := rapid.OneOf(rapid.Int64Range(0, 4*int64(u)), rapid.Int64Range(0, math.MaxInt32)).Draw(t, "payload")
		got := sqlitefile.LocalPayload(table, u, p)
		if want := localPayload(table, int64(u), p); int64(got) != want {
			t.Fatalf("LocalPayload(%v, %d, %d) = %d, want %d", table, u, p, got, want)
		}
		if rest := p - int64(got); rest > 0 && got > u-35 {
			t.Fatalf("%d of %d bytes do not fit on a page of %d", got, p, u)
		}
	})
}

// TestPointerMapPage goes through the pages of a file as "Pointer Map or Ptrmap
// Pages" has it: page 2 is one, and describes the J = U/5 pages that follow it;
// so does the page after these, and so on. The page at the lock byte is none:
// the pointer map is the page after it then.
func TestPointerMapPage(t *testing.T) {
	for _, c := range []struct{ size, usable int }{{512, 512}, {512, 480}, {1024, 1024}, {4096, 4000}, {65536, 65536}, {65536, 65281}} {
		lock := sqlitefile.LockBytePage(c.size)
		j := uint32(c.usable / 5)
		last := lock + 3*j
		for group := uint32(2); group <= last; group += j + 1 {
			m := group
			if m == lock {
				m++
			}
			for p := group; p <= group+j; p++ {
				if near := p <= 4*j || p+2*j >= lock; !near {
					p = group + j // the middle of the file is like its start
				}
				if got := sqlitefile.PointerMapPage(p, c.size, c.usable); got != m {
					t.Fatalf("pages of %d, %d usable: page %d is described on page %d, want %d", c.size, c.usable, p, got, m)
				}
			}
		}
	}
	for _, p := range []uint32{0, 1} {
		if got := sqlitefile.PointerMapPage(p, 512, 512); got != 0 {
			t.Errorf("page %d is described on page %d", p, got)
		}
	}
}

func TestLockBytePage(t *testing.T) {
	for size, want := range map[int]uint32{512: 2097153, 1024: 1048577, 4096: 262145, 65536: 16385} {
		if got := sqlitefile.LockBytePage(size); got != want {
			t.Errorf("LockBytePage(%d) = %d, want %d", size, got, want)
		}
	}
}

func TestPageType(t *testing.T) {
	for b := range 256 {
		p := sqlitefile.PageType(b)
		valid := b == 2 || b == 5 || b == 10 || b == 13
		interior, table, head := b == 2 || b == 5, b == 5 || b == 13, 8
		if interior {
			head = 12
		}
		if p.Valid() != valid || valid && (p.Interior() != interior || p.Table() != table || p.HeaderLen() != head) {
			t.Errorf("type %#02x: valid %v, interior %v, table %v, header of %d", b, p.Valid(), p.Interior(), p.Table(), p.HeaderLen())
		}
	}
}
