package archive

import "hash/maphash"

// An Imprint is a hash of a frame's text that is good in this process alone: it
// tells whether what is read back is the text that was in memory when its SHA-256
// was taken, at a tenth of the cost of taking that again. Its key is drawn when
// the process starts, so that no kind of damage can hit on it: a wrong text passes
// with a chance of 2^-64.
type Imprint uint64

var imprintKey = maphash.MakeSeed()

func imprintOf(parts ...[]byte) Imprint {
	if len(parts) == 1 {
		return Imprint(maphash.Bytes(imprintKey, parts[0]))
	}
	var h maphash.Hash
	h.SetSeed(imprintKey)
	for _, p := range parts {
		_, _ = h.Write(p) // never fails
	}
	return Imprint(h.Sum64())
}
