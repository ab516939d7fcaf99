package kms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/hashicorp/vault/api"
	"gocloud.dev/gcp"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/awskms"
	"gocloud.dev/secrets/azurekeyvault"
	"gocloud.dev/secrets/gcpkms"
	"gocloud.dev/secrets/hashivault"
)

// dial opens the secrets behind a URL that was checked. The openers are made
// anew for each URL: the ones that gocloud registers keep the options of the
// first URL, and its failure.
func (s Services) dial(ctx context.Context, u *url.URL) (*keeper, error) {
	switch u.Scheme {
	case awskms.Scheme:
		return opened((&awskms.URLOpener{}).OpenKeeperURL(ctx, u))
	case azurekeyvault.Scheme:
		return opened((&azurekeyvault.URLOpener{ClientMaker: azurekeyvault.DefaultClientMaker}).OpenKeeperURL(ctx, u))
	case gcpkms.Scheme:
		return dialGoogle(ctx, u)
	case hashivault.Scheme:
		return s.dialVault(ctx, u)
	}
	return nil, fmt.Errorf("no key management service is known as %q", u.Scheme)
}

func opened(k *secrets.Keeper, err error) (*keeper, error) {
	if err != nil {
		return nil, err
	}
	return &keeper{secrets: k}, nil
}

func dialGoogle(ctx context.Context, u *url.URL) (*keeper, error) {
	credentials, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, err
	}
	client, free, err := gcpkms.Dial(ctx, credentials.TokenSource)
	if err != nil {
		return nil, err
	}
	k, err := opened((&gcpkms.URLOpener{Client: client}).OpenKeeperURL(ctx, u))
	if err != nil {
		free()
		return nil, err
	}
	k.free = free
	return k, nil
}

func (s Services) dialVault(ctx context.Context, u *url.URL) (*keeper, error) {
	address := s.first("VAULT_SERVER_URL", "VAULT_ADDR")
	if address == "" {
		return nil, errors.New("no server: set VAULT_ADDR to its URL, and VAULT_TOKEN")
	}
	config := hashivault.Config{
		Token:     s.first("VAULT_SERVER_TOKEN", "VAULT_TOKEN"),
		APIConfig: *api.DefaultConfig(), // which reads VAULT_CACERT and the like
	}
	if err := config.APIConfig.Error; err != nil {
		return nil, err
	}
	config.APIConfig.Address = address
	client, err := hashivault.Dial(ctx, &config)
	if err != nil {
		return nil, err
	}
	k, err := opened((&hashivault.URLOpener{Client: client}).OpenKeeperURL(ctx, u))
	if err != nil {
		return nil, err
	}
	k.free = config.APIConfig.HttpClient.CloseIdleConnections
	return k, nil
}

// first returns the first of the variables that is set.
func (s Services) first(names ...string) string {
	lookup := s.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	for _, name := range names {
		if v, ok := lookup(name); ok && v != "" {
			return v
		}
	}
	return ""
}
