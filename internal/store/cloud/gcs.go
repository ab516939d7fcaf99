package cloud

import (
	"context"
	"crypto/md5" // what the store keeps; it guards against accidents
	"errors"
	"net/http"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"github.com/litekeep/litekeep/internal/store"
)

// gcsProvider is Google Cloud Storage.
type gcsProvider struct {
	client   *storage.Client
	bucket   string
	deadline time.Duration // how long one chunk is tried
}

func (p *gcsProvider) open(ctx context.Context, l location, n network, o Options) (*blob.Bucket, error) {
	p.bucket, p.deadline = l.bucket, max(time.Second, time.Duration(o.Attempts)*o.MaxPause)
	options := []option.ClientOption{option.WithScopes(storage.ScopeReadWrite), storage.WithDisabledClientMetrics(), storage.WithJSONReads()}
	if endpoint := l.params["endpoint"]; endpoint != "" {
		options = append(options, option.WithEndpoint(endpoint))
	}
	if l.anonymous {
		options = append(options, option.WithoutAuthentication())
	}
	transport, err := htransport.NewTransport(ctx, boundedReads{next: n.client.Transport, most: int64(2 * o.Attempts)}, options...)
	if err != nil {
		return nil, &fault{
			kind: store.ErrPermission, text: "no credentials for Google Cloud Storage",
			hint: "set GOOGLE_APPLICATION_CREDENTIALS, run gcloud auth application-default login, or give the machine a service account",
		}
	}
	p.client, err = storage.NewClient(ctx, append(options, option.WithHTTPClient(&http.Client{Transport: transport}))...)
	if err != nil {
		return nil, err
	}
	// All requests here can be repeated: creates are conditional, and a delete
	// is of an object that nobody writes again.
	p.client.SetRetry(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(o.Attempts),
		storage.WithBackoff(gax.Backoff{Initial: min(time.Second, o.MaxPause), Max: o.MaxPause, Multiplier: 2}))
	return gcsblob.OpenBucket(ctx, nil, l.bucket, &gcsblob.Options{Client: p.client})
}

func (p *gcsProvider) upload(u *upload) *blob.WriterOptions {
	u.sums = md5.New()
	u.want = func(meta) (store.Checksum, bool) {
		return store.Checksum{Algorithm: store.MD5, Sum: u.sums.Sum(nil)}, true
	}
	// One chunk is in memory, and the next begins when it has been taken.
	const chunk = 8 << 20
	return &blob.WriterOptions{BufferSize: chunk, BeforeWrite: func(as func(any) bool) error {
		var w *storage.Writer
		if !as(&w) {
			return errors.New("not an upload to Google")
		}
		w.ChunkRetryDeadline = p.deadline
		return nil
	}}
}

// abandon has nothing to do: Google forgets sessions after a week, at no cost.
func (p *gcsProvider) abandon(context.Context, string, error) {}

func (p *gcsProvider) describe(attrs *blob.Attributes, m *meta) {
	var out storage.ObjectAttrs
	if !attrs.As(&out) {
		return
	}
	if len(out.MD5) == md5.Size {
		m.sum = store.Checksum{Algorithm: store.MD5, Sum: out.MD5}
	}
	if out.Retention != nil {
		m.until = out.Retention.RetainUntil
	}
	if out.RetentionExpirationTime.After(m.until) {
		m.until = out.RetentionExpirationTime
	}
	m.hold = out.EventBasedHold || out.TemporaryHold
}

func (p *gcsProvider) answer(err error) (a answer, ok bool) {
	if errors.Is(err, storage.ErrBucketNotExist) {
		return answer{status: http.StatusNotFound, message: "bucket does not exist"}, true
	}
	if errors.Is(err, storage.ErrObjectNotExist) {
		return answer{status: http.StatusNotFound}, true
	}
	var api *googleapi.Error
	if errors.As(err, &api) {
		return answer{status: api.Code, message: api.Message}, true
	}
	return answer{}, false
}

func (p *gcsProvider) permissions() string {
	return "needed are storage.objects.create, .get, .list and .delete: the role Storage Object User"
}

func (p *gcsProvider) remove(ctx context.Context, bucket *blob.Bucket, name string, _ meta, _ bool) error {
	return bucket.Delete(ctx, name)
}

func (p *gcsProvider) purge(ctx context.Context, bucket *blob.Bucket, name string) error {
	return bucket.Delete(ctx, name)
}

func (p *gcsProvider) close() error { return p.client.Close() }
