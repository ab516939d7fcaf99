package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// WebhookVersion is the version of the body. Fields may be added within a
// version; docs/NOTIFICATIONS.md describes it.
const WebhookVersion = 1

// The headers of a webhook.
const (
	HeaderSignature = "Litekeep-Signature" // t=UNIX,v1=HEX
	HeaderID        = "Litekeep-Id"        // the same for the same stories
)

// Webhook sends messages as signed JSON to a program.
type Webhook struct {
	posting *posting
	secret  []byte
	now     func() time.Time
}

var _ Channel = (*Webhook)(nil)

// NewWebhook returns a channel to the address, which is a secret and may contain
// {database}. Bodies are signed with the secret, unless it is empty. The error
// matches ErrChannel.
func NewWebhook(address, secret string, now func() time.Time) (*Webhook, error) {
	h := &Webhook{secret: []byte(secret), now: now}
	var err error
	if h.posting, err = newPosting(address, h.post); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return h, nil
}

type webhookBody struct {
	Version  int            `json:"version"`
	ID       string         `json:"id"`
	Sent     time.Time      `json:"sent"`
	Host     string         `json:"host,omitempty"`
	Severity Severity       `json:"severity"`
	Subject  string         `json:"subject"`
	Text     string         `json:"text"`
	Notes    []string       `json:"notes"`
	Events   []webhookEvent `json:"events"`
}

// webhookEvent is what a webhook says of a story: a type of its own, so that the
// format does not change with ours.
type webhookEvent struct {
	ID       string     `json:"id"`
	Kind     Kind       `json:"kind"`
	Severity Severity   `json:"severity"`
	Database string     `json:"database,omitempty"`
	Place    string     `json:"place,omitempty"`
	Time     time.Time  `json:"time"`
	Zone     string     `json:"zone,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	Count    int        `json:"count,omitempty"`
	Again    bool       `json:"again,omitempty"`
	Thread   string     `json:"thread,omitempty"`
	Summary  string     `json:"summary"`
	Cause    string     `json:"cause,omitempty"`
	Hint     string     `json:"hint,omitempty"`
	LastGood *time.Time `json:"last_good,omitempty"`
	Holds    string     `json:"holds,omitempty"`
	Next     string     `json:"next,omitempty"`
	Link     string     `json:"link,omitempty"`
	RunID    string     `json:"run_id,omitempty"`
	Details  []Field    `json:"details,omitempty"`
}

// Deliver posts m.
func (h *Webhook) Deliver(ctx context.Context, m *Message) error { return h.posting.deliver(ctx, m) }

func (h *Webhook) post(ctx context.Context, to *poster, m *Message) error {
	body, err := json.Marshal(webhookOf(m))
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}, HeaderID: {m.ID}}
	if len(h.secret) > 0 {
		header.Set(HeaderSignature, Sign(h.secret, h.now(), body))
	}
	return to.send(ctx, http.MethodPost, header, body)
}

func webhookOf(m *Message) webhookBody {
	b := webhookBody{
		Version: WebhookVersion, ID: m.ID, Sent: m.Time, Host: m.Host, Severity: m.Severity,
		Subject: m.Subject, Text: m.Text(), Notes: append([]string{}, m.Notes...),
	}
	w := writer{m.Time}
	for _, s := range m.Stories {
		b.Events = append(b.Events, webhookEvent{
			ID: s.ID, Kind: s.Kind, Severity: s.Severity, Database: s.Database, Place: s.Place,
			Time: s.Time, Zone: s.Zone, Since: known(s.Since), Count: s.Count, Again: s.Again, Thread: s.Thread,
			Summary: w.title(s), Cause: s.Cause, Hint: s.Hint, LastGood: known(s.LastGood), Holds: w.holds(s),
			Next: s.Next, Link: s.Link, RunID: s.RunID, Details: s.Details,
		})
	}
	return b
}

// known returns nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Sign returns the value of HeaderSignature: the time in seconds since 1970, and
// the HMAC-SHA256 of that text, a dot and the body, in hexadecimal.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// ErrSignature: a signature that is not of the secret, the body and about now.
var ErrSignature = errors.New("signature does not fit")

// CheckSignature does what a receiver has to: it compares the value of
// HeaderSignature with the body, and refuses one that was made more than
// tolerance before or after now, so that nobody can send a recorded one again.
func CheckSignature(secret []byte, value string, body []byte, now time.Time, tolerance time.Duration) error {
	stamp, sum, ok := strings.Cut(value, ",v1=")
	stamp, prefixed := strings.CutPrefix(stamp, "t=")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if !ok || !prefixed || err != nil {
		return fmt.Errorf("%w: it must be t=UNIX,v1=HEX", ErrSignature)
	}
	got, err := hex.DecodeString(sum)
	if err != nil || !hmac.Equal(got, mac(secret, stamp, body)) {
		return fmt.Errorf("%w: another secret or another body", ErrSignature)
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > tolerance || d < -tolerance {
		return fmt.Errorf("%w: it was made at another time", ErrSignature)
	}
	return nil
}
