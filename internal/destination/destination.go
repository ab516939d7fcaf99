// Package destination opens the places that backups are kept in by the names that
// people give them: the path of a folder, or a URL.
//
//	/mnt/nas/backups
//	file:///mnt/nas/backups?retention_days=30
//	s3://bucket/prefix?region=eu-central-1&retention_days=90&keep_last=3
//
// Some parameters are the place's own retention, see Parameters; the others are
// those of package cloud.
package destination

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/store/folder"
	"github.com/litekeep/litekeep/internal/vault"
)

// ErrName is matched by the error for a text that names no destination.
var ErrName = errors.New("not a destination")

// A Destination is an open place.
type Destination struct {
	vault.Place
	io.Closer
	Folder string // absolute path, "" if it is no folder
}

// Options are the choices of Open.
type Options struct {
	// Policy is the retention where the destination has none of its own, and Grace
	// how long the trash is kept.
	Policy retention.Policy
	Grace  time.Duration
	// Create makes a folder that is missing.
	Create bool
}

// IsURL reports whether text is a URL and not a path. A Windows drive is none.
func IsURL(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && len(scheme) > 1
}

// named is a text taken apart.
type named struct {
	folder string // "" for a URL that package cloud takes
	url    string // without the parameters of this package
	policy retention.Policy
	grace  time.Duration
}

// Check returns an error that matches ErrName unless text names a destination.
// It connects to nothing.
func Check(text string) error {
	_, err := parse(text, Options{})
	return err
}

func parse(text string, o Options) (named, error) {
	n := named{folder: text, policy: o.Policy, grace: o.Grace}
	if text == "" {
		return n, fmt.Errorf("%w: it is empty", ErrName)
	}
	if !IsURL(text) {
		return n, misspelt(text)
	}
	u, err := url.Parse(text)
	if err != nil {
		return n, fmt.Errorf("%w: it cannot be read as a URL", ErrName) // err repeats the text, secrets and all
	}
	query := u.Query()
	if err := n.takeRetention(query); err != nil {
		return n, err
	}
	u.RawQuery = query.Encode()
	if u.Scheme == "file" {
		if u.Host != "" || len(query) > 0 {
			return n, fmt.Errorf("%w: want file:///path, with no parameters but %s", ErrName, strings.Join(Parameters(), ", "))
		}
		n.folder = filepath.FromSlash(u.Path)
		return n, nil
	}
	n.folder, n.url = "", u.String()
	if !slices.Contains(cloud.Schemes(), u.Scheme) {
		return n, fmt.Errorf("%w: nothing is known of %s:// URLs; use a folder's path or one of file, %s",
			ErrName, u.Scheme, strings.Join(cloud.Schemes(), ", "))
	}
	if err := cloud.ParseURL(n.url); err != nil {
		return n, fmt.Errorf("%w: %w", ErrName, err)
	}
	return n, nil
}

// misspelt refuses a path that begins like a URL, such as s3:/bucket and s3//bucket: it
// would be a new folder here, and nobody would look for the backups in it.
func misspelt(text string) error {
	for _, scheme := range append(cloud.Schemes(), "file") {
		rest, ok := strings.CutPrefix(text, scheme+":")
		if !ok {
			rest, ok = strings.CutPrefix(text, scheme+"//")
		}
		if !ok {
			continue
		}
		rest, _, _ = strings.Cut(strings.TrimLeft(rest, "/"), "?")
		if rest == "" || strings.Contains(rest, "@") { // what may be a password is not repeated
			rest = "…"
		}
		if scheme == "file" {
			rest = "/" + rest
		}
		return fmt.Errorf("%w: a URL is written %s://%s; for a folder of that name write ./ before it", ErrName, scheme, rest)
	}
	return nil
}

// Retention is what the parameters of a text make of a policy and a grace time. The
// error matches ErrName when it names no destination.
func Retention(text string, p retention.Policy, grace time.Duration) (retention.Policy, time.Duration, error) {
	n, err := parse(text, Options{Policy: p, Grace: grace})
	return n.policy, n.grace, err
}

// Open opens a destination. The error matches ErrName when text names none.
func Open(ctx context.Context, text string, o Options) (*Destination, error) {
	n, err := parse(text, o)
	if err != nil {
		return nil, err
	}
	d := &Destination{Place: vault.Place{Name: text, Policy: n.policy, Grace: n.grace}}
	if n.folder != "" {
		s, err := folder.Open(n.folder, folder.Options{Create: o.Create})
		if err != nil {
			return nil, err
		}
		d.Store, d.Closer = s, s
		d.Folder, err = filepath.Abs(n.folder)
		return d, err
	}
	s, err := cloud.Open(ctx, n.url, cloud.Options{})
	if err != nil {
		return nil, err
	}
	d.Store, d.Closer = s, s
	return d, nil
}

// Split takes the name of a backup in a destination apart: a URL or path whose
// last two elements are the database and the object. The parameters stay with
// the destination.
func Split(text string) (place string, ref vault.Ref, ok bool) {
	path, query, parameters := strings.Cut(text, "?")
	if !IsURL(text) {
		path, query, parameters = filepath.ToSlash(text), "", false
	}
	last := strings.LastIndexByte(path, '/')
	if last < 0 {
		return "", ref, false
	}
	before := strings.LastIndexByte(path[:last], '/')
	if before < 0 {
		return "", ref, false
	}
	if ref, ok = vault.ParseKey(path[before+1:]); !ok {
		return "", ref, false
	}
	place = path[:before]
	if parameters {
		place += "?" + query
	}
	return place, ref, true
}

// Join is the reverse of Split.
func Join(place string, ref vault.Ref) string {
	if !IsURL(place) {
		return filepath.Join(place, filepath.FromSlash(ref.Key()))
	}
	path, query, parameters := strings.Cut(place, "?")
	path = strings.TrimSuffix(path, "/") + "/" + ref.Key()
	if parameters {
		path += "?" + query
	}
	return path
}

// SplitDatabase takes the name of a database in a destination apart: a URL whose
// last element is the database.
func SplitDatabase(text string) (place, database string, ok bool) {
	path, query, parameters := strings.Cut(text, "?")
	path = strings.TrimSuffix(path, "/")
	at := strings.LastIndexByte(path, '/')
	scheme := strings.Index(path, "://")
	if at < 0 || scheme >= 0 && at < scheme+3 {
		return "", "", false
	}
	place, database = path[:at], path[at+1:]
	if parameters {
		place += "?" + query
	}
	return place, database, database != ""
}
