package access

import (
	"errors"
	"fmt"
	"net/http"
)

// Status is the HTTP status of an error of this package, 503 for one of the store
// of tokens. An answer of 401 or 429 needs a header, see SetRefusalHeaders.
func Status(err error) int {
	var limited *LimitedError
	switch {
	case errors.As(err, &limited):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrUnauthenticated), errors.Is(err, ErrToken), errors.Is(err, ErrUnknownToken):
		return http.StatusUnauthorized
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrCrossOrigin):
		return http.StatusForbidden
	case errors.Is(err, ErrHost):
		return http.StatusMisdirectedRequest
	}
	return http.StatusServiceUnavailable
}

// SetRefusalHeaders sets Retry-After or WWW-Authenticate, as the status needs.
func SetRefusalHeaders(h http.Header, err error) {
	var limited *LimitedError
	switch {
	case errors.As(err, &limited):
		h.Set("Retry-After", fmt.Sprint(limited.Seconds()))
	case Status(err) == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="litekeep"`)
	}
}

// RefusalText is what a client is told of an error of this package: nothing of what
// is wrong inside.
func RefusalText(err error) string {
	if Status(err) == http.StatusServiceUnavailable {
		return "who asks cannot be found out at the moment"
	}
	return err.Error()
}

// RefuseText answers a request that is refused with a line of text.
func RefuseText(w http.ResponseWriter, _ *http.Request, err error) {
	SetRefusalHeaders(w.Header(), err)
	http.Error(w, RefusalText(err), Status(err))
}
