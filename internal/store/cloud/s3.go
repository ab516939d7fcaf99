package cloud

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/litekeep/litekeep/internal/store"
)

// s3Provider is Amazon S3 and what speaks its protocol.
type s3Provider struct {
	client   *s3.Client
	bucket   string
	checksum string
}

// abortTime is how long an upload that failed may take to be removed, so that
// its parts do not stay and cost.
const abortTime = 20 * time.Second

func (p *s3Provider) open(ctx context.Context, l location, n network, o Options) (*blob.Bucket, error) {
	p.bucket, p.checksum = l.bucket, l.checksum
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithLogger(logging.Nop{}),
		config.WithSharedConfigProfile(l.params["profile"]),
		config.WithRetryer(func() aws.Retryer { return retryer(o) }),
	)
	if err != nil {
		return nil, &fault{text: line("", err.Error()), hint: "check AWS_PROFILE and the shared configuration"}
	}
	trustBundle(cfg, n.transport)
	cfg.HTTPClient = n.client
	if region := l.params["region"]; region != "" {
		cfg.Region = region
	}
	if cfg.Region == "" && l.params["endpoint"] != "" {
		cfg.Region = "us-east-1" // what most other servers expect
	}
	if cfg.Region == "" {
		return nil, &fault{text: "no region", hint: "give it in the URL (region=eu-central-1) or as AWS_REGION"}
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, &fault{
			kind: store.ErrPermission, text: "no credentials for S3",
			hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role",
		}
	}
	calculate, validate := aws.RequestChecksumCalculationWhenSupported, aws.ResponseChecksumValidationWhenSupported
	if p.checksum == "none" {
		calculate, validate = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
	}
	p.client = s3.NewFromConfig(cfg, func(so *s3.Options) {
		so.UsePathStyle = l.pathStyle
		so.RequestChecksumCalculation, so.ResponseChecksumValidation = calculate, validate
		so.DisableLogOutputChecksumValidationSkipped = true
		if endpoint := l.params["endpoint"]; endpoint != "" {
			so.BaseEndpoint = aws.String(endpoint)
		}
	})
	return s3blob.OpenBucket(ctx, p.client, l.bucket, &s3blob.Options{RequestChecksumCalculation: calculate})
}

// trustBundle passes on the certificates of AWS_CA_BUNDLE, which the SDK gives
// only to a client of its own.
func trustBundle(cfg aws.Config, transport *http.Transport) {
	own, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		return
	}
	if tls := own.GetTransport().TLSClientConfig; tls != nil && tls.RootCAs != nil {
		transport.TLSClientConfig = tls.Clone()
	}
}

