package document

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/litekeep/litekeep/internal/value"
)

// fuzzItems are the seeds that hold item lines.
var fuzzItems = []string{
	"[]\n", "[1,\"Ada\",null]\n", "[1],\n[2]\n", "[-9223372036854775808,9223372036854775807]\n",
	"[0.1,-0.0,5e-324,1e+21,0.30000000000000004,123456789012345680.0,0.00001]\n",
	"[{\"blob\":\"AAEC/w==\"},{\"text\":\"/w==\"},{\"real\":\"-Inf\"}]\n",
	"[\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u007f/漢😀\"]\n", "[\"12345678\\\"12345678\xff\"]\n", "[1.50]\n", "[01]\n",
}

// FuzzParseRow checks that what is accepted is what the encoder writes.
func FuzzParseRow(f *testing.F) {
	for _, s := range fuzzItems {
		f.Add(bytes.TrimRight([]byte(s), "\n"))
	}
	f.Fuzz(func(t *testing.T, item []byte) {
		row, err := ParseRow(bytes.Clone(item), nil)
		if err != nil {
			return
		}
		if again := AppendRow(nil, row); !bytes.Equal(again, item) {
			t.Fatalf("%q is accepted and written as %q", item, again)
		}
		if !json.Valid(item) {
			t.Fatalf("%q is accepted but is no JSON", item)
		}
	})
}

// FuzzCheckItems checks that the two readers of items accept the same.
func FuzzCheckItems(f *testing.F) {
	for _, s := range fuzzItems {
		f.Add([]byte(s), -1)
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, run []byte, columns int) {
		w := AnyWidth
		if columns >= 0 {
			w = exactly(columns)
		}
		checked, parsed := verdicts(run, w)
		if (checked == nil) != (parsed == nil) {
			t.Fatalf("%q: CheckItems %v, ParseRow %v", run, checked, parsed)
		}
	})
}

// FuzzReal looks for a number that is read or written wrongly.
func FuzzReal(f *testing.F) {
	for _, s := range []string{"0.1", "0.30000000000000004", "9007199254740993.0", "1e+21", "5e-324", "0.000012345678901234567"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, end := readReal(text, 0)
		if check := checkReal(text, 0); check != end {
			t.Fatalf("%q: checkReal %d, readReal %d", text, check, end)
		}
		if end < 0 {
			return
		}
		if want := specReal(got); want != string(text[:end]) {
			t.Fatalf("%q is accepted; the canonical form is %q", text[:end], want)
		}
	})
}

// FuzzScanner checks that a document that is accepted is what the writer writes.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("{\"litekeep\":2,\n"))
	f.Add([]byte(small[:len(small)/2]))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := scan(text)
		if err != nil {
			return
		}
		again := d.sample
		encoded := again.encode()
		// encode always writes the same digest.
		encoded = bytes.Replace(encoded, []byte(again.end().Digest), []byte(d.end.Digest), 1)
		if !bytes.Equal(encoded, text) {
			t.Fatalf("%q is accepted and written as %q", text, encoded)
		}
	})
}

// FuzzCanonicalize checks that what comes out is canonical, stays as it is when
// canonicalized again, and says the same as what went in.
func FuzzCanonicalize(f *testing.F) {
	f.Add([]byte(small))
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(small), "", "  "); err != nil {
		f.Fatal(err)
	}
	f.Add(indented.Bytes())
	f.Add(escapeAll([]byte(small)))
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := canonical(text)
		if err != nil {
			if _, err := scan(text); err == nil {
				t.Fatalf("%q is canonical and is refused", text)
			}
			return
		}
		if _, err := scan(out); err != nil {
			t.Fatalf("%q gives %q: %v", text, out, err)
		}
		if again, err := canonical(out); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q gives %q, %v", out, again, err)
		}
		sameJSON(t, text, out)
	})
}

// sameJSON compares two documents with another decoder.
func sameJSON(t *testing.T, a, b []byte) {
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%q: %v", a, err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	m, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	n, err := json.Marshal(y)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m, n) {
		t.Fatalf("%q became %q", a, b)
	}
}

// TestFuzzSeeds makes sure that the seeds reach both verdicts.
func TestFuzzSeeds(t *testing.T) {
	accepted, refused := 0, 0
	for _, s := range fuzzItems {
		if _, err := CheckItems([]byte(s), AnyWidth); err != nil {
			refused++
		} else {
			accepted++
		}
	}
	if accepted < 5 || refused < 2 {
		t.Fatalf("%d seeds accepted, %d refused", accepted, refused)
	}
	if !sameValue(value.OfInt(1), value.OfInt(1)) || sameValue(value.OfInt(1), value.OfFloat(1)) {
		t.Fatal("sameValue does not tell kinds apart")
	}
}
