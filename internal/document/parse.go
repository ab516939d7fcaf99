package document

import (
	"bytes"
	"math"

	"github.com/litekeep/litekeep/internal/value"
)

// What can be wrong with a value or an item.
const (
	badItem     = "an item is not a list in square brackets"
	badItemLine = "an item line is not ended by a line feed"
	badMore     = "a comma is missing after an item"
	badNext     = "want a comma or the end of the list"
	badValue    = "want a value"
	badArity    = "the row has too few or too many values"
	badWidth    = "the item has too many values"
	badString   = "a string is not ended"
	badControl  = "a character is not escaped"
	badEscape   = "the escape is not one that a writer would write"
	badUTF8     = "a string is not valid UTF-8"
	badBase64   = "the base64 is not valid"
	badWrapper  = "the value is none of blob, text and real"
	badInteger  = "the integer is not in its one form"
	badRange    = "the integer is outside 64 bits"
	badReal     = "the number is not in its one form, or too large"
	badLength   = "a text or blob is longer than 2147483647 bytes"
)

// The wrappers of values that JSON has no form for.
const (
	openBlob  = `{"blob":"`
	openText  = `{"text":"`
	openReal  = `{"real":"`
	openLen   = len(openBlob)
	infinity  = `{"real":"+Inf"}`
	minusInf  = `{"real":"-Inf"}`
	realLen   = len(infinity)
	closeLen  = len(`"}`)
	maxDigits = 19 // of an int64
)

// NextItem cuts the first item off a run of item lines, without its comma and
// LF. Every line but the last of the run must have a comma. The caller stops
// when rest is empty.
func NextItem(run []byte) (item, rest []byte, err error) {
	end := bytes.IndexByte(run, '\n')
	if end < 0 {
		return nil, nil, fault(run, len(run), badItemLine)
	}
	item, rest = run[:end], run[end+1:]
	if end > 0 && item[end-1] == ',' {
		item = item[:end-1]
	} else if len(rest) > 0 {
		return nil, nil, fault(run, end, badMore)
	}
	if len(item) < 2 || item[0] != '[' || item[len(item)-1] != ']' {
		return nil, nil, fault(run, 0, badItem)
	}
	return item, rest, nil
}

// ParseRow parses one item and returns its values in row[:0], grown as needed.
// It decodes strings and base64 in place: item is destroyed and the values
// point into it. Error offsets are into item.
func ParseRow(item []byte, row []value.Value) ([]value.Value, error) {
	row = row[:0]
	if len(item) < 2 || item[0] != '[' {
		return row, fault(item, 0, badItem)
	}
	i := 1
	if item[1] != ']' {
		for {
			row = append(row, value.Value{})
			next, err := parseNext(item, i, &row[len(row)-1])
			if err != nil {
				return row[:0], err
			}
			if next >= len(item) || item[next] != ',' {
				i = next
				break
			}
			i = next + 1
		}
	}
	if i != len(item)-1 || item[i] != ']' {
		return row[:0], fault(item, i, badNext)
	}
	if len(row) > MaxValues {
		return row[:0], fault(item, 0, badWidth)
	}
	return row, nil
}

// parseNext is parseValue with a short way for short integers.
func parseNext(b []byte, i int, v *value.Value) (next int, err *SyntaxError) {
	if i < len(b) && b[i]-'0' <= 9 {
		x := word(b, i) ^ asciiZeros
		if n := shortInteger(x); n > 0 {
			v.Kind, v.Int = value.Integer, int64(eightDigits(x<<(64-8*n)))
			return i + n, nil
		}
	}
	return parseValue(b, i, v)
}

// parseValue parses the value at b[i:] into v and returns the index after it.
func parseValue(b []byte, i int, v *value.Value) (next int, err *SyntaxError) {
	if i >= len(b) {
		return i, fault(b, i, badValue)
	}
	switch c := b[i]; c {
	case '"':
		text, next, err := parseString(b, i)
		v.Kind, v.Bytes = value.Text, text
		return next, err
	case 'n':
		if i+4 <= len(b) && string(b[i:i+4]) == "null" {
			*v = value.Value{}
			return i + 4, nil
		}
	case '{':
		return parseWrapper(b, i, v)
	default:
		if c == '-' || c-'0' <= 9 {
			return parseNumber(b, i, v)
		}
	}
	return i, fault(b, i, badValue)
}

