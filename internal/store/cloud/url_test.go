package cloud_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/store/cloud"
)

func TestParseURL(t *testing.T) {
	for _, url := range []string{
		"s3://b", "s3://b/", "s3://b/p/q/", "s3://b/a%20b?region=eu-central-1", "s3://b?endpoint=http://127.0.0.1:9000&path_style=false&checksum=none",
		"s3://b?lock=30d", "s3://b?lock=12h&lock_mode=governance&versions=keep&checksum=sha256", "s3://b?lock=100y", "s3://b?versions=delete&conditional=false&profile=x",
		"gs://b/p", "gs://b?anonymous=true&endpoint=https://h/storage/v1/", "azblob://c/p?account=a", "azblob://c?endpoint=https://a.blob.core.windows.net",
	} {
		if err := cloud.ParseURL(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for url, want := range map[string]string{
		"":                                   `scheme ""`,
		"/a/folder":                          `scheme ""`,
		"ftp://b":                            `scheme "ftp": known are s3, gs, azblob`,
		"s3:b":                               "no bucket",
		"s3://":                              "no bucket",
		"s3:///p":                            "no bucket",
		"s3://b:9000/p":                      "has a port",
		"s3://b#x":                           "fragment",
		"s3://b#":                            "fragment",
		"s3://b/a//b":                        `the name ""`,
		"s3://b/../c":                        `the name ".."`,
		"s3://b/" + strings.Repeat("a", 600): "prefix is longer",
		"s3://b?Region=x":                    `unknown parameter "Region"; s3:// has region, endpoint,`,
		"s3://b?anonymous=true":              `unknown parameter "anonymous"`,
		"gs://b?region=x":                    `unknown parameter "region"; gs:// has endpoint, anonymous`,
		"azblob://b?lock=30d":                `unknown parameter "lock"`,
		"s3://b?region=a&region=b":           `"region" is given 2 times`,
		"s3://b?region=":                     `"region" is empty`,
		"s3://b?region=%zz":                  "cannot be read",
		"s3://b?a;b":                         "cannot be read",
		"s3://b?path_style=maybe":            "path_style=maybe: want true or false",
		"s3://b?endpoint=127.0.0.1:9000":     "endpoint must be like https://host:port",
		"s3://b?endpoint=ftp://h":            "endpoint must be like",
		"s3://b?checksum=md5":                "checksum=md5: want none, crc32",
		"s3://b?checksum=none&lock=1d":       "checksum=none with lock",
		"s3://b?lock=forever":                "lock=forever: want a time like",
		"s3://b?lock=0d":                     "lock=0d",
		"s3://b?lock=-1h":                    "lock=-1h",
		"s3://b?lock=d":                      "lock=d",
		"s3://b?lock=101y":                   "at most 100y",
		"s3://b?lock=1d&lock_mode=soft":      "want compliance or governance",
		"s3://b?lock_mode=governance":        "lock_mode without lock",
		"s3://b?versions=all":                "want keep or delete",
	} {
		err := cloud.ParseURL(url)
		if !errors.Is(err, cloud.ErrURL) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

// TestSecretsInURLs checks that what is refused is not repeated.
func TestSecretsInURLs(t *testing.T) {
	const secret = "hunter2"
	for _, url := range []string{
		"s3://user:hunter2@b/p", "s3://hunter2@b", "s3://user:hunter2@b:x\x00", "s3://user:hunter2@%zz/", "s3://b?endpoint=http://user:hunter2@h",
		"s3://b?endpoint=http://h/?key=hunter2", "s3://b?secret=hunter2", "azblob://c?sig=hunter2", "azblob://c?endpoint=https://h/?sig=hunter2",
	} {
		err := cloud.ParseURL(url)
		if !errors.Is(err, cloud.ErrURL) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, url := range []string{"s3://b/p?lock=30d", "gs://b", "azblob://c?account=a", "s3://u:p@b", "s3://b?lock=9999999999y", "s3://b/%00", "s3://%41/"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		err := cloud.ParseURL(url)
		if err != nil && !errors.Is(err, cloud.ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
	})
}
