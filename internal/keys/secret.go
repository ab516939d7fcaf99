package keys

import (
	"bytes"
	"fmt"
	"log/slog"
)

// Redacted is what is printed of a secret.
const Redacted = "[secret]"

// secret holds bytes that must not be printed. They are behind a function, so
// that not even a printer that walks through unexported fields sees them.
type secret struct{ reveal func() []byte }

// newSecret copies b.
func newSecret(b []byte) secret {
	b = bytes.Clone(b)
	return secret{func() []byte { return b }}
}

// hidden is embedded, with the text that describes a thing, to keep every way
// of printing it from its content.
type hidden struct{ text string }

// String returns a description without the secret.
func (h hidden) String() string { return h.text }

// GoString returns the same as String.
func (h hidden) GoString() string { return h.text }

// Format writes the same as String for every verb.
func (h hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(h.text)) }

// MarshalText returns the same as String, and makes JSON a string of it.
func (h hidden) MarshalText() ([]byte, error) { return []byte(h.text), nil }

// LogValue returns the same as String.
func (h hidden) LogValue() slog.Value { return slog.StringValue(h.text) }
