package kms_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/keys/kms"
	"github.com/litekeep/litekeep/internal/seal"
	"github.com/litekeep/litekeep/internal/testserver"
)

// TestCheck holds the rules for URLs.
func TestCheck(t *testing.T) {
	for _, good := range []string{
		"awskms:///alias/litekeep?region=eu-central-1",
		"awskms:///arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab?region=us-east-1",
		"awskms://1234abcd-12ab-34cd-56ef-1234567890ab?context_app=litekeep",
		"gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
		"azurekeyvault://mine.vault.azure.net/keys/k", "azurekeyvault://mine.vault.azure.net/keys/k/0123?algorithm=RSA-OAEP-256",
		"hashivault://litekeep", "hashivault://litekeep?engine=transit2",
	} {
		if err := (kms.Services{}).Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"awskms://":                      "is like awskms:///alias/NAME",
		"awskms:///k?regoin=x":           `parameter "regoin" is unknown; awskms takes region`,
		"awskms:///k?region=a&region=b":  "occurs 2 times",
		"awskms:///k#x":                  "is like",
		"awskms:///k?region=%zz":         "cannot be read",
		"awskms://AKIA:hunter2@k":        "must not hold a user",
		"gcpkms://projects/p/keyRings/r": "is like gcpkms://projects/PROJECT",
		"gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k?region=x": `"region" is unknown`,
		"azurekeyvault://mine.example.com/k":                                    "is like azurekeyvault://VAULT",
		"hashivault://":                                                         "is like hashivault://KEY",
		"hashivault://a/b":                                                      "is like hashivault://KEY",
		"hashivault://k?token=hunter2":                                          `"token" is unknown`,
		"s3://bucket":                                                           `known as "s3"`,
		"base64key://hunter2":                                                   `known as "base64key"`,
		":hunter2":                                                              "not a URL",
	} {
		err := kms.Services{}.Check(bad)
		if !errors.Is(err, keys.ErrSecret) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := (kms.Services{}).Open(t.Context(), bad); !errors.Is(err, keys.ErrSecret) {
			t.Errorf("Open %s: %v", bad, err)
		}
		if _, err := keys.NewKMS(bad, kms.Services{}); !errors.Is(err, keys.ErrSecret) {
			t.Errorf("NewKMS %s: %v", bad, err)
		}
	}
	for _, scheme := range keys.KMSSchemes() {
		if err := (kms.Services{}).Check(scheme + "://"); err == nil || strings.Contains(err.Error(), "is known as") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func key(t *testing.T, text string, s kms.Services) keys.Key {
	t.Helper()
	k, err := keys.NewKMS(text, s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// roundTrip seals under a key and opens again.
func roundTrip(t *testing.T, k keys.Key) *seal.Header {
	t.Helper()
	s, err := seal.New(t.Context(), "none", []keys.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Header().Open(t.Context(), []keys.Key{k}); err != nil {
		t.Fatal(err)
	}
	return s.Header()
}

// TestVault seals and opens through the transit engine.
func TestVault(t *testing.T) {
	v := newVault(t)
	services := kms.Services{LookupEnv: v.lookup}
	k := key(t, "hashivault://one", services)
	h := roundTrip(t, k)
	roundTrip(t, key(t, "hashivault://one?engine=other", services))
	if h.Records()[0].URL != "hashivault://one" {
		t.Errorf("the record names %q", h.Records()[0].URL)
	}
	open := func(k keys.Key) error {
		_, err := h.Open(t.Context(), []keys.Key{k})
		return err
	}
	if err := open(key(t, "hashivault://two", services)); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if err := open(key(t, "hashivault://one?engine=other", services)); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("another engine: %v", err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		says string
	}{
		"no server":    {nil, "set VAULT_ADDR"},
		"wrong token":  {map[string]string{"VAULT_ADDR": v.URL, "VAULT_TOKEN": "hunter3"}, "permission denied"},
		"first choice": {map[string]string{"VAULT_ADDR": v.URL, "VAULT_SERVER_TOKEN": "hunter3", "VAULT_TOKEN": token}, "permission denied"},
		"no URL":       {map[string]string{"VAULT_ADDR": "http://[::1"}, "hashivault://one"},
		"nobody there": {map[string]string{"VAULT_ADDR": "http://" + closedPort(t), "VAULT_TOKEN": token}, "refused"},
	} {
		t.Setenv("VAULT_MAX_RETRIES", "0")
		err := open(key(t, "hashivault://one", kms.Services{LookupEnv: func(n string) (string, bool) { s, ok := c.env[n]; return s, ok }}))
		oneLine(t, name, err, c.says)
	}
	v.fail.Store(http.StatusServiceUnavailable)
	oneLine(t, "sealed", open(k), "told to fail")
	v.fail.Store(0)
	v.odd.Store(true)
	oneLine(t, "an odd answer", open(k), "not that of a key management service")
	if _, err := seal.New(t.Context(), "none", []keys.Key{k}); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("seal with an odd answer: %v", err)
	}
	v.odd.Store(false)
	if err := open(k); err != nil {
		t.Errorf("the service is back: %v", err)
	}
}

// oneLine checks an error for a service that is of no help.
func oneLine(t *testing.T, name string, err error, says string) {
	t.Helper()
	text := fmt.Sprint(err)
	if !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, seal.ErrWrongKey) || !strings.Contains(text, says) {
		t.Errorf("%s: %v", name, err)
	}
	if strings.ContainsAny(text, "\n\t") || strings.Contains(text, "hunter") {
		t.Errorf("%s: the error has several lines or a secret: %q", name, text)
	}
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	port, err := testserver.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// TestVaultCancel does not wait for a server that is silent.
func TestVaultCancel(t *testing.T) {
	t.Setenv("VAULT_MAX_RETRIES", "0")
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(stop)
	k := key(t, "hashivault://one", kms.Services{LookupEnv: func(name string) (string, bool) {
		return server.URL, name == "VAULT_ADDR"
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := seal.New(ctx, "none", []keys.Key{k})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// TestVaultLeavesNothing checks that connections are given back.
func TestVaultLeavesNothing(t *testing.T) {
	v := newVault(t)
	before := goleak.IgnoreCurrent()
	roundTrip(t, key(t, "hashivault://one", kms.Services{LookupEnv: v.lookup}))
	goleak.VerifyNone(t, before)
}

// TestAWS seals and opens through the SDK of AWS, against a stand-in.
func TestAWS(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAXXXXXXXX")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	endpoint := "&endpoint=" + url.QueryEscape(newAWS(t).URL)
	const region = "?region=eu-central-1"
	k := key(t, "awskms:///alias/x"+region+endpoint, kms.Services{})
	h := roundTrip(t, k)
	oneLine(t, "no such key", sealErr(t, key(t, "awskms:///alias/y"+region+endpoint, kms.Services{})), "NotFoundException")
	oneLine(t, "another region", sealErr(t, key(t, "awskms:///alias/x?region=us-east-1"+endpoint, kms.Services{})), "AccessDenied")
	oneLine(t, "nobody there", sealErr(t, key(t, "awskms:///alias/x"+region+"&endpoint=http://"+closedPort(t), kms.Services{})), "refused")
	stranger := "&endpoint=" + url.QueryEscape(newAWS(t).URL)
	if _, err := h.Open(t.Context(), []keys.Key{key(t, "awskms:///alias/x"+region+stranger, kms.Services{})}); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	// The same key by another URL.
	if _, err := h.Open(t.Context(), []keys.Key{key(t, "awskms://alias/x"+region+endpoint, kms.Services{})}); err != nil {
		t.Errorf("by another URL: %v", err)
	}
}

func sealErr(t *testing.T, k keys.Key) error {
	t.Helper()
	_, err := seal.New(t.Context(), "none", []keys.Key{k})
	return err
}

// TestNoCredentials gives one clear line where a service's credentials are
// missing. Neither Google's nor Azure's service is called by any test.
func TestNoCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	k := key(t, "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k", kms.Services{})
	oneLine(t, "google", sealErr(t, k), "none.json")
	a, err := kms.Services{}.Open(t.Context(), "azurekeyvault://mine.vault.azure.net/keys/k")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
