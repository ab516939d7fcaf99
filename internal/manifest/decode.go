package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wire is a manifest as JSON: with the members that only the text has.
type wire struct {
	Version int `json:"litekeep_manifest"`
	*Manifest
	SHA256 Hash `json:"sha256"`
}

// Decode reads the text of a manifest. It accepts exactly what Encode writes.
// Its errors match ErrVersion or ErrChecksum, or are an *InvalidError. A sealed
// manifest is read by DecodeSealed.
func Decode(text []byte) (*Manifest, error) {
	m, err := decode(text)
	if err == nil && IsSealedName(m.Object) {
		return nil, errSealedName
	}
	return m, err
}

// checkOpening checks the first line and the last: what the text is, its
// version, and whether it is whole.
func checkOpening(text []byte, want int) error {
	if err := checkLength(text); err != nil {
		return err
	}
	sum := checkSum(text)
	if v := version(text); v != fmt.Sprint(want) && sum != sumWrong {
		if v == "" {
			return &InvalidError{"manifest", "does not begin as a manifest does"}
		}
		return fmt.Errorf("%w: %s", ErrVersion, v)
	}
	switch sum {
	case sumAbsent:
		return &InvalidError{"manifest", "does not end in a line with its checksum: cut off or not a manifest"}
	case sumWrong:
		return ErrChecksum
	}
	return nil
}

func decode(text []byte) (*Manifest, error) {
	if err := checkOpening(text, Version); err != nil {
		return nil, err
	}
	m := new(Manifest)
	err := json.Unmarshal(text, &wire{Manifest: m}, json.RejectUnknownMembers(true))
	if err != nil {
		return nil, syntaxError(err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, m.checkLayout(text)
}

// checkLayout compares the text with the one that Encode would write, which
// settles all that is left: the order of members, missing ones, white space,
// forms of numbers, escapes.
func (m *Manifest) checkLayout(text []byte) error {
	again, err := m.appendText(make([]byte, 0, len(text)))
	return compareLayout(text, again, err)
}

func compareLayout(text, again []byte, err error) error {
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	if bytes.Equal(again, text) {
		return nil
	}
	at := 0
	for at < min(len(again), len(text)) && again[at] == text[at] {
		at++
	}
	return &InvalidError{"manifest", fmt.Sprintf("not in canonical form at byte %d", at)}
}

// sumState is what the last line says of the rest.
type sumState int

const (
	sumAbsent sumState = iota
	sumWrong
	sumRight
)

func checkSum(text []byte) sumState {
	at := len(text) - checksumLine
	if at < 1 || text[at-1] != '\n' {
		return sumAbsent
	}
	digits, ok := bytes.CutPrefix(text[at:], []byte(checksumOpen))
	if !ok {
		return sumAbsent
	}
	if digits, ok = bytes.CutSuffix(digits, []byte(checksumClose)); !ok {
		return sumAbsent
	}
	want := sha256.Sum256(text[:at])
	if hex.EncodeToString(want[:]) != string(digits) {
		return sumWrong
	}
	return sumRight
}

// version returns the digits of the version in the first line, "" if it is not
// the first line of a manifest.
func version(text []byte) string {
	const longest = 9
	rest, ok := bytes.CutPrefix(text, []byte(versionOpen))
	if !ok {
		return ""
	}
	n := 0
	for n < min(len(rest), longest+1) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	if n == 0 || n > longest || n == len(rest) || rest[n] != ',' {
		return ""
	}
	return string(rest[:n])
}

// syntaxError tells where the JSON is not that of a manifest, without the
// terms of Go.
func syntaxError(err error) error {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		reason := "cannot be read"
		if semantic.Err != nil {
			reason = semantic.Err.Error()
		}
		return &InvalidError{fieldOf(semantic.JSONPointer), reason}
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return &InvalidError{fieldOf(syntactic.JSONPointer), fmt.Sprintf("%v at byte %d", syntactic.Err, syntactic.ByteOffset)}
	}
	return &InvalidError{"manifest", err.Error()}
}

// fieldOf writes a JSON pointer the way that check names fields.
func fieldOf(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	if b.Len() == 0 {
		return "manifest"
	}
	return b.String()
}
