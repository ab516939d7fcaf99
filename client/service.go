package client

import (
	"context"
	"net/http"
	"time"
)

// Databases tells how all databases are, those with problems first.
func (c *Client) Databases(ctx context.Context) ([]Status, error) {
	var v struct {
		Databases []Status `json:"databases"`
	}
	err := c.ask(ctx, get("api", "databases"), &v)
	return v.Databases, err
}

// Database tells how one database is.
func (c *Client) Database(ctx context.Context, name string) (*Status, error) {
	v := &Status{}
	if err := c.ask(ctx, get("api", "databases", name), v); err != nil {
		return nil, err
	}
	return v, nil
}

// AcceptSize says that a database may be as small as it is now, so that the
// retention goes on.
func (c *Client) AcceptSize(ctx context.Context, database, reason string) error {
	body := struct {
		Reason string `json:"reason"`
	}{reason}
	return c.do(ctx, post("api", "databases", database, "accept-size").carrying(body))
}

// Channels tells how the channels of notifications fare.
func (c *Client) Channels(ctx context.Context) ([]Channel, error) {
	var v struct {
		Channels []Channel `json:"channels"`
	}
	err := c.ask(ctx, get("api", "channels"), &v)
	return v.Channels, err
}

// TestChannel sends a test message through one channel, or all if it is "".
func (c *Client) TestChannel(ctx context.Context, name string) error {
	return c.do(ctx, post("api", "channels", "test").with("channel", name))
}

// Settings returns the configuration as people may see it.
func (c *Client) Settings(ctx context.Context) ([]Setting, error) {
	var v struct {
		Settings []Setting `json:"settings"`
	}
	err := c.ask(ctx, get("api", "settings"), &v)
	return v.Settings, err
}

// Reload makes the service read its configuration file again. It returns what
// changed, in words.
func (c *Client) Reload(ctx context.Context) ([]string, error) {
	var v struct {
		Changes []string `json:"changes"`
	}
	err := c.ask(ctx, post("api", "config", "reload"), &v)
	return v.Changes, err
}

// Tokens lists the tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var v struct {
		Tokens []Token `json:"tokens"`
	}
	err := c.ask(ctx, get("api", "tokens"), &v)
	return v.Tokens, err
}

// NewToken asks for a token.
type NewToken struct {
	Name      string    `json:"name"`
	Role      string    `json:"role"`                // viewer, operator or admin
	Databases []string  `json:"databases,omitempty"` // empty is all
	Expires   time.Time `json:"expires,omitzero"`    // zero is in 90 days
	Never     bool      `json:"never_expires,omitempty"`
}

// CreateToken makes a token. Nobody can see the secret again.
func (c *Client) CreateToken(ctx context.Context, t NewToken) (made *Token, secret string, err error) {
	var v struct {
		Token  Token  `json:"token"`
		Secret string `json:"secret"`
	}
	if err := c.ask(ctx, post("api", "tokens").carrying(t), &v); err != nil {
		return nil, "", err
	}
	return &v.Token, v.Secret, nil
}

// RevokeToken ends a token, by its ID.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, remove("api", "tokens", id))
}

// AuditFilter chooses entries of the audit log. The zero filter chooses the
// newest 100 of all.
type AuditFilter struct {
	Database, Action, Actor string
	Since, Until            time.Time // Until itself is left out
	Limit                   int       // at most 1000; 0 is 100
}

// Audit returns entries of the audit log, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	r := get("api", "audit").with("database", f.Database, "action", f.Action, "actor", f.Actor,
		"since", moment(f.Since), "until", moment(f.Until), "limit", number(f.Limit))
	var v struct {
		Entries []AuditEntry `json:"entries"`
	}
	err := c.ask(ctx, r, &v)
	return v.Entries, err
}

// moment is "" for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// VerifyAudit checks the chain of the audit log.
func (c *Client) VerifyAudit(ctx context.Context) (*AuditReport, error) {
	v := &AuditReport{}
	if err := c.ask(ctx, get("api", "audit", "verify"), v); err != nil {
		return nil, err
	}
	return v, nil
}

// Health tells how the service itself is. It is nil for whoever may not see all
// databases.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	var v struct {
		Health *Health `json:"health"`
	}
	err := c.ask(ctx, get("healthz"), &v)
	return v.Health, err
}

// Ready is nil if the service does its work. An error that matches
// ErrUnavailable says that it does not.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, request{method: http.MethodGet, path: []string{"readyz"}})
}
