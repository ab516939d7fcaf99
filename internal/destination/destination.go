// Package destination opens the places that backups are kept in by the names that
// people give them: the path of a folder, or a URL.
//
//	/mnt/nas/backups
//	file:///mnt/nas/backups?retention_days=30
//	s3://bucket/prefix?region=eu-central-1&retention_days=90&keep_last=3
//
// The parameters retention_days and keep_last are the place's own retention; the
// others are those of package cloud.
package destination

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
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
	// Policy is the retention where the destination has none of its own.
	Policy retention.Policy
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
}

// Check returns an error that matches ErrName unless text names a destination.
// It connects to nothing.
func Check(text string) error {
	_, err := parse(text, retention.Policy{})
	return err
}

func parse(text string, policy retention.Policy) (named, error) {
	n := named{folder: text, policy: policy}
	if text == "" {
		return n, fmt.Errorf("%w: it is empty", ErrName)
	}
	if !IsURL(text) {
		return n, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return n, fmt.Errorf("%w: it cannot be read as a URL", ErrName) // err repeats the text, secrets and all
	}
	query := u.Query()
	if n.policy.KeepWithin, err = days(query, n.policy.KeepWithin); err != nil {
		return n, err
	}
	if n.policy.KeepLast, err = count(query, "keep_last", n.policy.KeepLast); err != nil {
		return n, err
	}
	query.Del("retention_days")
	query.Del("keep_last")
	u.RawQuery = query.Encode()
	if u.Scheme == "file" {
		if u.Host != "" || len(query) > 0 {
			return n, fmt.Errorf("%w: want file:///path, with no parameters but retention_days and keep_last", ErrName)
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

func days(query url.Values, otherwise time.Duration) (time.Duration, error) {
	n, err := count(query, "retention_days", 0)
	if err != nil || n == 0 {
		return otherwise, err
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

func count(query url.Values, name string, otherwise int) (int, error) {
	if !query.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < 1 || n > 36500 || len(query[name]) > 1 {
		return 0, fmt.Errorf("%w: %s must be one number from 1 to 36500", ErrName, name)
	}
	return n, nil
}

// Open opens a destination. The error matches ErrName when text names none.
func Open(ctx context.Context, text string, o Options) (*Destination, error) {
	n, err := parse(text, o.Policy)
	if err != nil {
		return nil, err
	}
	d := &Destination{Place: vault.Place{Name: text, Policy: n.policy}}
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
