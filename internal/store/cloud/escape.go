package cloud

import (
	"strconv"
	"strings"
)

// s3Name returns the name that s3blob gives an object, for the requests that it
// has no method for: control characters and the slash of "../" become
// __0x<hex>__, and so does what looks like the beginning of such an escape.
func s3Name(key string) string {
	runes := []rune(key)
	var b strings.Builder
	for i, r := range runes {
		if r < 0x20 || r == '/' && i > 1 && runes[i-1] == '.' && runes[i-2] == '.' || isEscape(runes[i:]) {
			b.WriteString("__0x" + strconv.FormatInt(int64(r), 16) + "__")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isEscape tells whether text begins with __0x<hex>__.
func isEscape(text []rune) bool {
	const start = "__0x"
	if len(text) < len(start) || string(text[:len(start)]) != start {
		return false
	}
	digits, _, found := strings.Cut(string(text[len(start):]), "__")
	if !found {
		return false
	}
	_, err := strconv.ParseInt(digits, 16, 32)
	return err == nil
}
