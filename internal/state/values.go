package state

import (
	"encoding/json"
	"fmt"
	"time"
)

// ms is what is stored for a time.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// moment reads what ms has stored.
type moment struct{ t *time.Time }

// Scan sets the time from milliseconds, or to zero from NULL.
func (m moment) Scan(stored any) error {
	switch n := stored.(type) {
	case nil:
		*m.t = time.Time{}
	case int64:
		*m.t = time.UnixMilli(n).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", stored)
	}
	return nil
}

// list stores a slice as a JSON array; one without elements as "".
func list[T any](x []T) (string, error) {
	if len(x) == 0 {
		return "", nil
	}
	text, err := json.Marshal(x)
	return string(text), err
}

// array reads what list has stored.
type array[T any] struct{ x *[]T }

// Scan sets the slice from JSON.
func (a array[T]) Scan(stored any) error {
	text, ok := stored.(string)
	if !ok {
		return fmt.Errorf("a list is stored as %T", stored)
	}
	*a.x = nil
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), a.x)
}

// text returns what is stored for JSON, or an error if it is none. Nothing is
// stored as "".
func text(raw json.RawMessage) (string, error) {
	if len(raw) > 0 && !json.Valid(raw) {
		return "", fmt.Errorf("%w: not JSON", errInvalid)
	}
	return string(raw), nil
}

// raw reads what text has stored.
type raw struct{ x *json.RawMessage }

// Scan sets the JSON, nil if there is none.
func (r raw) Scan(stored any) error {
	text, ok := stored.(string)
	if !ok {
		return fmt.Errorf("JSON is stored as %T", stored)
	}
	*r.x = nil
	if text != "" {
		*r.x = json.RawMessage(text)
	}
	return nil
}
