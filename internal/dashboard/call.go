package dashboard

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/access"
)

// maxForm is the size of the largest form that is read, in bytes. The largest
// that people send is a token for many databases.
const maxForm = 64 << 10

// A call is one request with who asks.
type call struct {
	d   *Dashboard
	w   http.ResponseWriter
	r   *http.Request
	ctx context.Context
	by  access.Principal // the zero one is nobody
	now time.Time        // in the zone of the service
}

// A handler answers a call. An error becomes a page that says what it is.
type handler func(*call) error

// anybody serves a handler to all, also to those who are not logged in.
func (d *Dashboard) anybody(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.call(w, r).serve(h) })
}

// known serves a handler to those who are known, and sends others to the login.
func (d *Dashboard) known(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := d.call(w, r)
		switch {
		case c.by.Known():
			c.serve(h)
		case r.Method == http.MethodGet && r.URL.Path != "/live":
			c.toLogin()
		default:
			c.fail(access.ErrUnauthenticated)
		}
	})
}

// toLogin sends a browser to the login, which leads back to where it was.
func (c *call) toLogin() {
	c.redirect("/login?" + url.Values{"next": {c.r.URL.RequestURI()}}.Encode())
}

func (d *Dashboard) call(w http.ResponseWriter, r *http.Request) *call {
	return &call{d: d, w: w, r: r, ctx: r.Context(), by: access.FromContext(r.Context()), now: d.o.Now().In(d.o.Location)}
}

func (c *call) serve(h handler) {
	if c.r.Method == http.MethodPost {
		c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxForm)
		if err := c.r.ParseForm(); err != nil {
			c.fail(errForm)
			return
		}
	}
	if err := h(c); err != nil {
		c.fail(err)
	}
}

// path returns a part of the address by its name in the pattern.
func (c *call) path(name string) string { return c.r.PathValue(name) }

// query returns a parameter of the address, without space around it.
func (c *call) query(name string) string { return strings.TrimSpace(c.r.URL.Query().Get(name)) }

// form returns a field of the form that was posted, without space around it.
func (c *call) form(name string) string { return strings.TrimSpace(c.r.PostForm.Get(name)) }

// redirect sends the browser to a page of ours, which it gets by GET.
func (c *call) redirect(to string) { http.Redirect(c.w, c.r, to, http.StatusSeeOther) }

// done redirects to a page that says what was done: a key of notices.
func (c *call) done(to, what string) error {
	c.redirect(to + "?" + url.Values{"done": {what}}.Encode())
	return nil
}

// render sends a page with a status.
func (c *call) render(status int, name string, data any) error {
	var b bytes.Buffer
	if err := c.d.pages.execute(&b, name, data); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = b.WriteTo(c.w) // the browser is gone if this fails
	return nil
}

// local returns a path of this server that a form or an address asks to go back
// to, and "/" for everything else: no open redirect.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
