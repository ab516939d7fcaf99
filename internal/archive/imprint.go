package archive

import (
	"math/rand/v2"

	"github.com/zeebo/xxh3"
)

// An Imprint is a hash of a frame's text that is good in this process alone: it
// tells whether what is read back is the text that was in memory when its SHA-256
// was taken, at a thirtieth of the cost of taking that again. It is XXH3 of 128
// bits, which finds damage and does not resist forgery; its seed is drawn when the
// process starts, so that nobody can have prepared a text for it.
type Imprint xxh3.Uint128

var imprintSeed = rand.Uint64() // from the system's entropy

func imprintOf(parts ...[]byte) Imprint {
	if len(parts) == 1 {
		return Imprint(xxh3.Hash128Seed(parts[0], imprintSeed))
	}
	h := xxh3.NewSeed(imprintSeed)
	for _, p := range parts {
		_, _ = h.Write(p) // never fails
	}
	return Imprint(h.Sum128())
}
