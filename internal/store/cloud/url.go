package cloud

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litekeep/litekeep/internal/store"
)

// ErrURL is matched by the error for a URL that names no destination.
var ErrURL = errors.New("not the URL of a destination")

// Schemes are the schemes of the URLs that Open takes.
func Schemes() []string { return []string{"s3", "gs", "azblob"} }

// parameters are the query parameters of each scheme.
var parameters = map[string][]string{
	"s3":     {"region", "endpoint", "path_style", "profile", "checksum", "conditional", "lock", "lock_mode", "versions"},
	"gs":     {"endpoint", "anonymous"},
	"azblob": {"account", "endpoint"},
}

// maxCloudKey is how many bytes a name may have at each of the stores.
const maxCloudKey = 1024

// location is a URL taken apart.
type location struct {
	scheme, bucket string
	prefix         string // "" or ends in "/"
	params         map[string]string

	pathStyle, anonymous bool
	conditional          bool
	checksum             string // none, crc32, …
	lock                 time.Duration
	lockMode             string // COMPLIANCE or GOVERNANCE
	deleteVersions       bool
}

// ParseURL checks the URL of a destination without connecting to anything. The
// error matches ErrURL and never holds a secret that was in the text. The form
// is SCHEME://BUCKET/PREFIX?PARAMETERS; each parameter at most once:
//
//	s3      region       of the bucket; default: the environment's
//	        endpoint     http(s) URL of a server other than Amazon's
//	        path_style   true: the bucket is in the path, not in the host name;
//	                     default: true with an endpoint
//	        profile      of the shared configuration
//	        checksum     none, crc32, crc32c, crc64nvme, sha256: sent with each
//	                     part; default: crc32 at Amazon's, none with an endpoint,
//	                     since some servers cannot take it
//	        conditional  false: do not send If-None-Match, to servers that refuse it
//	        lock         keep each object for so long (30d, 2w, 12h): S3 Object Lock
//	        lock_mode    COMPLIANCE (default; nobody can lift it) or GOVERNANCE
//	        versions     what a delete does in a versioned bucket: keep (default
//	                     without lock: hide it) or delete (the version, for good)
//	gs      endpoint     http(s) URL of another server
//	        anonymous    true: without credentials
//	azblob  account      name of the storage account; default: AZURE_STORAGE_ACCOUNT
//	        endpoint     http(s) URL of the account's blob service
func ParseURL(text string) error {
	_, err := parse(text)
	return err
}

// badURL explains what is wrong with a URL, and never repeats its secrets.
func badURL(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrURL, fmt.Sprintf(format, args...))
}

func parse(text string) (location, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse repeats the text, password and all.
		return location{}, badURL("it cannot be read; the form is s3://bucket/prefix?region=eu-central-1")
	}
	l := location{scheme: u.Scheme, bucket: u.Host}
	known, ok := parameters[u.Scheme]
	switch {
	case !ok:
		return l, badURL("scheme %q: known are %s", u.Scheme, strings.Join(Schemes(), ", "))
	case u.User != nil:
		return l, badURL("it holds a user or a password; put credentials into the environment or a profile, never into a URL")
	case u.Opaque != "" || u.Host == "":
		return l, badURL("no bucket; the form is %s://bucket/prefix", u.Scheme)
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return l, badURL("it has a fragment (#); write %%23 for a # in the prefix")
	case strings.Contains(u.Host, ":"):
		return l, badURL("the bucket %q has a port; name the server by endpoint=https://host:port", u.Host)
	}
	if l.prefix, err = cleanPrefix(u.Path); err != nil {
		return l, err
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, badURL("the parameters after ? cannot be read")
	}
	l.params = make(map[string]string, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch value := values[name]; {
		case !slices.Contains(known, name):
			return l, badURL("unknown parameter %q; %s:// has %s", name, u.Scheme, strings.Join(known, ", "))
		case len(value) > 1:
			return l, badURL("parameter %q is given %d times", name, len(value))
		case value[0] == "":
			return l, badURL("parameter %q is empty; leave it out for its default", name)
		default:
			l.params[name] = value[0]
		}
	}
	return l, l.interpret()
}

