package manifest

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 in UTC with exactly three digits of milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Timestamp is a time in UTC to the millisecond. As JSON it is a string in the
// form 2006-01-02T15:04:05.000Z, or null for the zero time.
type Timestamp struct{ time.Time }

// At returns t as a Timestamp, cut to the millisecond.
func At(t time.Time) Timestamp { return Timestamp{t.UTC().Truncate(time.Millisecond)} }

// String returns the time in the form of the format, or "" for the zero time.
func (t Timestamp) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// ParseTimestamp reads exactly what String writes for a time that is not zero.
func ParseTimestamp(s string) (Timestamp, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || t.IsZero() || t.Format(timeLayout) != s {
		return Timestamp{}, fmt.Errorf("%q is not a time of the form %s", s, timeLayout)
	}
	return Timestamp{t}, nil
}

// MarshalJSON writes the string or null.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads exactly what MarshalJSON writes.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Timestamp{}
		return nil
	}
	if len(data) < 2 || data[0] != '"' || data[len(data)-1] != '"' {
		return fmt.Errorf("%s is not a time", data)
	}
	parsed, err := ParseTimestamp(string(data[1 : len(data)-1]))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
