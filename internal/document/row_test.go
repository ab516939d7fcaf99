package document

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/value"
)

func TestRowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(genValue(), 0, 8).Draw(t, "row")
		item := AppendRow(nil, row)
		run := append(bytes.Clone(item), '\n')
		if n, err := CheckItems(run, exactly(len(row))); n != 1 || err != nil {
			t.Fatalf("CheckItems(%q) = %d, %v", run, n, err)
		}
		if !bytes.Equal(run[:len(item)], item) {
			t.Fatal("CheckItems changed the run")
		}
		got, err := ParseRow(run[:len(item)], nil)
		if err != nil {
			t.Fatalf("ParseRow(%q): %v", item, err)
		}
		if len(got) != len(row) {
			t.Fatalf("ParseRow(%q) has %d values, want %d", item, len(got), len(row))
		}
		for i := range row {
			if !sameValue(got[i], row[i]) {
				t.Fatalf("value %d of %q is %v, want %v", i, item, got[i], row[i])
			}
		}
	})
}

// TestRowAgainstEncodingJSON has another decoder read what AppendRow writes.
func TestRowAgainstEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(genValue(), 0, 8).Draw(t, "row")
		dec := json.NewDecoder(bytes.NewReader(AppendRow(nil, row)))
		dec.UseNumber()
		var got []any
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		want := make([]any, len(row))
		for i := range row {
			want[i] = oracle(t, &row[i])
		}
		for i := range got {
			if n, ok := got[i].(json.Number); ok && strings.ContainsAny(string(n), ".e") {
				f, err := strconv.ParseFloat(string(n), 64)
				if err != nil {
					t.Fatal(err)
				}
				got[i] = math.Float64bits(f)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// oracle returns what encoding/json must make of a value.
func oracle(t *rapid.T, v *value.Value) any {
	switch v.Kind {
	case value.Null:
		return nil
	case value.Integer:
		return json.Number(strconv.FormatInt(v.Int, 10))
	case value.Real:
		if f := v.Float(); math.IsInf(f, 0) {
			return map[string]any{"real": strconv.FormatFloat(f, 'g', -1, 64)}
		}
		return uint64(v.Int)
	case value.Text:
		return string(v.Bytes)
	case value.Blob:
		return map[string]any{"blob": base64.StdEncoding.EncodeToString(v.Bytes)}
	case value.RawText:
		return map[string]any{"text": base64.StdEncoding.EncodeToString(v.Bytes)}
	}
	t.Fatalf("kind %v", v.Kind)
	return nil
}

func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= 0x10ffff; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		text := "1234567" + string(r) + "x"
		item := AppendRow(nil, []value.Value{value.OfText(text)})
		if _, err := CheckItems(append(bytes.Clone(item), '\n'), exactly(1)); err != nil {
			t.Fatalf("%U: %v", r, err)
		}
		row, err := ParseRow(item, nil)
		if err != nil || string(row[0].Bytes) != text {
			t.Fatalf("%U: %v, %v", r, row, err)
		}
	}
}

func TestHugeValues(t *testing.T) {
	huge := bytes.Repeat([]byte("0123456789\"é\n"), 1<<20)
	row := []value.Value{
		{Kind: value.Text, Bytes: huge},
		{Kind: value.Blob, Bytes: huge},
	}
	item := AppendRow(nil, row)
	if _, err := CheckItems(append(bytes.Clone(item), '\n'), exactly(2)); err != nil {
		t.Fatal(err)
	}
	got, err := ParseRow(item, nil)
	if err != nil || !sameValue(got[0], row[0]) || !sameValue(got[1], row[1]) {
		t.Fatalf("huge values changed: %v", err)
	}
}

