package destination_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/vault"
)

func TestCheck(t *testing.T) {
	for text, wrong := range map[string]string{
		"":                                    "it is empty",
		"backups":                             "",
		"/var/backups":                        "",
		"s3://bucket/prefix?region=eu-west-1": "",
		"s3://bucket?region=eu-west-1&retention_days=90&keep_last=3":                                                                                 "",
		"s3://bucket?region=x&keep_within=36h&keep_hourly=24&keep_daily=0&keep_weekly=4&keep_monthly=12&keep_yearly=2&keep_minimum=2&trash_grace=7d": "",
		"s3://bucket?retention_days=3&keep_within=3d":                                                                                                "not both",
		"s3://bucket?keep_within=3":                 "keep_within",
		"s3://bucket?keep_within=0d":                "keep_within",
		"s3://bucket?keep_within=1d&keep_within=2d": "keep_within",
		"s3://bucket?keep_daily=-1":                 "keep_daily",
		"s3://bucket?keep_yearly=many":              "keep_yearly",
		"s3://bucket?keep_minimum=0":                "keep_minimum",
		"s3://bucket?trash_grace=-1d":               "trash_grace",
		"file:///folder?keep_fortnightly=2":         "keep_minimum",
		"s3://bucket?regoin=x":                      "regoin",
		"s3://bucket?retention_days=soon":           "retention_days",
		"s3://bucket?keep_last=0":                   "keep_last",
		"s3://":                                     "not a destination",
		"s3:/bucket/x":                              "written s3://bucket/x; for a folder",
		"s3:bucket?region=x":                        "written s3://bucket; for a folder",
		"s3//bucket":                                "written s3://bucket; for a folder",
		"gs:/bucket":                                "written gs://bucket; for a folder",
		"azblob:/box":                               "written azblob://box; for a folder",
		"file:/mnt/nas":                             "written file:///mnt/nas; for a folder",
		"s3:":                                       "written s3://…; for a folder",
		"s3:/user:secret-word@bucket":               "written s3://…; for a folder",
		"./s3:/bucket":                              "",
		"s3/bucket":                                 "",
		"s3":                                        "",
		`C:\backups`:                                "",
		"ftp://host/folder":                         "use a folder's path or one of file, ",
		"file://host/folder":                        "file:///path",
		"file:///folder?lock=3d":                    "file:///path",
		"s3://user:secret-word@bucket/x":            "not a destination",
		"s3://bucket/%zz?password=secret-2":         "not a destination",
	} {
		err := destination.Check(text)
		if wrong == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if !errors.Is(err, destination.ErrName) || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error has the secret: %v", err)
		}
	}
}

func TestOpenFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copies")
	if _, err := destination.Open(t.Context(), dir, destination.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a folder that is not there: %v", err)
	}
	d, err := destination.Open(t.Context(), "file://"+dir+"?retention_days=30", destination.Options{
		Create: true, Policy: retention.Policy{KeepLast: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all, err := destination.Open(t.Context(), "file://"+dir+"?keep_within=1d12h&keep_daily=0&keep_monthly=12&trash_grace=0", destination.Options{
		Policy: retention.Policy{KeepWithin: time.Hour, KeepDaily: 7, KeepYearly: 3}, Grace: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if want := (retention.Policy{KeepWithin: 36 * time.Hour, KeepMonthly: 12, KeepYearly: 3}); all.Policy != want || all.Grace != 0 {
		t.Errorf("opened with %+v, %v", all.Policy, all.Grace)
	}
	if d.Folder != dir || d.Policy.KeepWithin != 30*24*time.Hour || d.Policy.KeepLast != 5 {
		t.Errorf("opened %q with %+v", d.Folder, d.Policy)
	}
}

func TestSplit(t *testing.T) {
	const object = "20261122T020000.123Z.json.zst"
	for text, place := range map[string]string{
		"s3://bucket/prefix/app/" + object + "?region=x": "s3://bucket/prefix?region=x",
		"s3://bucket/app/" + object:                      "s3://bucket",
		"backups/app/" + object:                          "backups",
		"s3://bucket/app/notes.txt":                      "",
		object:                                           "",
		"app/" + object:                                  "",
	} {
		got, ref, ok := destination.Split(text)
		if ok != (place != "") || got != place {
			t.Errorf("%s: %q, %v, %v", text, got, ref, ok)
		}
		if ok {
			if want := (vault.Ref{Database: "app", Object: object}); ref != want {
				t.Errorf("%s: %v", text, ref)
			}
			if back := destination.Join(got, ref); back != text {
				t.Errorf("%s came back as %s", text, back)
			}
		}
	}
}
