package document

// CheckItems checks a run of item lines without changing it: that each is a list
// of values in canonical form with an LF, that all but the last have a comma,
// and that each has as many values as it may. It returns how many items there are.
// It accepts exactly the runs whose items NextItem and ParseRow accept. Error
// offsets are into run.
func CheckItems(run []byte, w Width) (items int, err error) {
	for i := 0; i < len(run); items++ {
		next, values, err := checkItem(run, i)
		if err == nil && !w.Has(values) {
			err = fault(run, i, badArity)
		}
		if err != nil {
			return items, err
		}
		i = next
	}
	return items, nil
}

// CheckRun is CheckItems for a run whose table is not known. It returns how many
// values the items have, the narrowest and the widest.
func CheckRun(run []byte) (w Width, err error) {
	for i := 0; i < len(run); {
		next, values, err := checkItem(run, i)
		if err != nil {
			return w, err
		}
		if i == 0 {
			w = Width{values, values}
		}
		w = Width{min(w.Least, values), max(w.Most, values)}
		i = next
	}
	return w, nil
}

// checkItem checks the item line at b[i:]. It returns the index of the next and
// how many values the item has.
func checkItem(b []byte, i int) (next, values int, err *SyntaxError) {
	start := i
	if i+1 >= len(b) || b[i] != '[' {
		return i, 0, fault(b, i, badItem)
	}
	i++
	if b[i] != ']' {
		for {
			n := 0
			if i < len(b) && b[i]-'0' <= 9 {
				n = shortInteger(word(b, i) ^ asciiZeros)
			}
			if i += n; n == 0 {
				if i, err = checkValue(b, i); err != nil {
					return i, values, err
				}
			}
			values++
			if i >= len(b) || b[i] != ',' {
				break
			}
			i++
		}
	}
	if i >= len(b) || b[i] != ']' {
		return i, values, fault(b, i, badNext)
	}
	if values > MaxValues {
		return i, values, fault(b, start, badWidth)
	}
	next, err = endOfItem(b, i+1)
	return next, values, err
}

// shortInteger returns the length of the INTEGER at the start of x, the digits'
// lanes of a word, if it has no sign and less than eight digits: by far the most
// common value, found in little time. Else it returns 0.
func shortInteger(x uint64) int {
	n := digitLanes(x)
	// The byte after the digits is a comma or a bracket, and the first is no
	// leading zero.
	if after := byte(x >> (8 * n)); after != ','^'0' && after != ']'^'0' || x&0xff == 0 && n > 1 {
		return 0
	}
	return n
}

// endOfItem checks the comma and LF at b[i:].
func endOfItem(b []byte, i int) (next int, err *SyntaxError) {
	comma := i < len(b) && b[i] == ','
	if comma {
		i++
	}
	if i >= len(b) || b[i] != '\n' {
		return i, fault(b, i, badItemLine)
	}
	if !comma && i+1 < len(b) {
		return i, fault(b, i, badMore)
	}
	return i + 1, nil
}

// checkValue checks the value at b[i:] and returns the index after it.
func checkValue(b []byte, i int) (next int, err *SyntaxError) {
	if i >= len(b) {
		return i, fault(b, i, badValue)
	}
	switch c := b[i]; c {
	case '"':
		return checkString(b, i)
	case 'n':
		if i+4 <= len(b) && string(b[i:i+4]) == "null" {
			return i + 4, nil
		}
	case '{':
		return checkWrapper(b, i)
	default:
		if c == '-' || c-'0' <= 9 {
			return checkNumber(b, i)
		}
	}
	return i, fault(b, i, badValue)
}

// checkNumber checks an INTEGER; a REAL it passes on.
func checkNumber(b []byte, i int) (next int, err *SyntaxError) {
	start := i
	if b[i] == '-' {
		i++
	}
	first := i
	i = skipDigits(b, i)
	if i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e') {
		end := checkReal(b, start)
		if end < 0 {
			return i, fault(b, start, badReal)
		}
		return end, nil
	}
	digits := i - first
	if digits == 0 || b[first] == '0' && (digits > 1 || first > start) {
		return i, fault(b, start, badInteger)
	}
	if digits >= maxDigits {
		largest := "9223372036854775807"
		if first > start {
			largest = "9223372036854775808"
		}
		if digits > maxDigits || string(b[first:i]) > largest {
			return i, fault(b, start, badRange)
		}
	}
	return i, nil
}

// checkString checks the string whose quote is at b[i].
func checkString(b []byte, i int) (next int, err *SyntaxError) {
	start := i + 1
	end, high := plainRun(b, start)
	for end < len(b) && b[end] == '\\' {
		_, n := readEscape(b[end:])
		if n == 0 {
			return end, fault(b, end, badEscape)
		}
		var h uint64
		end, h = plainRun(b, end+n)
		high |= h
	}
	if end >= len(b) {
		return end, fault(b, end, badString)
	}
	if b[end] != '"' {
		return end, fault(b, end, badControl)
	}
	if high != 0 && !validUTF8(b[start:end]) {
		return i, fault(b, i, badUTF8)
	}
	if end-start > MaxBytes && decodedLen(b[start:end]) > MaxBytes {
		return i, fault(b, i, badLength)
	}
	return end + 1, nil
}

// decodedLen returns how many bytes the content of a valid string decodes to.
func decodedLen(b []byte) int {
	n := 0
	for len(b) > 0 {
		run, _ := plainRun(b, 0)
		n += run
		b = b[run:]
		if len(b) > 0 {
			_, size := readEscape(b)
			b = b[size:]
			n++
		}
	}
	return n
}

// checkWrapper checks a value that stands in an object.
func checkWrapper(b []byte, i int) (next int, err *SyntaxError) {
	start, end, err := wrapperText(b, i)
	if err != nil {
		return i, err
	}
	if string(b[i:start]) != openReal {
		n := checkBase64(b[start:end])
		if n < 0 {
			return i, fault(b, start, badBase64)
		}
		if n > MaxBytes {
			return i, fault(b, i, badLength)
		}
	}
	return end + closeLen, nil
}
