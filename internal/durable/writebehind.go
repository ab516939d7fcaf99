package durable

import "os"

// WriteBehind has the system store a file while it grows, so that whoever syncs it
// at the end does not wait for all of it. The zero value is that of an empty file.
type WriteBehind struct {
	begun int64 // what is before it is under way, or stored
}

// portion is how much is stored at once.
const portion = 8 << 20

// Written says that f was written to, up to the offset end.
func (w *WriteBehind) Written(f *os.File, end int64) {
	if n := end - w.begun; n >= portion {
		startWriteback(f, w.begun, n)
		w.begun = end
	}
}
