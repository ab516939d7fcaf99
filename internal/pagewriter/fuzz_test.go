package pagewriter_test

import (
	"encoding/binary"
	"testing"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// FuzzSizes has SQLite check databases whose rows have any sizes: two bytes of
// the input each.
func FuzzSizes(f *testing.F) {
	f.Add([]byte{}, byte(0), byte(0), uint16(0))
	f.Add([]byte{1, 221, 1, 222, 1, 223}, byte(0), byte(0), uint16(7))
	f.Add([]byte{0, 93, 0, 94, 0, 95, 9, 0, 0, 0, 0, 0}, byte(8), byte(32), uint16(1))
	f.Add([]byte{255, 255, 0, 1, 255, 255}, byte(7+16), byte(255), uint16(300))
	f.Fuzz(func(t *testing.T, sizes []byte, kind, reserved byte, pad uint16) {
		h := header(512 << (kind & 7))
		h.Reserved = min(int(reserved), h.PageSize-480)
		h.Encoding = sqlitefile.Encoding(kind>>5%3 + 1)
		if kind&8 != 0 {
			h.LargestRoot = 1
		}
		table := tableShape{index: kind&16 != 0}
		for len(sizes) >= 2 && len(table.sizes) < 2000 {
			table.sizes = append(table.sizes, int(binary.BigEndian.Uint16(sizes)))
			sizes = sizes[2:]
		}
		keyed := tableShape{sizes: table.sizes, withoutRowid: true}
		s := shape{header: h, tables: []tableShape{table, keyed}, sqlPad: int(pad)}
		check(t, write(t, t.TempDir(), s), s)
	})
}
