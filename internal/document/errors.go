package document

import (
	"errors"
	"fmt"
)

// ErrVersion is returned (wrapped) for a document whose version is not Version.
var ErrVersion = errors.New("unknown version of the document")

// errTruncated is what Scanner.Close reports of a document that stops early.
var errTruncated = errors.New("the document ends too early")

// SyntaxError says what is wrong with a text, and where. A Scanner counts
// Offset from the start of the document, every other function from the start of
// the text that it was given.
type SyntaxError struct {
	Offset int64  // bytes
	Msg    string // what is wrong, and a short excerpt of the text
	Err    error  // a sentinel such as ErrVersion, or nil
}

// Error returns the message with its place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("offset %d: %s", e.Offset, e.Msg)
}

// Unwrap returns the sentinel, if any.
func (e *SyntaxError) Unwrap() error { return e.Err }

// excerptLen bounds what an error quotes of the text.
const excerptLen = 24

// fault makes the error for what is wrong at text[at:].
func fault(text []byte, at int, msg string) *SyntaxError {
	if at >= len(text) {
		return &SyntaxError{Offset: int64(at), Msg: msg + " at the end of the text"}
	}
	excerpt := text[at:min(at+excerptLen, len(text))]
	return &SyntaxError{Offset: int64(at), Msg: fmt.Sprintf("%s at %q", msg, excerpt)}
}
