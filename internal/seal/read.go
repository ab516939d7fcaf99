package seal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// IsSealed tells whether an object that begins with these bytes is sealed. 24
// bytes are enough to tell.
func IsSealed(beginning []byte) bool { return bytes.HasPrefix(beginning, []byte(headerOpen)) }

// ReadHeader reads the header of a sealed object and leaves r where the first
// frame begins. It reads at most MaxHeaderBytes. The error matches
// ErrNotSealed, ErrVersion or ErrHeader, or is that of r.
func ReadHeader(r *bufio.Reader) (*Header, error) {
	// What is no header may have no line end for long.
	opening, err := r.Peek(len(headerOpen))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read header: %w", err)
	}
	if !IsSealed(opening) {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrNotSealed, headerOpen)
	}
	text := make([]byte, 0, 1024)
	for first := true; ; {
		part, err := r.ReadSlice('\n')
		if len(text)+len(part) > MaxHeaderBytes {
			return nil, headerError("more than %d bytes", MaxHeaderBytes)
		}
		text = append(text, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil, headerError("it is cut off")
		case err != nil:
			return nil, fmt.Errorf("read header: %w", err)
		}
		if first { // the layout of another version is not known
			if err := checkOpening(text, headerOpen); err != nil {
				return nil, err
			}
			first = false
		}
		if bytes.HasSuffix(text, []byte("\n"+keysClose)) {
			return ParseHeader(text)
		}
	}
}
