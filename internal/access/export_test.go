package access

import "math/big"

var (
	SecretOf    = secretOf
	CheckSecret = checkSecret
	Checksum    = checksum
)

// Canonical makes a token anew from its number.
func Canonical(s string) string {
	n, _ := new(big.Int).SetString(s[len(secretPrefix):len(s)-sumDigits], 62)
	var b [randomBytes]byte
	return secretOf([randomBytes]byte(n.FillBytes(b[:])))
}

// Sizes of the tables, for their bounds.
func (t *Throttle) Sizes() (failed, good int) { return len(t.failed.slots), len(t.good.slots) }

func (l *Limiter) Size() int { return len(l.clients.slots) }

const MaxAddresses = maxAddresses
