package indexsort

import (
	"errors"
	"testing"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// FuzzCompare finds that any two records that are accepted have an order, that
// it is antisymmetric, and that key words agree with it.
func FuzzCompare(f *testing.F) {
	f.Add([]byte{2, 1, 5}, []byte{3, 1, 0, 6}, byte(0))
	f.Add([]byte{2, 15, 'a'}, []byte{2, 15, 'A'}, byte(1))
	f.Add([]byte{2, 15, ' '}, []byte{2, 13}, byte(2))
	f.Add([]byte{2, 7, 0x43, 0x40, 0, 0, 0, 0, 0, 0}, []byte{2, 6, 0, 0x20, 0, 0, 0, 0, 0, 1}, byte(4))
	f.Add([]byte{2, 7, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, []byte{2, 0}, byte(0))
	f.Add([]byte{2, 17, 0, 0xd8}, []byte{2, 17, 'a', 0}, byte(1+8))
	f.Add([]byte{2, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{2, 26, 0, 0, 0, 0, 0, 0, 0}, byte(4))
	f.Add([]byte{0x81, 0}, []byte{1}, byte(0))
	f.Fuzz(func(t *testing.T, x, y []byte, how byte) {
		columns := []Column{{Collation: Collation(how & 3 % 3), Desc: how&4 != 0}}
		o := order{columns: columns, enc: sqlitefile.Encoding(how>>3%3 + 1)}
		if o.validate(x) != nil || o.validate(y) != nil {
			return
		}
		c := o.compare(x, y)
		if o.compare(y, x) != -c || o.compare(x, x) != 0 || o.compare(y, y) != 0 {
			t.Fatalf("%x and %x have no order", x, y)
		}
		checkValues(t, &o, x, y, c)
		a, b := fieldsOf(x), fieldsOf(y)
		v, w := o.word(&a, 0, 0), o.word(&b, 0, 0)
		if v < w && c >= 0 || v > w && c <= 0 {
			t.Fatalf("%x and %x compare as %d, their words are %x and %x", x, y, c, v, w)
		}
		checkDepths(t, &o, x, y, v, w, c)
	})
}

// checkValues compares what two records decode to.
func checkValues(t *testing.T, o *order, x, y []byte, want int) {
	a, errA := sqlitefile.DecodeRecord(x, nil)
	b, errB := sqlitefile.DecodeRecord(y, nil)
	if errA != nil || errB != nil { // a sort can do with more bytes than the fields have
		return
	}
	c := NewComparer(o.columns, o.enc)
	if err := errors.Join(c.ValidateValues(a), c.ValidateValues(b)); err != nil {
		t.Fatal(err)
	}
	if got := c.CompareValues(a, b); got != want {
		t.Fatalf("the values of %x and %x compare as %d, the records as %d", x, y, got, want)
	}
}

// checkDepths follows the words of two records as the sort does.
func checkDepths(t *testing.T, o *order, x, y []byte, v, w uint64, c int) {
	for col, depth, ok := 0, 0, true; v == w; {
		if col, depth, ok = o.after(v, col, depth); !ok {
			return
		}
		a, b := fieldsOf(x), fieldsOf(y)
		for range col {
			a.next()
			b.next()
		}
		v, w = o.word(&a, col, depth), o.word(&b, col, depth)
		if v < w && c >= 0 || v > w && c <= 0 {
			t.Fatalf("%x and %x compare as %d, their words at %d, %d are %x and %x", x, y, c, col, depth, v, w)
		}
	}
}
