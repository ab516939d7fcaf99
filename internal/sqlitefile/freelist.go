package sqlitefile

import (
	"encoding/binary"
	"fmt"
)

// FreelistTrunk decodes a page of the freelist that lists others ("The
// Freelist"): it returns the number of the next such page, 0 after the last one,
// and the leaves that it lists, appended to leaves. usable is the usable page size.
func FreelistTrunk(page []byte, usable int, leaves []uint32) (next uint32, _ []uint32, err error) {
	n := binary.BigEndian.Uint32(page[4:])
	if int64(n) > int64(usable/4-2) {
		return 0, leaves, fmt.Errorf("lists %d free pages, more than fit: %w", n, ErrCorrupt)
	}
	for i := range n {
		leaves = append(leaves, binary.BigEndian.Uint32(page[8+4*i:]))
	}
	return binary.BigEndian.Uint32(page), leaves, nil
}
