package keys

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// A Source says where a key is. It holds no secret and is safe to print.
type Source struct {
	scheme string // one of those below, or a KMS's
	rest   string // path or name; the whole URL of a KMS
}

// The schemes of a Source that are not a KMS's.
const (
	schemeFile           = "file"
	schemePassphraseFile = "passphrase-file"
	schemePassphraseEnv  = "passphrase-env"
	prompt               = "prompt"
)

// KMSSchemes returns the schemes of the URLs of key management services.
func KMSSchemes() []string { return []string{"awskms", "gcpkms", "azurekeyvault", "hashivault"} }

// errSource never quotes what it is about, which may be a secret that somebody
// mistook for a reference.
var errSource = errors.New("a key is given as file:PATH, passphrase-file:PATH, passphrase-env:VARIABLE, prompt, " +
	"or the URL of a key management service (awskms://, gcpkms://, azurekeyvault://, hashivault://); " +
	"never the key or the passphrase itself")

// ParseSource reads a reference to a key:
//
//	file:PATH             a key file
//	passphrase-file:PATH  a file that holds a passphrase
//	passphrase-env:NAME   an environment variable that holds a passphrase
//	prompt                a question at the terminal
//	awskms://…            and the like: a key management service
//
// The error matches ErrSecret, and does not quote ref unless its scheme shows
// that it is no secret, or it is the path of a file that is there.
func ParseSource(ref string) (Source, error) {
	if ref == prompt {
		return Source{scheme: prompt}, nil
	}
	scheme, rest, ok := strings.Cut(ref, ":")
	switch {
	case isFile(ref): // so it is no secret
		return Source{}, fmt.Errorf("%w: %s is a file: did you mean file:%s?", ErrSecret, ref, ref)
	case !ok:
		return Source{}, fmt.Errorf("%w: %w", ErrSecret, errSource)
	case slices.Contains(KMSSchemes(), scheme):
		return parseKMS(scheme, ref)
	case scheme != schemeFile && scheme != schemePassphraseFile && scheme != schemePassphraseEnv:
		return Source{}, fmt.Errorf("%w: %w", ErrSecret, errSource)
	case rest == "":
		return Source{}, fmt.Errorf("%w: %s: nothing follows the colon", ErrSecret, scheme)
	case scheme == schemePassphraseEnv && !variable(rest):
		// Perhaps the passphrase itself.
		return Source{}, fmt.Errorf("%w: %s: what follows the colon is not the name of a variable", ErrSecret, scheme)
	}
	return Source{scheme, rest}, nil
}

// isFile reports whether a reference that lacks its scheme is the path of a file.
func isFile(ref string) bool {
	if !strings.ContainsAny(ref, `/\.`) {
		return false // a word, which may be a passphrase that is also the name of a file
	}
	info, err := os.Stat(ref)
	return err == nil && info.Mode().IsRegular()
}

func parseKMS(scheme, ref string) (Source, error) {
	u, err := url.Parse(ref) // its error quotes ref
	switch {
	case err != nil || u.Opaque != "" || u.Host+u.Path == "":
		return Source{}, fmt.Errorf("%w: %s: this is not a URL like %s://KEY", ErrSecret, scheme, scheme)
	case u.User != nil:
		return Source{}, fmt.Errorf("%w: %s: a URL must not hold a user or a password: put them into the environment",
			ErrSecret, scheme)
	}
	return Source{scheme, ref}, nil
}

func variable(name string) bool {
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// String returns the reference.
func (s Source) String() string {
	switch {
	case s.KMS():
		return s.rest
	case s.scheme == prompt:
		return prompt
	}
	return s.scheme + ":" + s.rest
}

// KMS tells whether the key is in a key management service.
func (s Source) KMS() bool { return slices.Contains(KMSSchemes(), s.scheme) }

// Inputs is what a Source is opened with. What is nil is refused to the
// Sources that need it, but for LookupEnv.
type Inputs struct {
	// LookupEnv reads the environment. Default: os.LookupEnv.
	LookupEnv func(name string) (string, bool)
	// Prompt asks for the passphrase, without showing it.
	Prompt func(ctx context.Context) ([]byte, error)
	// Services opens keys of key management services.
	Services Services
	// Cost is that of new records under a passphrase. Default: DefaultCost.
	Cost Cost
}

// Open reads the key. A KMS is not called yet. The error names the reference,
// not the secret, and matches ErrSecret where the secret is not fit for use.
func (s Source) Open(ctx context.Context, in Inputs) (Key, error) {
	k, err := s.open(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", s, err)
	}
	return k, nil
}

func (s Source) open(ctx context.Context, in Inputs) (Key, error) {
	switch {
	case s.KMS():
		if in.Services == nil {
			return nil, fmt.Errorf("%w: there is no access to key management services here", ErrSecret)
		}
		return NewKMS(s.rest, in.Services)
	case s.scheme == schemeFile:
		k, err := ReadFile(s.rest)
		if err != nil {
			return nil, err // not a nil *FileKey in a Key
		}
		return k, nil
	}
	text, err := s.passphrase(ctx, in)
	if err != nil {
		return nil, err
	}
	if in.Cost == (Cost{}) {
		in.Cost = DefaultCost()
	}
	return NewPassphrase(text, in.Cost)
}

func (s Source) passphrase(ctx context.Context, in Inputs) ([]byte, error) {
	switch s.scheme {
	case schemePassphraseFile:
		return readSecretFile(s.rest)
	case schemePassphraseEnv:
		if in.LookupEnv == nil {
			in.LookupEnv = os.LookupEnv
		}
		v, ok := in.LookupEnv(s.rest)
		if !ok {
			return nil, fmt.Errorf("%w: the variable is not set", ErrSecret)
		}
		return []byte(v), nil
	case prompt:
		if in.Prompt == nil {
			return nil, fmt.Errorf("%w: there is nobody to ask: use passphrase-file:PATH or passphrase-env:NAME", ErrSecret)
		}
		return in.Prompt(ctx)
	}
	return nil, fmt.Errorf("%w: %w", ErrSecret, errSource)
}

// OpenAll opens the keys of all sources, in their order.
func OpenAll(ctx context.Context, sources []Source, in Inputs) ([]Key, error) {
	ring := make([]Key, 0, len(sources))
	for _, s := range sources {
		k, err := s.Open(ctx, in)
		if err != nil {
			return nil, err
		}
		ring = append(ring, k)
	}
	return ring, nil
}
