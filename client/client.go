// Package client speaks the HTTP API of a litekeep service (docs/API.md).
//
//	c, err := client.New("https://backup.example", client.WithToken(token))
//	run, err := c.Backup(ctx, "app")
//
// A run is what the service does: a backup, a verification, a restore, a
// cleanup or a synchronisation. The methods Start… begin one and return at once;
// Wait waits for its end. Backup, Verify, Restore, Cleanup and Sync do both. A
// run goes on in the service when its caller stops waiting, whatever the reason;
// CancelRun stops it.
//
// Where a method takes the name of a database, "" stands for the only one that
// there is; with several, the service refuses that. A backup is named by the
// file name of its object, File.
//
// Answers of the service that tell of failure are an *Error, which also matches
// one of the sentinels; a run that failed is a *RunError.
//
// The package imports the standard library alone. Its types are those of the
// service's JSON; what a newer service adds is ignored.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// A Client asks one service. Its methods may be called concurrently.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
	plain bool
}

// An Option changes a Client when it is made.
type Option func(*Client)

// WithToken shows who asks.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithHTTPClient makes the Client use h, for its own certificates or proxy. Its
// Timeout must leave room for a wait of half a minute. Default: one without a
// limit of time but that of contexts.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithPlainHTTP lets the token go over a network without TLS, where everybody on
// the way can read it.
func WithPlainHTTP() Option { return func(c *Client) { c.plain = true } }

// New returns a Client of the service at server, such as
// http://127.0.0.1:8420. A token is sent over plain http to this machine only,
// see WithPlainHTTP.
func New(server string, options ...Option) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("parse server: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("server %q: want a URL such as http://127.0.0.1:8420", u.Redacted())
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	c := &Client{base: u}
	for _, o := range options {
		o(c)
	}
	if strings.ContainsFunc(c.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("token: has characters that no token has")
	}
	if c.token != "" && u.Scheme == "http" && !c.plain && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("server %s: a token is not sent over plain http; use https", u.Redacted())
	}
	own := http.Client{}
	if c.http != nil {
		own = *c.http
	}
	// The service never redirects. Whoever else does shall not get the token.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	return c, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxAnswer bounds the JSON of one answer, in bytes.
const maxAnswer = 64 << 20

// A request is one call of the API.
type request struct {
	method string
	path   []string // parts, not escaped
	query  url.Values
	header http.Header
	body   any
}

func get(path ...string) request  { return request{method: http.MethodGet, path: path} }
func post(path ...string) request { return request{method: http.MethodPost, path: path} }

func remove(path ...string) request { return request{method: http.MethodDelete, path: path} }

// with adds parameters, those that are not empty.
func (r request) with(pairs ...string) request {
	if r.query == nil {
		r.query = url.Values{}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			r.query.Set(pairs[i], pairs[i+1])
		}
	}
	return r
}

// carrying adds a body.
func (r request) carrying(body any) request {
	r.body = body
	return r
}

// send sends a request. The answer is one of success, and the caller closes it.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	u := *c.base
	raw := u.EscapedPath()
	for _, part := range r.path {
		if part == "" || part == "." || part == ".." {
			return nil, fmt.Errorf("%w: %q is no name", ErrBadRequest, part)
		}
		u.Path += "/" + part
		raw += "/" + url.PathEscape(part)
	}
	u.RawPath, u.RawQuery = raw, r.query.Encode()
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range r.header {
		q.Header[name] = values
	}
	if r.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return nil, err // it names the method and the URL
	}
	if answer.StatusCode >= 300 {
		defer func() { _ = answer.Body.Close() }() // it was only read
		return nil, readError(answer)
	}
	return answer, nil
}

// ask sends a request and reads the JSON of the answer into v.
func (c *Client) ask(ctx context.Context, r request, v any) error {
	answer, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(text) > maxAnswer {
		return fmt.Errorf("read answer: longer than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// done is an answer that tells nothing but success.
type done struct{}

// do sends a request whose answer tells nothing.
func (c *Client) do(ctx context.Context, r request) error { return c.ask(ctx, r, &done{}) }
