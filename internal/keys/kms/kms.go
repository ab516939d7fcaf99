package kms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/vault/api"
	"gocloud.dev/gcerrors"

	"github.com/litekeep/litekeep/internal/keys"
)

// Services opens keys in key management services. The zero value works.
type Services struct {
	// LookupEnv reads the environment for HashiCorp Vault; the SDKs of the
	// others read it themselves. Default: os.LookupEnv.
	LookupEnv func(name string) (string, bool)
}

var _ keys.Services = Services{}

// rules says what a URL of a service may be.
type rules struct {
	key    *regexp.Regexp // host and path
	like   string         // for people
	params []string       // query parameters
	prefix string         // of further parameters
}

// schemes is the table of the services.
func schemes() map[string]rules {
	return map[string]rules{
		"awskms": {
			key: regexp.MustCompile(`^/?[A-Za-z0-9:/_-]+$`), like: "awskms:///alias/NAME?region=REGION",
			params: []string{"region", "profile", "endpoint", "hostname_immutable", "dualstack", "fips", "role", "rate_limiter_capacity"},
			prefix: "context_",
		},
		"gcpkms": {
			key:    regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`),
			like:   "gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
			params: []string{"additional_authenticated_data"},
		},
		"azurekeyvault": {
			key:  regexp.MustCompile(`^[A-Za-z0-9-]+\.vault\.[a-z0-9.-]+/keys/[^/]+(/[^/]+)?$`),
			like: "azurekeyvault://VAULT.vault.azure.net/keys/KEY", params: []string{"algorithm"},
		},
		"hashivault": {
			key: regexp.MustCompile(`^[A-Za-z0-9._-]+$`), like: "hashivault://KEY", params: []string{"engine"},
		},
	}
}

// Check tells whether text is the URL of a key, without calling anybody. The
// error matches keys.ErrSecret.
func (Services) Check(text string) error {
	if err := check(text); err != nil {
		return fmt.Errorf("%w: %w", keys.ErrSecret, err)
	}
	return nil
}

func check(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("this is not a URL") // its error quotes the text
	}
	rule, ok := schemes()[u.Scheme]
	switch {
	case !ok:
		return fmt.Errorf("no key management service is known as %q", u.Scheme)
	case u.User != nil:
		return errors.New("a URL must not hold a user or a password: put them into the environment")
	case u.Opaque != "" || u.Fragment != "" || !rule.key.MatchString(u.Host+u.Path):
		return fmt.Errorf("the URL of a key is like %s", rule.like)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the parameters of the URL cannot be read")
	}
	for name, values := range query {
		switch {
		case !slices.Contains(rule.params, name) && (rule.prefix == "" || !strings.HasPrefix(name, rule.prefix)):
			return fmt.Errorf("parameter %q is unknown; %s takes %s", name, u.Scheme, strings.Join(rule.params, ", "))
		case len(values) != 1:
			return fmt.Errorf("parameter %q occurs %d times", name, len(values))
		}
	}
	return nil
}

// Open returns the Keeper of the key. Of the services, only Google's is called.
func (s Services) Open(ctx context.Context, text string) (keys.Keeper, error) {
	if err := s.Check(text); err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: this is not a URL", keys.ErrSecret)
	}
	k, err := s.dial(ctx, u)
	if err != nil {
		return nil, oneLine(err)
	}
	return k, nil
}

// keeper is a key of a service.
type keeper struct {
	secrets interface {
		Encrypt(ctx context.Context, text []byte) ([]byte, error)
		Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error)
		Close() error
	}
	free func() // what the secrets leave behind; may be nil

	abandoned atomic.Bool // a call is under way that nobody waits for
}

// Encrypt has the service encrypt.
func (k *keeper) Encrypt(ctx context.Context, text []byte) ([]byte, error) {
	b, err := k.await(ctx, func() ([]byte, error) { return k.secrets.Encrypt(ctx, text) })
	if err != nil {
		return nil, oneLine(err)
	}
	return b, nil
}

// Decrypt has the service decrypt.
func (k *keeper) Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error) {
	b, err := k.await(ctx, func() ([]byte, error) { return k.secrets.Decrypt(ctx, ciphertext) })
	switch {
	case err == nil:
		return b, nil
	case foreign(err):
		return nil, fmt.Errorf("%w: %w", keys.ErrOtherKey, oneLine(err))
	}
	return nil, oneLine(err)
}

// Close frees connections. It does not wait for a call that was abandoned.
func (k *keeper) Close() error {
	if k.abandoned.Load() {
		go func() { _ = k.close() }() // whose error concerns nobody any more
		return nil
	}
	return k.close()
}

func (k *keeper) close() error {
	err := k.secrets.Close()
	if k.free != nil {
		k.free()
	}
	return err
}

// foreign tells whether a service says that a ciphertext is not that of the key,
// in contrast to giving no answer.
func foreign(err error) bool {
	const badRequest = 400
	var vault *api.ResponseError // which gocloud does not classify
	if errors.As(err, &vault) {
		return vault.StatusCode == badRequest
	}
	return gcerrors.Code(err) == gcerrors.InvalidArgument
}

// await calls do, and stops waiting when ctx ends: the driver of Vault does not
// look at it. That driver also panics at an answer that has not the form that
// it expects, such as that of a proxy.
func (k *keeper) await(ctx context.Context, do func() ([]byte, error)) ([]byte, error) {
	type result struct {
		b   []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errors.New("the answer is not that of a key management service")}
		defer func() {
			_ = recover() // r says it; the panic's own text may quote the answer, a key
			done <- r
		}()
		r.b, r.err = do()
	}()
	select {
	case r := <-done:
		return r.b, r.err
	case <-ctx.Done():
		k.abandoned.Store(true)
		return nil, ctx.Err()
	}
}

// lineError shows an error on one line. SDKs write several.
type lineError struct{ err error }

func oneLine(err error) error { return &lineError{err} }

// Error returns the text with single spaces for all white space.
func (e *lineError) Error() string { return strings.Join(strings.Fields(e.err.Error()), " ") }

// Unwrap returns the error of the SDK.
func (e *lineError) Unwrap() error { return e.err }
