package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/big"
	"strings"
)

// A token as its owner has it: the prefix, 43 digits to base 62 that hold 256 random
// bits, and 6 more that hold the CRC-32 of all before them. The expression for
// scanners is \blk_[0-9A-Za-z]{49}\b.
const (
	secretPrefix = "lk_"
	randomBytes  = 32
	randomDigits = 43 // 62^43 > 2^256
	sumDigits    = 6  // 62^6 > 2^32
	secretLength = len(secretPrefix) + randomDigits + sumDigits
)

var (
	// ErrToken: what was given as a token has not the form of one: a slip, or cut
	// off when it was copied.
	ErrToken = errors.New("not a token: it must be lk_ and 49 letters and digits, and its checksum must be right")
	// ErrUnknownToken: a token that this service has not made, or that was revoked
	// or has expired. Which of these is told to nobody but the audit log.
	ErrUnknownToken = errors.New("token is not valid")
)

// newSecret makes a token. crypto/rand never fails: it ends the process instead.
func newSecret() string {
	var b [randomBytes]byte
	rand.Read(b[:])
	return secretOf(b)
}

func secretOf(b [randomBytes]byte) string {
	s := secretPrefix + base62(b[:], randomDigits)
	return s + checksum(s)
}

func checksum(s string) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], crc32.ChecksumIEEE([]byte(s)))
	return base62(b[:], sumDigits)
}

// base62 writes a number with so many digits: 0-9, a-z, A-Z.
func base62(b []byte, digits int) string {
	text := new(big.Int).SetBytes(b).Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

// checkSecret returns ErrToken unless s has the form of a token.
func checkSecret(s string) error {
	if len(s) != secretLength || !strings.HasPrefix(s, secretPrefix) {
		return ErrToken
	}
	body, sum := s[:len(s)-sumDigits], s[len(s)-sumDigits:]
	digits := body[len(secretPrefix):]
	if n, ok := new(big.Int).SetString(digits, 62); !ok || strings.ContainsAny(digits, "+-") || n.BitLen() > 8*randomBytes {
		return ErrToken
	}
	if checksum(body) != sum {
		return ErrToken
	}
	return nil
}

// IsSecret reports whether s is a token by its form, for those who must not repeat
// one in a message.
func IsSecret(s string) bool { return checkSecret(s) == nil }

// hashSecret is what is stored of a token.
func hashSecret(s string) [sha256.Size]byte { return sha256.Sum256([]byte(s)) }
