package cloud

import (
	"context"
	"crypto/md5" // what the store keeps; it guards against accidents
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azblobblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"

	"github.com/litekeep/litekeep/internal/store"
)

// azureProvider is Azure Blob Storage.
type azureProvider struct{}

const azureWayOut = "set AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_CONNECTION_STRING, or log in with az login"

func (p *azureProvider) open(ctx context.Context, l location, n network, o Options) (*blob.Bucket, error) {
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: n.client,
		Retry: policy.RetryOptions{
			MaxRetries: int32(min(o.Attempts-1, 1000)), RetryDelay: min(time.Second, o.MaxPause), MaxRetryDelay: o.MaxPause,
		},
	}}
	if o.Attempts == 1 {
		options.Retry.MaxRetries = -1 // 0 would be the SDK's default
	}
	c, err := containerClient(l, options)
	if err != nil {
		var own *fault
		if errors.As(err, &own) {
			return nil, own
		}
		// The text of the SDK may hold a part of the key.
		return nil, &fault{kind: store.ErrPermission, text: "the credentials for Azure cannot be used", hint: azureWayOut}
	}
	return azureblob.OpenBucket(ctx, c, nil)
}

// containerClient makes a client with the credentials of the environment.
func containerClient(l location, options *container.ClientOptions) (*container.Client, error) {
	if text := os.Getenv("AZURE_STORAGE_CONNECTION_STRING"); text != "" && l.params["endpoint"] == "" && l.params["account"] == "" {
		return container.NewClientFromConnectionString(text, l.bucket, options)
	}
	account := l.params["account"]
	if account == "" {
		account = os.Getenv("AZURE_STORAGE_ACCOUNT")
	}
	address := strings.TrimSuffix(l.params["endpoint"], "/")
	if address == "" && account == "" {
		return nil, &fault{kind: store.ErrPermission, text: "no storage account", hint: "give account=name in the URL, or " + azureWayOut}
	}
	if address == "" {
		address = fmt.Sprintf("https://%s.blob.core.windows.net", account)
	}
	address += "/" + l.bucket
	if key := os.Getenv("AZURE_STORAGE_KEY"); key != "" && account != "" {
		shared, err := azblob.NewSharedKeyCredential(account, key)
		if err != nil {
			return nil, err
		}
		return container.NewClientWithSharedKeyCredential(address, shared, options)
	}
	if sas := os.Getenv("AZURE_STORAGE_SAS_TOKEN"); sas != "" {
		return container.NewClientWithNoCredential(address+"?"+strings.TrimPrefix(sas, "?"), options)
	}
	token, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options.ClientOptions})
	if err != nil {
		return nil, err
	}
	return container.NewClient(address, token, options)
}

func (p *azureProvider) upload(u *upload) *blob.WriterOptions {
	u.sums = md5.New()
	u.want = func(meta) (store.Checksum, bool) {
		return store.Checksum{Algorithm: store.MD5, Sum: u.sums.Sum(nil)}, true
	}
	return &blob.WriterOptions{BufferSize: int(u.part), MaxConcurrency: u.wide, BeforeWrite: func(as func(any) bool) error {
		var options *azblob.UploadStreamOptions
		if !as(&options) {
			return errors.New("not an upload to Azure")
		}
		// Each block is checked on arrival. The MD5 of the whole is ours to
		// compute; it is sent with the list of blocks, after the last of them.
		options.TransactionalValidation = azblobblob.TransferValidationTypeComputeCRC64()
		u.atEnd = func() { options.HTTPHeaders.BlobContentMD5 = u.sums.Sum(nil) }
		return nil
	}}
}

// abandon has nothing to do: Azure forgets blocks without a list after a week.
func (p *azureProvider) abandon(context.Context, string, error) {}

func (p *azureProvider) describe(attrs *blob.Attributes, m *meta) {
	if len(attrs.MD5) == md5.Size {
		m.sum = store.Checksum{Algorithm: store.MD5, Sum: attrs.MD5}
	}
	var out azblobblob.GetPropertiesResponse
	if !attrs.As(&out) {
		return
	}
	if out.ImmutabilityPolicyExpiresOn != nil {
		m.until = *out.ImmutabilityPolicyExpiresOn
	}
	m.hold = out.LegalHold != nil && *out.LegalHold
}

func (p *azureProvider) answer(err error) (a answer, ok bool) {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		// Its text is several lines; the code says it all.
		return answer{status: response.StatusCode, code: response.ErrorCode}, true
	}
	var identity *azidentity.AuthenticationFailedError
	if errors.As(err, &identity) {
		return answer{status: http.StatusUnauthorized, code: "AuthenticationFailed", message: "no credential was accepted"}, true
	}
	return answer{}, false
}

func (p *azureProvider) permissions() string {
	return "needed are read, write, list and delete: the role Storage Blob Data Contributor; or " + azureWayOut
}

func (p *azureProvider) remove(ctx context.Context, bucket *blob.Bucket, name string, _ meta, _ bool) error {
	return bucket.Delete(ctx, name)
}

func (p *azureProvider) purge(ctx context.Context, bucket *blob.Bucket, name string) error {
	return bucket.Delete(ctx, name)
}

func (p *azureProvider) close() error { return nil }
