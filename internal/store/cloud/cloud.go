package cloud

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"gocloud.dev/blob"

	"github.com/litekeep/litekeep/internal/store"
)

// Options are the choices of Open that are no part of a destination's URL. The
// zero value is for use.
type Options struct {
	// Attempts is how often a request or a part is tried in all; 0 is 6.
	Attempts int
	// MaxPause is the longest pause between two tries; 0 is 20 seconds.
	MaxPause time.Duration
	// Stall is how long a connection may stand still before it is given up; 0
	// is 3 minutes.
	Stall time.Duration
	// Wrap is put around what sends the requests; nil is nothing.
	Wrap func(http.RoundTripper) http.RoundTripper
	// Now is the clock that retention dates are counted from; nil is time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Attempts <= 0 {
		o.Attempts = 6
	}
	if o.MaxPause <= 0 {
		o.MaxPause = 20 * time.Second
	}
	if o.Stall <= 0 {
		o.Stall = 3 * time.Minute
	}
	if o.Wrap == nil {
		o.Wrap = func(r http.RoundTripper) http.RoundTripper { return r }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// provider is what differs between the clouds.
type provider interface {
	// open connects; it makes no request to the bucket.
	open(ctx context.Context, l location, n network, o Options) (*blob.Bucket, error)
	// upload returns what an upload needs: how it is divided, and how to
	// compute what the store says of it afterwards.
	upload(u *upload) *blob.WriterOptions
	// abandon removes the parts of an upload that failed with err, as far as the
	// store does not by itself.
	abandon(ctx context.Context, name string, err error)
	// describe adds to m what the SDK knows beyond attrs.
	describe(attrs *blob.Attributes, m *meta)
	// answer reads the answer of the server from an error; ok is false when
	// there was none.
	answer(err error) (a answer, ok bool)
	// permissions names those that are needed, as a hint.
	permissions() string
	// remove deletes one object; of a versioned one the version in m if
	// version is set.
	remove(ctx context.Context, bucket *blob.Bucket, name string, m meta, version bool) error
	// purge removes all versions of an object.
	purge(ctx context.Context, bucket *blob.Bucket, name string) error
	close() error
}

// Store is a bucket, or what is below a prefix in one.
type Store struct {
	location  location
	options   Options
	transport *http.Transport
	provider  provider
	bucket    *blob.Bucket
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.SizedPutter = (*Store)(nil)
	_ store.Checksummer = (*Store)(nil)
	_ store.Locker      = (*Store)(nil)
)

// Open opens the destination of a URL; see ParseURL. It makes one request, so
// that a bucket that is not there (store.ErrNoBucket), a missing permission
// (store.ErrPermission) and a server that does not answer are found at once. The
// caller closes the Store.
func Open(ctx context.Context, text string, o Options) (*Store, error) {
	l, err := parse(text)
	if err != nil {
		return nil, err
	}
	s := newStore(l, o)
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", l, err)
	}
	if err := s.look(ctx); err != nil {
		_ = s.Close() // the first error tells more
		return nil, fmt.Errorf("open %s: %w", l, err)
	}
	return s, nil
}

func newStore(l location, o Options) *Store {
	s := &Store{location: l, options: o.withDefaults()}
	switch l.scheme {
	case "s3":
		s.provider = &s3Provider{}
	case "gs":
		s.provider = &gcsProvider{}
	case "azblob":
		s.provider = &azureProvider{}
	}
	return s
}

// connect makes the clients. It makes no request to the bucket.
func (s *Store) connect(ctx context.Context) (err error) {
	s.transport = newTransport(s.options.Stall)
	client := &http.Client{Transport: s.options.Wrap(s.transport)}
	if s.bucket, err = s.provider.open(ctx, s.location, network{client: client, transport: s.transport}, s.options); err != nil {
		s.transport.CloseIdleConnections()
		return s.explain(ctx, err)
	}
	return nil
}

// look asks for one entry of the listing.
func (s *Store) look(ctx context.Context) error {
	_, _, err := s.bucket.ListPage(ctx, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: s.location.prefix})
	return s.explain(ctx, err)
}

// String returns the URL. There are no secrets in it.
func (s *Store) String() string { return s.location.String() }

// Lock returns for how long what is put is locked, 0 when it is not.
func (s *Store) Lock() time.Duration { return s.location.lock }

// Close frees the connections. Nothing may be in use any more.
func (s *Store) Close() error {
	err := s.bucket.Close()
	if closeErr := s.provider.close(); err == nil {
		err = closeErr
	}
	s.transport.CloseIdleConnections()
	if err != nil {
		return fmt.Errorf("close %s: %w", s.location, unreachable(err))
	}
	return nil
}

// meta describes a stored object.
type meta struct {
	size    int64
	modTime time.Time
	etag    string
	version string // of a versioned S3 bucket
	token   string // of the upload that made it
	sum     store.Checksum
	until   time.Time // retention date
	hold    bool      // legal hold
}

// Names in the metadata of an object. No punctuation: proxies drop headers with
// underscores, Azure refuses hyphens.
const (
	metaToken = "litekeepupload"
	metaPart  = "litekeeppart"
)

// head asks for the description of an object.
func (s *Store) head(ctx context.Context, key string) (meta, error) {
	attrs, err := s.bucket.Attributes(ctx, s.location.prefix+key)
	if err != nil {
		return meta{}, s.explain(ctx, err)
	}
	m := meta{size: attrs.Size, modTime: attrs.ModTime, etag: attrs.ETag, token: attrs.Metadata[metaToken]}
	s.provider.describe(attrs, &m)
	return m, nil
}

// check refuses keys that cannot be stored, and a context that has ended.
func (s *Store) check(ctx context.Context, op, key string) error {
	if err := store.CheckKey(op, key); err != nil {
		return err
	}
	if !storable(s.location.prefix + key) {
		return wrap(op, key, fmt.Errorf("%w of a cloud store: longer than %d bytes, or with characters that XML cannot hold", store.ErrKey, maxCloudKey))
	}
	return wrap(op, key, ended(ctx))
}

// storable tells whether the stores can hold a name: escaped it must not be too
// long, and XML, in which they list, has no U+FFFE and U+FFFF.
func storable(name string) bool {
	length := 0
	for _, r := range name {
		switch {
		case r == 0xfffe || r == 0xffff:
			return false
		case r < 0x20 || r == 0x7f || r == '_' || r == '\\' || r == '"' || r == '#' || r == '%' || r == '?':
			length += len("__0x7f__") // may be escaped
		default:
			length += len(string(r))
		}
	}
	return length <= maxCloudKey
}

// Checksum implements store.Checksummer.
func (s *Store) Checksum(ctx context.Context, key string) (store.Checksum, int64, error) {
	if err := s.check(ctx, "checksum", key); err != nil {
		return store.Checksum{}, 0, err
	}
	m, err := s.head(ctx, key)
	return m.sum, m.size, wrap("checksum", key, err)
}
