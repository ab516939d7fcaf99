package document

import "github.com/segmentio/asm/utf8"

// validUTF8 says whether b is well-formed.
func validUTF8(b []byte) bool { return utf8.Valid(b) }
