package export

import (
	"math"
	"testing"

	"github.com/litekeep/litekeep/internal/value"
)

// TestWholeNumbersOfReals: in a column of REAL affinity an integer is the real of
// the same value, up to where each integer has a real of its own.
func TestWholeNumbersOfReals(t *testing.T) {
	hash := func(v value.Value) uint64 { return newEntryHash().add(wordOf(&v), true).sum() }
	for n, same := range map[int64]bool{0: true, -7: true, 1 << 53: true, -1 << 53: true, 1<<53 + 2: false, math.MaxInt64: false, math.MinInt64: false} {
		if got := hash(value.OfInt(n)) == hash(value.OfFloat(float64(n))); got != same {
			t.Errorf("%d as %g: the same is %v", n, float64(n), got)
		}
	}
}
