package api

import (
	"context"
	"net/http"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// tokenLife is how long a token lasts that is made without a word of its end.
const tokenLife = 90 * 24 * time.Hour

// TokenBody asks for a token.
type TokenBody struct {
	_         struct{}  `additionalProperties:"false"`
	Name      string    `json:"name" minLength:"1" maxLength:"100" doc:"For people: who or what uses it"`
	Role      string    `json:"role" enum:"viewer,operator,admin"`
	Databases []string  `json:"databases,omitempty" nullable:"false" doc:"The only ones that it may see. All, if it is left out"`
	Expires   time.Time `json:"expires,omitzero" doc:"When it ends. In 90 days, if it is left out"`
	Never     bool      `json:"never_expires,omitempty" doc:"It has no end"`
}

// TokensAnswer lists tokens.
type TokensAnswer struct {
	Success bool            `json:"success"`
	Tokens  []service.Token `json:"tokens"`
	Count   int             `json:"count"`
}

// NewTokenAnswer is a new token with its secret, which nobody can see again.
type NewTokenAnswer struct {
	Success bool          `json:"success"`
	Token   service.Token `json:"token"`
	Secret  string        `json:"secret" doc:"Shown this once"`
}

func (a *API) registerTokens() {
	const tag = "tokens"
	register(a, operation{
		id: "list-tokens", method: http.MethodGet, path: "/api/tokens", tag: tag, action: access.Tokens,
		summary: "List the tokens",
	}, func(ctx context.Context, by access.Principal, _ *struct{}) (*answer[TokensAnswer], error) {
		all, err := a.door.Tokens(ctx, by)
		if err != nil {
			return nil, err
		}
		return reply(TokensAnswer{true, all, len(all)}), nil
	})
	register(a, operation{
		id: "create-token", method: http.MethodPost, path: "/api/tokens", tag: tag, action: access.Tokens, status: http.StatusCreated,
		summary: "Make a token",
	}, func(ctx context.Context, by access.Principal, in *struct{ Body TokenBody }) (*answer[NewTokenAnswer], error) {
		t := service.Token{Name: in.Body.Name, Role: in.Body.Role, Databases: in.Body.Databases, Expires: in.Body.Expires}
		switch {
		case in.Body.Never && !t.Expires.IsZero():
			return nil, badRequest("body.never_expires", "a token that ends at a time does end")
		case !in.Body.Never && t.Expires.IsZero():
			t.Expires = a.o.Now().Add(tokenLife)
		}
		made, secret, err := a.door.CreateToken(ctx, by, t)
		if err != nil {
			return nil, err
		}
		return reply(NewTokenAnswer{true, *made, secret}), nil
	})
	register(a, operation{
		id: "revoke-token", method: http.MethodDelete, path: "/api/tokens/{id}", tag: tag, action: access.Tokens,
		summary: "End a token", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *struct {
		ID string `path:"id" maxLength:"100"`
	},
	) (*answer[Done], error) {
		if err := a.door.RevokeToken(ctx, by, in.ID); err != nil {
			return nil, err
		}
		return reply(Done{true}), nil
	})
}
