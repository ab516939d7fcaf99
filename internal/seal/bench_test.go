package seal_test

import (
	"fmt"
	"testing"
)

// BenchmarkFrame seals and opens frames of the sizes that compression leaves,
// and a very large one.
func BenchmarkFrame(b *testing.B) {
	k := fileKey(b)
	s := sealer(b, k)
	o := opener(b, s, k)
	for _, n := range []int{64 << 10, 256 << 10, 1 << 20, 32 << 20} {
		stored := make([]byte, n)
		sealed, err := s.AppendFrame(nil, 0, false, stored)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("append/%dKiB", n>>10), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			buf := sealed[:0:0]
			for b.Loop() {
				buf, _ = s.AppendFrame(buf[:0], 0, false, stored)
			}
		})
		b.Run(fmt.Sprintf("open/%dKiB", n>>10), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.OpenFrame(nil, 0, false, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
