package export

import (
	"hash/maphash"
	"math"
	"math/bits"

	"github.com/litekeep/litekeep/internal/value"
)

// tally is an order-free sum of index entries: equal sets have equal tallies,
// and others practically never, since the hash of an entry depends on secrets
// that this process has drawn.
type tally struct{ count, sum uint64 }

func (t *tally) add(o tally) {
	t.count += o.count
	t.sum += o.sum
}

// seed is the seed of all tallies of this process.
var seed = maphash.MakeSeed()

// secrets has a multiplier for each kind of field, one to begin with, and one to
// end with.
var secrets = func() (s [int(value.RawText) + 3]uint64) {
	for i := range s {
		s[i] = maphash.Comparable(seed, i) | 1
	}
	// Whether stored text is well-formed is not asked here.
	s[value.Text] = s[value.RawText]
	return s
}()

const (
	firstSecret = int(value.RawText) + 1
	lastSecret  = firstSecret + 1
)

// entryHash is the hash of an entry so far.
type entryHash uint64

func newEntryHash() entryHash { return entryHash(secrets[firstSecret]) }

// add takes the next field. Real says that its column has REAL affinity, where
// a whole number may be stored as an integer in one place and not in another. One
// that no float64 may have is another value: SQLite 3.40 put some into indexes. A row
// never has one, since SQL sees reals alone in such a column.
func (h entryHash) add(w word, real bool) entryHash {
	if real && w.kind == value.Integer && w.x+1<<53 <= 1<<54 {
		w = word{math.Float64bits(float64(int64(w.x))), value.Real}
	}
	return entryHash(fold(uint64(h)^w.x, secrets[w.kind]))
}

func (h entryHash) sum() uint64 { return fold(uint64(h), secrets[lastSecret]) }

// fold multiplies two words and folds the product into one.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