// parseNumber parses an INTEGER; a REAL it passes on.
func parseNumber(b []byte, i int, v *value.Value) (next int, err *SyntaxError) {
	start := i
	neg := b[i] == '-'
	if neg {
		i++
	}
	first := i
	n, i := readDigits(b, i)
	if i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e') {
		f, end := readReal(b, start)
		if end < 0 {
			return i, fault(b, start, badReal)
		}
		v.Kind, v.Int = value.Real, int64(math.Float64bits(f))
		return end, nil
	}
	digits := i - first
	if digits == 0 || b[first] == '0' && (digits > 1 || neg) {
		return i, fault(b, start, badInteger)
	}
	limit := uint64(math.MaxInt64)
	if neg {
		limit++
	}
	if digits > maxDigits || n > limit {
		return i, fault(b, start, badRange)
	}
	if neg {
		n = -n
	}
	v.Kind, v.Int = value.Integer, int64(n)
	return i, nil
}

// parseString decodes in place the string whose quote is at b[i].
func parseString(b []byte, i int) (text []byte, next int, err *SyntaxError) {
	start := i + 1
	end, high := plainRun(b, start)
	if end < len(b) && b[end] == '"' {
		next = end + 1
	} else {
		var h uint64
		end, next, h, err = unescape(b, end)
		if err != nil {
			return nil, next, err
		}
		high |= h
	}
	text = b[start:end:end]
	if high != 0 && !validUTF8(text) {
		return nil, i, fault(b, i, badUTF8)
	}
	if len(text) > MaxBytes {
		return nil, i, fault(b, i, badLength)
	}
	return text, next, nil
}

// unescape goes on with a string from the first byte that is not plain, b[i],
// and moves what follows to the front as escapes shrink. It returns the end of
// the decoded text, the index after the closing quote, and, like plainRun,
// whether any byte is not ASCII.
func unescape(b []byte, i int) (end, next int, high uint64, err *SyntaxError) {
	w := i
	for i < len(b) {
		switch b[i] {
		case '"':
			return w, i + 1, high, nil
		case '\\':
			c, n := readEscape(b[i:])
			if n == 0 {
				return 0, i, 0, fault(b, i, badEscape)
			}
			b[w] = c
			w++
			i += n
		default:
			return 0, i, 0, fault(b, i, badControl)
		}
		run, h := plainRun(b, i)
		high |= h
		w += copy(b[w:], b[i:run])
		i = run
	}
	return 0, i, 0, fault(b, i, badString)
}

// parseWrapper parses a value that stands in an object.
func parseWrapper(b []byte, i int, v *value.Value) (next int, err *SyntaxError) {
	start, end, err := wrapperText(b, i)
	if err != nil {
		return i, err
	}
	next = end + closeLen
	switch string(b[i:start]) {
	case openBlob:
		v.Kind = value.Blob
	case openText:
		v.Kind = value.RawText
	default:
		sign := 1
		if b[start] == '-' {
			sign = -1
		}
		v.Kind, v.Int = value.Real, int64(math.Float64bits(math.Inf(sign)))
		return next, nil
	}
	text, ok := decodeBase64(b[start:end])
	if !ok {
		return i, fault(b, start, badBase64)
	}
	if len(text) > MaxBytes {
		return i, fault(b, i, badLength)
	}
	v.Bytes = text
	return next, nil
}

// wrapperText returns the place of the text in the wrapper at b[i:]: base64 that
// is not checked yet, or the sign and name of an infinity, which is.
func wrapperText(b []byte, i int) (start, end int, err *SyntaxError) {
	start = i + openLen
	if start >= len(b) {
		return 0, 0, fault(b, i, badWrapper)
	}
	switch string(b[i:start]) {
	case openBlob, openText:
		n := bytes.IndexByte(b[start:], '"')
		if n < 0 {
			return 0, 0, fault(b, i, badString)
		}
		end = start + n
		if end+1 >= len(b) || b[end+1] != '}' {
			return 0, 0, fault(b, i, badWrapper)
		}
		return start, end, nil
	case openReal:
		if i+realLen <= len(b) {
			if text := string(b[i : i+realLen]); text == infinity || text == minusInf {
				return start, i + realLen - closeLen, nil
			}
		}
	}
	return 0, 0, fault(b, i, badWrapper)
}
