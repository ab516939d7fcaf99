package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// Outcome says how far an action came.
type Outcome string

// The outcomes. What takes time has two entries: Allowed when it begins, Done or
// Failed when it ends; both have the same request id.
const (
	Allowed Outcome = "allowed" // may be done, and begins
	Refused Outcome = "refused" // may not be done
	Done    Outcome = "done"
	Failed  Outcome = "failed"
)

// Actions that the log itself records.
const (
	// ActionRecovered: a crash left bytes that are no entry.
	ActionRecovered = "audit-recovered"
	// ActionDamaged: entries that were flushed are missing or changed.
	ActionDamaged = "audit-damaged"
)

// selfActor is the actor of the log's own entries.
const selfActor = "litekeep"

// Limits of text, in bytes of UTF-8; what is longer is cut. They keep a line below
// maxLine also where every byte has to be escaped.
const (
	maxField  = 512
	maxDetail = 4096
	maxLine   = 64 << 10
)

// An Entry is one line of the log. Text that is not UTF-8 gets U+FFFD in its place;
// texts are cut after 512 bytes, Detail after 4096.
type Entry struct {
	Seq      int64     // from 1, without gaps; given by Append
	Time     time.Time // UTC, to the millisecond; given by Append
	Actor    string    // name of the token, "local", "service", or the user of a command line
	ActorID  string    // id of the token, "" if there is none
	Role     string    // of the actor
	From     string    // address of the client, "" if there is none
	Action   string    // as in internal/access
	Database string    // "" for what concerns none, or all
	Object   string    // file name of a backup, id of a token …
	Outcome  Outcome
	Detail   string // the reason that was given, or why it was refused or failed
	Request  string // request id, the same for all entries of one request
	Prev     Hash   // of the entry before; given by Append
	Hash     Hash   // of this entry; given by Append
}

// Head says where the log ends.
func (e Entry) head() Head { return Head{e.Seq, e.Hash} }

// Hash is a SHA-256. The zero Hash is what the first entry has for Prev.
type Hash [sha256.Size]byte

// String writes 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// body is an entry without its hash, as JSON has it.
type body struct {
	Seq      int64   `json:"seq"`
	Time     string  `json:"time"`
	Actor    string  `json:"actor"`
	ActorID  string  `json:"actor_id"`
	Role     string  `json:"role"`
	From     string  `json:"from"`
	Action   string  `json:"action"`
	Database string  `json:"database"`
	Object   string  `json:"object"`
	Outcome  Outcome `json:"outcome"`
	Detail   string  `json:"detail"`
	Request  string  `json:"request_id"`
	Prev     string  `json:"prev"`
}

// timeLayout is RFC 3339 in UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// The member that ends a line, around its 64 digits.
const (
	hashBefore = `,"hash":"`
	hashAfter  = `"}`
	hashLength = len(hashBefore) + 2*sha256.Size + len(hashAfter)
)

// errNotEntry says that a line is not what encode writes.
var errNotEntry = errors.New("not an entry of the audit log")

// clean brings the texts of an entry into their limits.
func (e Entry) clean() Entry {
	for _, s := range []*string{&e.Actor, &e.ActorID, &e.Role, &e.From, &e.Action, &e.Database, &e.Object, (*string)(&e.Outcome), &e.Request} {
		*s = clip(*s, maxField)
	}
	e.Detail = clip(e.Detail, maxDetail)
	return e
}

// clip returns the beginning of s that fits into limit bytes, with an ellipsis
// where something is left out.
func clip(s string, limit int) string {
	const ellipsis = "…"
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// encode returns the line of an entry that is clean, with the line feed, and sets
// its hash.
func (e *Entry) encode() ([]byte, error) {
	b, err := e.body()
	if err != nil {
		return nil, err
	}
	e.Hash = sha256.Sum256(b)
	line := append(b[:len(b)-1], hashBefore...)
	line = append(line, e.Hash.String()...)
	return append(line, hashAfter+"\n"...), nil
}

// body returns what the hash is made of.
func (e *Entry) body() ([]byte, error) {
	return json.Marshal(body{
		e.Seq, e.Time.UTC().Format(timeLayout), e.Actor, e.ActorID, e.Role, e.From, e.Action,
		e.Database, e.Object, e.Outcome, e.Detail, e.Request, e.Prev.String(),
	})
}

// decode reads a line without its line feed. It accepts exactly what encode
// writes, with the right hash, and otherwise answers errNotEntry.
func decode(line []byte) (Entry, error) {
	if len(line) <= hashLength || len(line) >= maxLine {
		return Entry{}, errNotEntry
	}
	text, tail := line[:len(line)-hashLength], string(line[len(line)-hashLength:])
	tail, before := strings.CutPrefix(tail, hashBefore)
	tail, after := strings.CutSuffix(tail, hashAfter)
	content := append(bytes.Clone(text), '}')
	hash, ok := parseHash(tail)
	if !before || !after || !ok || hash != sha256.Sum256(content) {
		return Entry{}, errNotEntry
	}
	var b body
	if err := json.Unmarshal(content, &b, json.RejectUnknownMembers(true)); err != nil {
		return Entry{}, errNotEntry
	}
	t, err := time.Parse(timeLayout, b.Time)
	prev, ok := parseHash(b.Prev)
	if err != nil || !ok || b.Seq < 1 {
		return Entry{}, errNotEntry
	}
	e := Entry{
		b.Seq, t, b.Actor, b.ActorID, b.Role, b.From, b.Action,
		b.Database, b.Object, b.Outcome, b.Detail, b.Request, prev, hash,
	}
	if e != e.clean() {
		return Entry{}, errNotEntry
	}
	if again, err := e.body(); err != nil || !bytes.Equal(again, content) {
		return Entry{}, errNotEntry
	}
	return e, nil
}

// parseHash reads 64 lower-case hexadecimal digits.
func parseHash(s string) (h Hash, ok bool) {
	if len(s) != hex.EncodedLen(len(h)) || strings.ToLower(s) != s {
		return Hash{}, false
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err == nil
}
