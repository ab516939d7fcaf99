package manifest

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Checked is the outcome of the last check of a backup, kept beside it in
// NAME.checked.json.
type Checked struct {
	Checked Timestamp `json:"checked"`
	OK      bool      `json:"ok"`
}

// EncodeChecked returns the text of c, one line.
func EncodeChecked(c Checked) ([]byte, error) {
	c.Checked = At(c.Checked.Time)
	if y := c.Checked.Year(); c.Checked.IsZero() || y < 0 || y > 9999 {
		return nil, &InvalidError{"checked", "is not a time"}
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode outcome of a check: %w", err)
	}
	return append(text, '\n'), nil
}

// DecodeChecked accepts exactly what EncodeChecked writes. Its errors are
// *InvalidError.
func DecodeChecked(text []byte) (Checked, error) {
	var c Checked
	if err := json.Unmarshal(text, &c, json.RejectUnknownMembers(true)); err != nil {
		return Checked{}, syntaxError(err)
	}
	again, err := EncodeChecked(c)
	if err != nil {
		return Checked{}, err
	}
	if !bytes.Equal(again, text) {
		return Checked{}, &InvalidError{"checked", "not in canonical form"}
	}
	return c, nil
}