// verdicts returns the errors of the two readers of item lines.
func verdicts(run []byte, w Width) (checked, parsed error) {
	_, checked = CheckItems(run, w)
	rest := bytes.Clone(run)
	for len(rest) > 0 {
		var item []byte
		if item, rest, parsed = NextItem(rest); parsed != nil {
			return checked, parsed
		}
		row, err := ParseRow(item, nil)
		if err != nil {
			return checked, err
		}
		if !w.Has(len(row)) {
			return checked, errors.New(badArity)
		}
	}
	return checked, nil
}

func TestRefusedItems(t *testing.T) {
	wide := "[" + strings.Repeat("1,", MaxValues) + "1]\n"
	for name, run := range map[string]string{
		"no line feed": "[1]", "no bracket": "1\n", "only open": "[\n", "open value": "[1\n", "empty line": "\n",
		"no value": "[,]\n", "no second value": "[1,]\n", "no first value": "[,1]\n", "two values": "[1 2]\n",
		"trailing": "[1]x\n", "two commas": "[1],,\n", "no comma between": "[1]\n[2]\n", "space": "[1, 2]\n",
		"carriage return": "[1]\r\n", "nested list": "[[1]]\n", "true": "[true]\n", "half null": "[nul]\n",
		"null with more": "[nulls]\n", "wide": wide,
		"minus": "[-]\n", "minus zero": "[-0]\n", "leading zero": "[01]\n", "minus leading zero": "[-01]\n",
		"plus": "[+1]\n", "too large": "[9223372036854775808]\n", "too small": "[-9223372036854775809]\n",
		"20 digits": "[10000000000000000000]\n", "wraps": "[18446744073709551617]\n", "hexadecimal": "[0x1]\n",
		"no fraction": "[1.]\n", "no whole": "[.5]\n", "two zeros": "[1.00]\n", "trailing zero": "[1.50]\n",
		"capital exponent": "[1E5]\n", "plain as exponent": "[1.5e+05]\n", "exponent as plain": "[0.000009]\n",
		"short exponent": "[1e-7]\n", "no sign": "[1e21]\n", "long exponent": "[1e+021]\n", "overflow": "[1e+309]\n",
		"underflow": "[1e-400]\n", "not shortest": "[0.30000000000000001]\n", "not closest": "[0.30000000000000005]\n",
		"too many digits": "[0.3000000000000000444]\n", "half above 2^52": "[4503599627370497.5]\n",
		"half at 2^52": "[4503599627370496.5]\n", "half above 2^53": "[9007199254740993.5]\n", "large plain": "[1000000000000000000000.0]\n",
		"NaN": "[NaN]\n", "Infinity": "[Infinity]\n", "leading zeros real": "[00.5]\n",
		"open string": "[\"a]\n", "open escape": "[\"a\\\n", "raw tab": "[\"\t\"]\n", "raw del": "[\"\x7f\"]\n",
		"raw line feed": "[\"\n\"]\n", "escaped slash": "[\"\\/\"]\n", "long escape": "[\"\\u000a\"]\n",
		"capital escape": "[\"\\u001F\"]\n", "escaped letter": "[\"\\u0061\"]\n", "surrogate": "[\"\\ud800\"]\n",
		"escaped quote": "[\"\\u0022\"]\n", "half escape": "[\"\\u00\"]\n", "unknown escape": "[\"\\x\"]\n",
		"no hexadecimal": "[\"\\u000g\"]\n", "colon": "[1:]\n", "colon alone": "[:]\n", "slash": "[1/]\n",
		"bad UTF-8": "[\"\xff\"]\n", "overlong": "[\"\xc0\x80\"]\n", "surrogate bytes": "[\"\xed\xa0\x80\"]\n",
		"cut UTF-8": "[\"\xc3\"]\n", "split UTF-8": "[\"\xc3\\n\xa9\"]\n", "above Unicode": "[\"\xf4\x90\x80\x80\"]\n",
		"empty object": "[{}]\n", "unknown wrapper": "[{\"blub\":\"\"}]\n", "spaced wrapper": "[{\"blob\": \"\"}]\n",
		"second member": "[{\"blob\":\"\",\"blob\":\"\"}]\n", "no brace": "[{\"blob\":\"\"]\n", "null blob": "[{\"blob\":null}]\n",
		"open blob": "[{\"blob\":\"AA==]\n", "short base64": "[{\"blob\":\"AAA\"}]\n", "unpadded": "[{\"blob\":\"AA\"}]\n",
		"unused bits": "[{\"blob\":\"AB==\"}]\n", "unused bits 2": "[{\"text\":\"AAB=\"}]\n", "URL base64": "[{\"blob\":\"__--\"}]\n",
		"escape in base64": "[{\"blob\":\"AA\\/=\"}]\n", "early padding": "[{\"blob\":\"A=AA\"}]\n", "all padding": "[{\"blob\":\"====\"}]\n",
		"padding in the middle": "[{\"blob\":\"AA==AAAA\"}]\n", "line feed in base64": "[{\"blob\":\"AAA\nA\"}]\n",
		"control in base64": "[{\"blob\":\"AAAAAAAAAAA\x00AAAA\"}]\n",
		"infinity":          "[{\"real\":\"Inf\"}]\n", "NaN wrapper": "[{\"real\":\"NaN\"}]\n", "finite wrapper": "[{\"real\":\"1.5\"}]\n",
		"open infinity": "[{\"real\":\"+Inf\n",
	} {
		checked, parsed := verdicts([]byte(run), AnyWidth)
		for _, err := range []error{checked, parsed} {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%s: %.40q: CheckItems %v, ParseRow %v", name, run, checked, parsed)
			} else if syntax.Offset < 0 || syntax.Offset > int64(len(run)) || len(syntax.Msg) > 200 {
				t.Errorf("%s: offset %d, message %q", name, syntax.Offset, syntax.Msg)
			}
		}
	}
}

