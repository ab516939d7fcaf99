package audit

import "crypto/sha256"

// Decode, Encode, Body and Sign are the reader of lines and its parts.
var Decode = decode

func Encode(e *Entry) ([]byte, error) { return e.encode() }

// Body is a line without its hash.
func Body(line []byte) []byte { return append(line[:len(line)-hashLength:len(line)-hashLength], '}') }

// Sign makes a line of a body, whatever that holds.
func Sign(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	sum := Hash(sha256.Sum256(append(body[:len(body)-1:len(body)-1], '}')))
	return []byte(string(body[:len(body)-1]) + hashBefore + sum.String() + hashAfter)
}