// retryer tries each request, and so each part, several times. The budget that
// the SDK shares among all requests is left out: a backup has nothing better to
// do than to try again.
func retryer(o Options) aws.Retryer {
	r := retry.NewStandard(func(so *retry.StandardOptions) {
		so.MaxAttempts, so.MaxBackoff = o.Attempts, o.MaxPause
		so.RateLimiter = ratelimit.None
		so.Retryables = append(so.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
	})
	return retry.AddWithErrorCodes(r, "ConditionalRequestConflict", "RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable")
}

func (p *s3Provider) upload(u *upload) *blob.WriterOptions {
	sums := store.NewPartsHash(u.part)
	u.sums, u.gentle = sums, true
	u.want = func(m meta) (store.Checksum, bool) {
		if m.sum.Algorithm == store.MD5 {
			return sums.Single()
		}
		return sums.Checksum(), m.sum.Parts == sums.Checksum().Parts
	}
	return &blob.WriterOptions{BeforeWrite: func(as func(any) bool) error {
		var manager *transfermanager.Client
		var input *transfermanager.UploadObjectInput
		if !as(&manager) || !as(&input) {
			return errors.New("not an upload to S3")
		}
		*manager = *transfermanager.New(p.client, func(o *transfermanager.Options) {
			o.PartSizeBytes, o.MultipartUploadThreshold, o.Concurrency = u.part, u.part, u.wide
			o.FailTimeout = abortTime
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			if p.checksum != "none" {
				o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
				o.ChecksumAlgorithm = tmtypes.ChecksumAlgorithm(strings.ToUpper(p.checksum))
			}
		})
		if !u.until.IsZero() {
			input.ObjectLockMode = tmtypes.ObjectLockMode(u.mode)
			input.ObjectLockRetainUntilDate = aws.Time(u.until)
			if p.checksum == "none" { // S3 refuses locked objects without one
				input.ChecksumAlgorithm = tmtypes.ChecksumAlgorithmCrc32
			}
		}
		return nil
	}}
}

// abandon aborts an upload in parts once more: a part that was under way when
// the SDK aborted it may have arrived since, and would stay and cost.
func (p *s3Provider) abandon(ctx context.Context, name string, err error) {
	var failed interface{ UploadID() string }
	if !errors.As(err, &failed) {
		return
	}
	input := &s3.AbortMultipartUploadInput{Bucket: aws.String(p.bucket), Key: aws.String(s3Name(name)), UploadId: aws.String(failed.UploadID())}
	for pause := 50 * time.Millisecond; pause < time.Second; pause *= 3 {
		if sleep(ctx, pause) != nil {
			return
		}
		if _, err := p.client.AbortMultipartUpload(ctx, input); err != nil {
			return // it is gone, or the bucket's lifecycle rule must see to it
		}
	}
}

func (p *s3Provider) describe(attrs *blob.Attributes, m *meta) {
	var out s3.HeadObjectOutput
	if !attrs.As(&out) {
		return
	}
	m.version = aws.ToString(out.VersionId)
	m.until = aws.ToTime(out.ObjectLockRetainUntilDate)
	m.hold = out.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn
	if kms := out.ServerSideEncryption; kms == types.ServerSideEncryptionAwsKms || kms == types.ServerSideEncryptionAwsKmsDsse || out.SSECustomerAlgorithm != nil {
		return // the ETag is no MD5 then
	}
	part, _ := strconv.ParseInt(attrs.Metadata[metaPart], 10, 64) // 0 is unknown
	m.sum = etagSum(attrs.ETag, part)
}

// etagSum reads an ETag as a checksum: the MD5 of the object, or that of its
// parts with their number.
func etagSum(etag string, part int64) store.Checksum {
	sum, count, inParts := strings.Cut(strings.Trim(etag, `"`), "-")
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != 16 {
		return store.Checksum{}
	}
	if !inParts {
		return store.Checksum{Algorithm: store.MD5, Sum: raw}
	}
	parts, err := strconv.ParseUint(count, 10, 16)
	if err != nil {
		return store.Checksum{}
	}
	return store.Checksum{Algorithm: store.MD5Parts, PartSize: part, Parts: int(parts), Sum: raw}
}

func (p *s3Provider) answer(err error) (a answer, ok bool) {
	var api smithy.APIError
	if errors.As(err, &api) {
		a.code, a.message = api.ErrorCode(), api.ErrorMessage()
		ok = true
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusMultipleChoices {
		a.status = response.HTTPStatusCode()
		ok = true
	}
	// An answer to HEAD has no body; the SDK puts its own words there.
	if a.code == "NotFound" || a.code == "NoSuchKey" {
		a.status = http.StatusNotFound
	}
	if a.code == "PreconditionFailed" {
		a.status = http.StatusPreconditionFailed
	}
	return a, ok
}

func (p *s3Provider) permissions() string {
	return "needed are s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload on its objects" +
		" (with locks also s3:GetObjectRetention, s3:PutObjectRetention, s3:DeleteObjectVersion)"
}

func (p *s3Provider) remove(ctx context.Context, _ *blob.Bucket, name string, m meta, version bool) error {
	input := &s3.DeleteObjectInput{Bucket: aws.String(p.bucket), Key: aws.String(s3Name(name))}
	if version {
		input.VersionId = aws.String(m.version)
	}
	_, err := p.client.DeleteObject(ctx, input)
	return err
}

func (p *s3Provider) purge(ctx context.Context, _ *blob.Bucket, name string) error {
	name = s3Name(name)
	pages := s3.NewListObjectVersionsPaginator(p.client, &s3.ListObjectVersionsInput{Bucket: aws.String(p.bucket), Prefix: aws.String(name)})
	var versions []*string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if a, ok := p.answer(err); ok && err != nil && (a.status == http.StatusNotImplemented || a.code == "NotImplemented") {
			break // a server without versions
		}
		if err != nil {
			return err
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) == name {
				versions = append(versions, v.VersionId)
			}
		}
		for _, v := range page.DeleteMarkers {
			if aws.ToString(v.Key) == name {
				versions = append(versions, v.VersionId)
			}
		}
	}
	if len(versions) == 0 {
		versions = []*string{nil}
	}
	var errs []error
	for _, v := range versions {
		if aws.ToString(v) == "" {
			v = nil
		}
		_, err := p.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(p.bucket), Key: aws.String(name), VersionId: v})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (p *s3Provider) close() error { return nil }
