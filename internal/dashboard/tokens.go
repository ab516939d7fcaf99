package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// tokensPage is the data of the page tokens.
type tokensPage struct {
	page
	Tokens    []service.Token
	Databases []string
	Made      *service.Token // just now
	Secret    string         // of Made; shown this once
	Form      tokenForm
	Error     string
}

// tokenForm is the form for a new token as it was filled in.
type tokenForm struct {
	Name, Role, Databases, Days string
}

// tokens lists the tokens.
func (d *Dashboard) tokens(c *call) error {
	p, err := d.tokensPage(c)
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, "tokens", p)
}

func (d *Dashboard) tokensPage(c *call) (*tokensPage, error) {
	list, err := d.o.Door.Tokens(c.ctx, c.by)
	if err != nil {
		return nil, err
	}
	_, names, err := d.databaseZones(c)
	if err != nil {
		return nil, err
	}
	return &tokensPage{
		page: c.page("Tokens", "settings"), Tokens: list, Databases: names,
		Form: tokenForm{Role: string(access.Viewer), Days: "90"},
	}, nil
}

// createToken makes a token, and shows its secret in the answer: it is nowhere
// else, so there is nothing that a redirect could lead to.
func (d *Dashboard) createToken(c *call) error {
	form := tokenForm{c.form("name"), c.form("role"), c.form("databases"), c.form("days")}
	want, err := form.token(c.now)
	var made *service.Token
	var secret string
	if err == nil {
		made, secret, err = d.o.Door.CreateToken(c.ctx, c.by, want)
	}
	if err != nil && !errors.Is(err, service.ErrRequest) {
		return err
	}
	p, e := d.tokensPage(c)
	if e != nil {
		return e
	}
	p.Here = "/settings/tokens"
	if err != nil {
		p.Form = form
		p.Error, _ = words(err)
		return c.render(http.StatusBadRequest, "tokens", p)
	}
	p.Made, p.Secret = made, secret
	return c.render(http.StatusOK, "tokens", p)
}

// token reads the form. The door decides whether the names in it make sense.
func (f tokenForm) token(now time.Time) (t service.Token, err error) {
	t = service.Token{Name: f.Name, Role: f.Role, Databases: strings.FieldsFunc(f.Databases, func(r rune) bool {
		return strings.ContainsRune(" ,\r\n\t", r)
	})}
	if t.Name == "" {
		return t, fmt.Errorf("%w: a token needs a name", service.ErrRequest)
	}
	if f.Days == "never" {
		return t, nil
	}
	days, err := strconv.Atoi(f.Days)
	if err != nil || days < 1 || days > 3660 {
		return t, fmt.Errorf("%w: a token lives for 1 to 3660 days, or never expires", service.ErrRequest)
	}
	t.Expires = now.AddDate(0, 0, days)
	return t, nil
}

// revokeToken ends a token.
func (d *Dashboard) revokeToken(c *call) error {
	if err := d.o.Door.RevokeToken(c.ctx, c.by, c.path("token")); err != nil {
		return err
	}
	return c.done("/settings/tokens", "revoked")
}

// Expired reports whether a token's time is over.
func (p tokensPage) Expired(t service.Token) bool {
	return !t.Expires.IsZero() && !t.Expires.After(p.now)
}