func TestAcceptedItems(t *testing.T) {
	for _, run := range []string{
		"", "[]\n", "[],\n", "[],\n[1]\n", "[1],\n[2],\n", "[null,null]\n",
		"[" + strings.Repeat("1,", MaxValues-1) + "1]\n",
		"[9223372036854775807,-9223372036854775808,0]\n", "[0.0,-0.0,1e+21,5e-324,1.5e-07,100000000000000000000.0]\n",
		"[0.1,0.30000000000000004,1.7976931348623157e+308,123456789012345680.0,0.00001]\n",
		"[\"\\u0000\\u007f\\b\\t\\n\\f\\r\\\"\\\\/\"]\n", "[{\"blob\":\"\"},{\"text\":\"/+8=\"},{\"real\":\"+Inf\"},{\"real\":\"-Inf\"}]\n",
	} {
		checked, parsed := verdicts([]byte(run), AnyWidth)
		if checked != nil || parsed != nil {
			t.Errorf("%.40q: CheckItems %v, ParseRow %v", run, checked, parsed)
		}
	}
}

// TestRefusedUTF8 puts a byte that is not UTF-8 at every place of a string, with
// and without an escape before it.
func TestRefusedUTF8(t *testing.T) {
	for n := range 40 {
		for _, before := range []string{"", "\\n", "é\\\\"} {
			text := []byte("[\"" + before + strings.Repeat("x", 40) + "\"]\n")
			text[2+len(before)+n] = 0xfe
			checked, parsed := verdicts(text, exactly(1))
			if checked == nil || parsed == nil {
				t.Errorf("%q: CheckItems %v, ParseRow %v", text, checked, parsed)
			}
		}
	}
}

func TestNaNIsNull(t *testing.T) {
	nan := value.Value{Kind: value.Real, Int: int64(math.Float64bits(math.NaN()))}
	if got := string(AppendValue(nil, &nan)); got != "null" {
		t.Fatalf("a NaN is written as %s", got)
	}
}

// exactly is the width of rows that all have n values.
func exactly(n int) Width { return Width{n, n} }

