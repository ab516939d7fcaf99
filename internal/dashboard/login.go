package dashboard

import (
	"net/http"

	"github.com/litekeep/litekeep/internal/access"
)

// loginData is the data of the page login.
type loginData struct {
	page
	Next  string
	Error string
}

// loginPage asks for a token.
func (d *Dashboard) loginPage(c *call) error {
	next := local(c.query("next"))
	if c.by.Known() {
		c.redirect(next)
		return nil
	}
	return c.render(http.StatusOK, "login", loginData{page: c.page("Log in", ""), Next: next})
}

// login turns a token into a session.
func (d *Dashboard) login(c *call) error {
	next := local(c.form("next"))
	_, err := d.o.Sessions.Login(c.w, c.r, c.form("token"))
	if err == nil {
		c.redirect(next)
		return nil
	}
	p := loginData{page: c.page("Log in", ""), Next: next}
	access.SetRefusalHeaders(c.w.Header(), err)
	switch status := access.Status(err); status {
	case http.StatusTooManyRequests:
		p.Error = explain(err).Text
		return c.render(status, "login", p)
	case http.StatusUnauthorized:
		p.Error = "This token does not work. It is mistyped, revoked or expired."
		return c.render(status, "login", p)
	}
	return err
}

// logout ends the session.
func (d *Dashboard) logout(c *call) error {
	d.o.Sessions.Logout(c.w, c.r)
	c.redirect("/login")
	return nil
}

// themeCookie keeps whether somebody wants the pages light or dark.
const themeCookie = "litekeep_theme"

// themeOf returns light or dark, or "" for what the system says.
func themeOf(r *http.Request) string {
	cookie, err := r.Cookie(themeCookie)
	if err != nil || cookie.Value != "light" && cookie.Value != "dark" {
		return ""
	}
	return cookie.Value
}

// theme keeps the choice of a theme for a year.
func (d *Dashboard) theme(c *call) error {
	cookie := &http.Cookie{
		Name: themeCookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: d.o.Secure, MaxAge: 365 * 24 * 3600,
	}
	switch to := c.form("to"); to {
	case "light", "dark":
		cookie.Value = to
	default:
		cookie.MaxAge = -1
	}
	http.SetCookie(c.w, cookie)
	c.redirect(local(c.form("back")))
	return nil
}
