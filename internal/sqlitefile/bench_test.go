package sqlitefile

import (
	"testing"

	"github.com/litekeep/litekeep/internal/value"
)

func BenchmarkDecodeRecord(b *testing.B) {
	rec := AppendRecord(nil, []value.Value{
		{},
		value.OfInt(139385), value.OfFloat(6766.18), value.OfText("sent"),
		value.OfText("pn üqzr pks uoyuqjoü esdyz wchofe"), value.OfBlob(make([]byte, 24)),
	}, 4)
	var row []value.Value
	for b.Loop() {
		var err error
		if row, err = DecodeRecord(rec, row); err != nil {
			b.Fatal(err)
		}
	}
}