// cleanPrefix returns a prefix that is empty or ends in one slash.
func cleanPrefix(path string) (string, error) {
	prefix := strings.Trim(path, "/")
	if prefix == "" {
		return "", nil
	}
	if len(prefix) > maxCloudKey/2 || !utf8.ValidString(prefix) {
		return "", badURL("the prefix is longer than %d bytes or not UTF-8", maxCloudKey/2)
	}
	for name := range strings.SplitSeq(prefix, "/") {
		if !store.ValidName(name) {
			return "", badURL("the prefix holds the name %q, which is not allowed", name)
		}
	}
	return prefix + "/", nil
}

// interpret reads the values of the parameters.
func (l *location) interpret() error {
	endpoint := l.params["endpoint"]
	if endpoint != "" {
		e, err := url.Parse(endpoint)
		switch {
		case err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https":
			return badURL("endpoint must be like https://host:port")
		case e.User != nil || e.RawQuery != "" || e.Fragment != "":
			return badURL("endpoint must hold no user, password or parameters; credentials belong into the environment")
		}
	}
	l.pathStyle, l.conditional = endpoint != "", true
	for name, target := range map[string]*bool{"path_style": &l.pathStyle, "conditional": &l.conditional, "anonymous": &l.anonymous} {
		if text, ok := l.params[name]; ok {
			value, err := strconv.ParseBool(text)
			if err != nil {
				return badURL("%s=%s: want true or false", name, text)
			}
			*target = value
		}
	}
	if err := l.interpretLock(); err != nil {
		return err
	}
	return l.interpretChecksum(endpoint != "")
}

func (l *location) interpretLock() error {
	if text, ok := l.params["lock"]; ok {
		d, err := parseAge(text)
		if err != nil {
			return err
		}
		l.lock, l.lockMode, l.deleteVersions = d, "COMPLIANCE", true
	}
	if mode, ok := l.params["lock_mode"]; ok {
		l.lockMode = strings.ToUpper(mode)
		switch {
		case l.lock == 0:
			return badURL("lock_mode without lock; say for how long: lock=30d")
		case l.lockMode != "COMPLIANCE" && l.lockMode != "GOVERNANCE":
			return badURL("lock_mode=%s: want compliance or governance", mode)
		}
	}
	switch v := l.params["versions"]; v {
	case "":
	case "keep", "delete":
		l.deleteVersions = v == "delete"
	default:
		return badURL("versions=%s: want keep or delete", v)
	}
	return nil
}

func (l *location) interpretChecksum(otherServer bool) error {
	l.checksum = l.params["checksum"]
	switch l.checksum {
	case "":
		l.checksum = "crc32"
		if otherServer && l.lock == 0 {
			l.checksum = "none"
		}
	case "crc32", "crc32c", "crc64nvme", "sha256":
	case "none":
		if l.lock > 0 {
			return badURL("checksum=none with lock: S3 takes locked objects only with a checksum; leave it out or name one")
		}
	default:
		return badURL("checksum=%s: want none, crc32, crc32c, crc64nvme or sha256", l.checksum)
	}
	return nil
}

// parseAge reads a number of hours, days, weeks or years, or a Go duration.
func parseAge(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	units := map[byte]time.Duration{'d': day, 'w': 7 * day, 'y': 365 * day}
	d, err := time.Duration(0), error(nil)
	if unit, ok := units[text[len(text)-1]]; ok {
		var n uint64
		n, err = strconv.ParseUint(text[:len(text)-1], 10, 16)
		d = time.Duration(n) * unit // n has 16 bits
	} else {
		d, err = time.ParseDuration(text)
	}
	if err != nil || d <= 0 || d > 100*365*day {
		return 0, badURL("lock=%s: want a time like 12h, 30d, 8w or 1y, at most 100y", text)
	}
	return d, nil
}

// String gives the URL back in a fixed form. It has no secrets, since none are
// accepted.
func (l location) String() string {
	u := url.URL{Scheme: l.scheme, Host: l.bucket, Path: "/" + strings.TrimSuffix(l.prefix, "/")}
	if l.prefix == "" {
		u.Path = ""
	}
	query := url.Values{}
	for name, value := range l.params {
		query.Set(name, value)
	}
	// Slashes and colons may stand in a query, and are easier to read.
	u.RawQuery = strings.NewReplacer("%3A", ":", "%2F", "/").Replace(query.Encode())
	return u.String()
}