func TestWidth(t *testing.T) {
	run := []byte("[1,2],\n[3]\n")
	items, err := CheckItems(run, exactly(2))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || items != 1 || syntax.Offset != 7 {
		t.Fatalf("CheckItems = %d, %v", items, err)
	}
	if items, err = CheckItems(run, Width{1, 2}); items != 2 || err != nil {
		t.Fatalf("CheckItems = %d, %v", items, err)
	}
	if _, err = CheckItems(run, exactly(1)); err == nil {
		t.Fatal("a row of two values is taken for one of one")
	}
	a, b, c := value.OfText("a"), value.OfText("b"), value.OfText("c")
	for _, x := range []struct {
		table Table
		want  Width
	}{
		{Table{Columns: []value.Value{a, b, c}, RowID: 1}, exactly(3)},
		{Table{Columns: []value.Value{a, b, c}, RowID: 1, Short: true}, Width{2, 3}},
		{Table{Columns: []value.Value{a, b, c}, RowID: RowIDImplicit, Short: true}, Width{2, 3}},
		{Table{Columns: []value.Value{a, b, c}, RowID: RowIDNone, Short: true}, Width{1, 3}},
		{Table{RowID: RowIDImplicit}, AnyWidth},
	} {
		if got := x.table.Width(); got != x.want {
			t.Errorf("%+v: width %v, want %v", x.table, got, x.want)
		}
	}
}

func TestDecodedLen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(genText().Draw(t, "text"))
		quoted := appendString(nil, s)
		if n := decodedLen(quoted[1 : len(quoted)-1]); n != len(s) {
			t.Fatalf("decodedLen(%q) = %d, want %d", quoted, n, len(s))
		}
	})
}

func TestNoAllocations(t *testing.T) {
	row := mixedRow(3)
	var item, work []byte
	values := make([]value.Value, 0, len(row))
	item = append(AppendRow(item, row), '\n')
	work = bytes.Clone(item)
	buf := make([]byte, 0, 2*len(item))
	allocs := testing.AllocsPerRun(100, func() {
		buf = AppendRow(buf[:0], row)
		if _, err := CheckItems(item, exactly(len(row))); err != nil {
			t.Fatal(err)
		}
		copy(work, item)
		next, _, err := NextItem(work)
		if err != nil {
			t.Fatal(err)
		}
		if values, err = ParseRow(next, values); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Fatalf("%v allocations for a row", allocs)
	}
}

func TestParseRowReusesRow(t *testing.T) {
	row, err := ParseRow([]byte(`["a",{"blob":"AAAA"},1]`), nil)
	if err != nil {
		t.Fatal(err)
	}
	row, err = ParseRow([]byte(`[null,null,null]`), row)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(make([]value.Value, 3), row); diff != "" {
		t.Fatal(diff)
	}
}

// TestValuesStayApart makes sure that an append to a value cannot overwrite what
// follows it in the item.
func TestValuesStayApart(t *testing.T) {
	row, err := ParseRow([]byte(`["a\n",{"blob":"AAAA"},{"text":"AA=="},"b","",{"blob":""}]`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range row {
		if cap(v.Bytes) != len(v.Bytes) {
			t.Errorf("value %d has %d bytes and room for %d", i, len(v.Bytes), cap(v.Bytes))
		}
	}
}

func TestCheckRun(t *testing.T) {
	for _, x := range []struct {
		run  string
		want Width
		ok   bool
	}{
		{"", exactly(0), true},
		{"[1,2],\n[3,4]\n", exactly(2), true},
		{"[],\n[]\n", exactly(0), true},
		{"[1,2],\n[3],\n[4,5,6]\n", Width{1, 3}, true},
		{"[1],\n[x]\n", exactly(1), false},
		{"[1]\n[2]\n", exactly(0), false},
	} {
		w, err := CheckRun([]byte(x.run))
		if w != x.want || (err == nil) != x.ok {
			t.Errorf("CheckRun(%q) = %v, %v", x.run, w, err)
		}
	}
}
