package document

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/value"
)

// vectors is testdata/vectors.json, which says what its members are.
type vectors struct {
	About  string `json:"about"`
	Values []struct {
		Kind    string `json:"kind"`
		Decimal string `json:"decimal"`
		Bits    string `json:"bits"`
		Hex     string `json:"hex"`
		JSON    string `json:"json"`
	} `json:"values"`
	OtherForms []struct {
		JSON      string `json:"json"`
		Canonical string `json:"canonical"`
	} `json:"other_forms"`
	RefusedValues    []string `json:"refused_values"`
	Documents        []string `json:"documents"`
	Layouts          []string `json:"layouts"`
	RefusedDocuments []struct {
		Name string `json:"name"`
		Text string `json:"text"`
	} `json:"refused_documents"`
}

func readVectors(t *testing.T) (v vectors) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if len(v.Values) < 90 || len(v.OtherForms) < 10 || len(v.RefusedValues) < 15 ||
		len(v.Documents) != 3 || len(v.Layouts) != 3 || len(v.RefusedDocuments) < 15 {
		t.Fatal("vectors are missing")
	}
	return v
}

func TestVectorValues(t *testing.T) {
	for _, x := range readVectors(t).Values {
		var v value.Value
		var err error
		switch x.Kind {
		case "null":
		case "integer":
			v.Kind = value.Integer
			v.Int, err = strconv.ParseInt(x.Decimal, 10, 64)
		case "real":
			var bits uint64
			bits, err = strconv.ParseUint(x.Bits, 16, 64)
			v = value.OfFloat(math.Float64frombits(bits))
		default:
			v.Kind = map[string]value.Kind{"text": value.Text, "blob": value.Blob, "rawtext": value.RawText}[x.Kind]
			v.Bytes, err = hex.DecodeString(x.Hex)
		}
		if err != nil || v.Kind.String() != strings.TrimPrefix(x.Kind, "raw") {
			t.Fatalf("%+v: %v", x, err)
		}
		if got := string(AppendValue(nil, &v)); got != x.JSON {
			t.Errorf("%+v is written as %s", x, got)
		}
		if _, err := CheckItems([]byte("["+x.JSON+"]\n"), exactly(1)); err != nil {
			t.Errorf("%+v: %v", x, err)
		}
		row, err := ParseRow([]byte("["+x.JSON+"]"), nil)
		if err != nil || !sameValue(row[0], v) {
			t.Errorf("%+v is read as %v, %v", x, row, err)
		}
	}
}

// valueInDocument returns the first document with the value in place of another.
func valueInDocument(t *testing.T, v *vectors, json string) string {
	const place = "[2,null]"
	if !strings.Contains(v.Documents[0], place) {
		t.Fatalf("the first document has no %s", place)
	}
	return strings.Replace(v.Documents[0], place, "[2,"+json+"]", 1)
}

func TestVectorForms(t *testing.T) {
	v := readVectors(t)
	for _, x := range v.OtherForms {
		got, err := canonical([]byte(valueInDocument(t, &v, x.JSON)))
		if err != nil || string(got) != valueInDocument(t, &v, x.Canonical) {
			t.Errorf("%s: %v, not %s", x.JSON, err, x.Canonical)
		}
		if checked, parsed := verdicts([]byte("["+x.JSON+"]\n"), AnyWidth); checked == nil || parsed == nil {
			t.Errorf("%s is taken for canonical", x.JSON)
		}
	}
	for _, x := range v.RefusedValues {
		if _, err := canonical([]byte(valueInDocument(t, &v, x))); err == nil {
			t.Errorf("%s is accepted by Canonicalize", x)
		}
		if checked, parsed := verdicts([]byte("["+x+"]\n"), AnyWidth); checked == nil || parsed == nil {
			t.Errorf("%s is accepted", x)
		}
	}
}

func TestVectorDocuments(t *testing.T) {
	v := readVectors(t)
	for _, text := range v.Documents {
		d, err := scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		again := strings.Replace(string(d.encode()), d.sample.end().Digest, d.end.Digest, 1)
		if diff := cmp.Diff(text, again); diff != "" {
			t.Error(diff)
		}
	}
	for _, text := range append(v.Layouts, v.Documents[0]) {
		got, err := canonical([]byte(text))
		if diff := cmp.Diff(v.Documents[0], string(got)); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	for _, x := range v.RefusedDocuments {
		if _, err := scan([]byte(x.Text)); err == nil {
			t.Errorf("%s: the scanner accepts it", x.Name)
		}
		if _, err := canonical([]byte(x.Text)); err == nil {
			t.Errorf("%s: Canonicalize accepts it", x.Name)
		}
	}
}
