package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func canonical(text []byte) ([]byte, error) {
	var out bytes.Buffer
	err := Canonicalize(&out, bytes.NewReader(text))
	return out.Bytes(), err
}

// relayout returns the document in other layouts: indented, in one line, with
// carriage returns and tabs, with every character escaped.
func relayout(t *rapid.T, text []byte) []byte {
	var out bytes.Buffer
	var err error
	switch rapid.IntRange(0, 4).Draw(t, "layout") {
	case 0:
		return text
	case 1:
		err = json.Indent(&out, text, " ", "\t")
	case 2:
		err = json.Compact(&out, text)
	case 3:
		err = json.Indent(&out, text, "\r", "  \r")
	case 4:
		return escapeAll(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// escapeAll writes every character of every string as \uXXXX escapes.
func escapeAll(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text); {
		if text[i] != '"' {
			out = append(out, text[i])
			i++
			continue
		}
		end := i + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if err := json.Unmarshal(text[i:end+1], &s); err != nil {
			panic(err)
		}
		out = append(out, '"')
		for _, unit := range utf16.Encode([]rune(s)) {
			const capitals = "0123456789ABCDEF"
			out = append(out, '\\', 'u', capitals[unit>>12], hexDigits[unit>>8&15], capitals[unit>>4&15], hexDigits[unit&15])
		}
		out = append(out, '"')
		i = end + 1
	}
	return out
}

func TestCanonicalize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genSample().Draw(t, "document")
		want := d.encode()
		got, err := canonical(relayout(t, want))
		if err != nil {
			t.Fatalf("%v in\n%s", err, want)
		}
		if !bytes.Equal(got, want) {
			t.Fatal(cmp.Diff(string(want), string(got)))
		}
	})
}

func TestCanonicalizeForms(t *testing.T) {
	for name, edit := range map[string][3]string{
		"reals":        {`[1,"Ada"]`, `[1,1.50]`, `[1,1.5]`},
		"exponent":     {`[1,"Ada"]`, `[1,1E5]`, `[1,100000.0]`},
		"whole real":   {`[1,"Ada"]`, `[1,1.0e0]`, `[1,1.0]`},
		"minus zero":   {`[1,"Ada"]`, `[1,-0.000]`, `[1,-0.0]`},
		"underflow":    {`[1,"Ada"]`, `[1,1e-400]`, `[1,0.0]`},
		"17 digits":    {`[1,"Ada"]`, `[1,0.29999999999999999]`, `[1,0.3]`},
		"many digits":  {`[1,"Ada"]`, `[1,0.1000000000000000055511151231257827]`, `[1,0.1]`},
		"infinity":     {`[1,"Ada"]`, `[1,{ "real" : "\u002bInf" }]`, `[1,{"real":"+Inf"}]`},
		"slash":        {`[1,"Ada"]`, `[1,{"blob":"\/\/8="}]`, `[1,{"blob":"//8="}]`},
		"raw del":      {`[1,"Ada"]`, "[1,\"\x7f\"]", `[1,"\u007f"]`},
		"line escape":  {`[1,"Ada"]`, `[1,"\u000a\u2028"]`, "[1,\"\\n\u2028\"]"},
		"pair":         {`[1,"Ada"]`, `[1,"\uD83D\ude00"]`, `[1,"😀"]`},
		"int64":        {`[1,"Ada"]`, `[1 , 9223372036854775807 ]`, `[1,9223372036854775807]`},
		"escaped name": {`"tables":[`, `"t\u0061bles" : [`, `"tables":[`},
		"escaped rows": {`"rows":[`, `"r\u006fws":[`, `"rows":[`},
	} {
		text := strings.Replace(small, edit[0], edit[1], 1)
		want := strings.Replace(small, edit[0], edit[2], 1)
		got, err := canonical([]byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(want, string(got)))
		}
	}
}

