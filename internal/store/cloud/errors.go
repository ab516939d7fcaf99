package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/litekeep/litekeep/internal/store"
)

// fault is what went wrong at a store. It takes the place of the error of an
// SDK, which may hold the address of a signed request, several lines of XML, or
// nothing that a person could use. Only kind can be asked for.
type fault struct {
	kind error // a sentinel, nil if none fits
	text string
	hint string // the way out
}

func (f *fault) Error() string {
	if f.hint != "" {
		return f.text + "; " + f.hint
	}
	return f.text
}

func (f *fault) Unwrap() error { return f.kind }

// answer is what a provider reads from the error of its SDK: the code and the
// message of a refused request.
type answer struct {
	status        int
	code, message string
}

// Sentinels that never leave the package.
var (
	errPrecondition = errors.New("there is one already")        // the condition of an exclusive create
	errConflict     = errors.New("another upload interfered")   // and must be repeated
	errUnsupported  = errors.New("the server does not do that") // 501 and its like
)

// explain turns the error of an SDK into one of ours. An error of ctx wins,
// since all that comes after its end follows from it.
func (s *Store) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if end := ended(ctx); end != nil {
		return end
	}
	var own *fault
	if errors.As(err, &own) {
		return own
	}
	if a, ok := s.provider.answer(err); ok {
		return s.refused(a)
	}
	return unreachable(err)
}

// refused explains the answer to a request that reached the server.
func (s *Store) refused(a answer) error {
	f := &fault{text: line(a.code, a.message)}
	if f.text == "" {
		f.text = http.StatusText(a.status)
	}
	what := map[string]string{"s3": "bucket", "gs": "bucket", "azblob": "container"}[s.location.scheme]
	switch {
	case a.code == "NoSuchBucket" || a.code == "ContainerNotFound" || strings.Contains(a.message, "bucket does not exist"):
		f.kind = store.ErrNoBucket
		f.text = "the " + what + " " + s.location.bucket + " does not exist"
		f.hint = "create it, or correct the URL"
	case a.code == "PermanentRedirect" || a.code == "AuthorizationHeaderMalformed" || a.status == http.StatusMovedPermanently:
		f.hint = "is the bucket in another region? give it: region=…"
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		f.kind = store.ErrPermission
		f.hint = s.provider.permissions()
	case a.status == http.StatusPreconditionFailed || a.code == "BlobAlreadyExists":
		f.kind = errPrecondition
	case a.status == http.StatusNotFound:
		f.kind = store.ErrNotExist
		f.text = store.ErrNotExist.Error()
	case a.code == "ConditionalRequestConflict" || a.code == "OperationAborted":
		f.kind = errConflict
	case a.status == http.StatusNotImplemented || a.code == "NotImplemented":
		f.kind = errUnsupported
		f.hint = "if the server does not know If-None-Match, use conditional=false"
	}
	return f
}

// unreachable explains an error of the network, or of an SDK itself.
func unreachable(err error) error {
	// gocloud.dev/blob puts words before the cause that tell nothing.
	var wrapped interface{ Unwrap() []error }
	if errors.As(err, &wrapped) && strings.HasPrefix(err.Error(), "blob") && len(wrapped.Unwrap()) > 0 {
		err = wrapped.Unwrap()[0]
	}
	f := &fault{text: line("", err.Error())}
	// The text of *url.Error holds the address with all parameters.
	var address *url.Error
	if errors.As(err, &address) {
		f.text = line("", address.Err.Error())
		if u, parseErr := url.Parse(address.URL); parseErr == nil {
			f.text = u.Host + ": " + f.text
		}
	}
	var dns *net.DNSError
	var dial *net.OpError
	switch {
	case errors.As(err, &dns):
		f.text = "no such host: " + dns.Name
		f.hint = "check the endpoint, the region and the network"
	case errors.As(err, &dial) && dial.Op == "dial":
		f.hint = "is the server running, and the endpoint right?"
	}
	return f
}

// line makes one short line of a code and a message.
func line(code, message string) string {
	const most = 300
	text := strings.Join(strings.Fields(message), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	if code != "" && text != "" && code != text {
		return code + ": " + text
	}
	return max(code, text)
}

// ended returns nil as long as ctx has not ended, and then an error that matches
// that of ctx and its cause.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// wrap tells what could not be done with which key.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &store.Error{Op: op, Key: key, Err: err}
}
