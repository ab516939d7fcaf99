package config

import (
	"fmt"
	"log/slog"
)

// shown is what is printed of a Secret that is set.
const shown = "(set)"

// A Secret is text that must not be printed. Every way of printing it gives "(set)",
// or nothing where it is not set; only Reveal gives the text. The zero value is not
// set. The text is behind a function, so that not even a printer that walks through
// unexported fields sees it.
type Secret struct {
	reveal  func() string
	literal bool // it stands in the file itself
}

// NewSecret returns a Secret; that of "" is not set.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text itself, "" if it is not set.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsSet reports whether there is a text.
func (s Secret) IsSet() bool { return s.reveal != nil }

// Literal reports whether the text stands in the configuration itself, and not in the
// environment or a file of its own.
func (s Secret) Literal() bool { return s.literal }

// Equal reports whether two secrets have the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns "(set)" or "".
func (s Secret) String() string {
	if s.IsSet() {
		return shown
	}
	return ""
}

// GoString returns the same as String.
func (s Secret) GoString() string { return s.String() }

// Format writes the same as String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText returns the same as String, and makes JSON a string of it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns the same as String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