func TestCanonicalizeRefuses(t *testing.T) {
	for name, edit := range map[string][3]string{
		"empty":          {small, "", "ends too early"},
		"a list":         {small, "[1]", "want {"},
		"a byte order":   {`{"litekeep"`, "\ufeff{\"litekeep\"", "invalid character"},
		"parts swapped":  {`"schema":[`, `"tables":[`, `"tables" stands where "schema" must`},
		"members":        {`"page_size":4096,"reserved":0`, `"reserved":0,"page_size":4096`, `want "database":{"page_size":`},
		"schema members": {`"type":"table","name":"users"`, `"name":"users","type":"table"`, `want "type":`},
		"missing end":    {`,` + small[strings.Index(small, "\n\"end\""):], "}", `the member "end" is missing`},
		"member after":   {"]}\n],\n\"ind", "],\"x\":1}\n],\n\"ind", "want }"},
		"no rows":        {`,"rows":[` + "\n[1,\"Ada\"],\n[2,\"Bob\"]\n]", "", "the list of rows or entries is missing"},
		"two documents":  {"}}\n", "}}{}", "something follows"},
		"duplicate":      {`[1,"Ada"]`, `[1,{"blob":"","blob":""}]`, "duplicate object member"},
		"extra":          {`[1,"Ada"]`, `[1,{"blob":"","x":""}]`, badWrapper},
		"deep":           {`[1,"Ada"]`, `[1,[[[[[[[1]]]]]]]]`, "too deeply"},
		"list in a row":  {`[1,"Ada"]`, `[1,[1]]`, badValue},
		"true":           {`[1,"Ada"]`, `[1,true]`, badValue},
		"row an object":  {`[1,"Ada"]`, `{"id":1}`, "want "},
		"arity":          {`[1,"Ada"]`, `[1]`, badArity},
		"overflow":       {`[1,"Ada"]`, `[1,1e309]`, "too large"},
		"large integer":  {`[1,"Ada"]`, `[1,9223372036854775808]`, badRange},
		"minus zero":     {`[1,"Ada"]`, `[1,-0]`, badInteger},
		"lone surrogate": {`[1,"Ada"]`, `[1,"\ud800"]`, "surrogate"},
		"bad UTF-8":      {`[1,"Ada"]`, "[1,\"\xff\"]", "UTF-8"},
		"version":        {`"litekeep":1,`, `"litekeep":2,`, ErrVersion.Error()},
		"counts":         {`"rows":2`, `"rows":3`, "has 1 tables, 2 rows"},
		"truncated":      {"[2,\"Bob\"]\n]}\n", "[2,\"Bo", "ends too early"},
	} {
		text := strings.Replace(small, edit[0], edit[1], 1)
		if text == small {
			t.Errorf("%s: the edit changes nothing", name)
			continue
		}
		if name == "truncated" {
			text = text[:strings.Index(text, "[2,\"Bo")+6]
		}
		_, err := canonical([]byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), edit[2]) {
			t.Errorf("%s: got %v, want %q", name, err, edit[2])
		}
		if name == "version" && !errors.Is(err, ErrVersion) {
			t.Errorf("%s: not ErrVersion: %v", name, err)
		}
	}
}

func TestCanonicalizeErrors(t *testing.T) {
	broken := errors.New("broken")
	src := io.MultiReader(strings.NewReader(small[:500]), iotest.ErrReader(broken))
	if err := Canonicalize(io.Discard, src); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	r, w := io.Pipe()
	r.CloseWithError(broken)
	if err := Canonicalize(w, strings.NewReader(small)); !errors.Is(err, broken) {
		t.Errorf("writer: %v", err)
	}
}

// TestCanonicalizeMemory streams a document of 64 MB and looks at the heap.
func TestCanonicalizeMemory(t *testing.T) {
	const rows = 1 << 16
	head, tail, _ := strings.Cut(small, "[1,\"Ada\"],\n[2,\"Bob\"]\n")
	row := "[ 1, \"" + strings.Repeat("x", 1000) + "\" ]"
	tail = strings.Replace(tail, `"rows":2`, `"rows":65536`, 1)
	parts := []io.Reader{strings.NewReader(head)}
	for i := range rows {
		if i > 0 {
			parts = append(parts, strings.NewReader(", "))
		}
		parts = append(parts, strings.NewReader(row))
	}
	parts = append(parts, strings.NewReader(tail))
	src := io.MultiReader(parts...)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := Canonicalize(io.Discard, src); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("%d bytes allocated for %d rows", grown, rows)
	}
	if sys := int64(after.HeapSys) - int64(before.HeapSys); sys > 16<<20 {
		t.Errorf("the heap grew by %d bytes", sys)
	}
}
