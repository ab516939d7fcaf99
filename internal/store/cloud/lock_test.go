package cloud_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/store/realtest"
)

// TestLock puts a locked object, fails to remove it, and removes it when its time
// has come: by a clock of ours that says so, which the server does not believe.
func TestLock(t *testing.T) {
	url := realtest.S3Locked(t)
	for _, mode := range []string{"compliance", "governance"} {
		for _, n := range []int{10, 7 << 20} {
			s := open(t, realtest.Join(url, "lock=3s", "lock_mode="+mode), fast())
			key := mode + "/x"
			before := time.Now()
			if err := s.Put(t.Context(), key, plain(random(n))); err != nil {
				t.Fatal(err)
			}
			until, err := s.LockedUntil(t.Context(), key)
			if err != nil || until.Before(before.Add(2*time.Second)) || until.After(before.Add(time.Minute)) {
				t.Errorf("locked until %v, %v", until, err)
			}
			err = s.Delete(t.Context(), key)
			if got, ok := store.KeptUntil(err); !errors.Is(err, store.ErrLocked) || !ok || !got.Equal(until) || !strings.Contains(err.Error(), "kept until ") {
				t.Errorf("delete: %v", err)
			}
			early := fast()
			early.Now = func() time.Time { return until.Add(time.Hour) }
			if err := open(t, realtest.Join(url, "versions=delete"), early).Delete(t.Context(), key); !errors.Is(err, store.ErrLocked) {
				t.Errorf("by a clock that is ahead: %v, want ErrLocked", err)
			}
			if len(get(t, s, key)) != n {
				t.Error("changed")
			}
			time.Sleep(time.Until(until.Add(1100 * time.Millisecond)))
			if err := s.Delete(t.Context(), key); err != nil {
				t.Error(err)
			}
			wantAbsent(t, s, key)
			versions, err := s.Versions(t.Context(), key)
			if err != nil || versions != 0 {
				t.Errorf("%d versions are left, %v", versions, err)
			}
		}
	}
}

// TestLockNotHonoured asks for a lock in a bucket that has none.
func TestLockNotHonoured(t *testing.T) {
	url := realtest.S3(t)
	s := open(t, realtest.Join(url, "lock=1h"), fast())
	err := s.Put(t.Context(), "x", strings.NewReader("hello"))
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, want ErrUnsupported", err)
	}
	wantAbsent(t, s, "x")
	for _, url := range []string{realtest.GCS(t)} {
		err := open(t, url, fast()).PutUntil(t.Context(), "x", strings.NewReader(""), time.Now().Add(time.Hour))
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestVersionsKept hides what was deleted, and Purge removes it.
func TestVersionsKept(t *testing.T) {
	s := open(t, realtest.S3Locked(t), fast())
	if err := s.Put(t.Context(), "a/x", strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a/x"); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, "a/x")
	if n, err := s.Versions(t.Context(), "a/x"); err != nil || n != 2 { // it and the marker
		t.Errorf("%d versions, %v", n, err)
	}
	if err := s.Purge(t.Context(), "a/x"); err != nil {
		t.Error(err)
	}
	if n, err := s.Versions(t.Context(), "a/x"); err != nil || n != 0 {
		t.Errorf("%d versions after purging, %v", n, err)
	}
}

func TestChecksums(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url, fast())
		for _, n := range []int{0, 1000, parts} {
			data := random(n)
			if err := s.Put(t.Context(), "x", plain(data)); err != nil {
				t.Fatal(err)
			}
			sum, size, err := s.Checksum(t.Context(), "x")
			if err != nil || size != int64(n) {
				t.Fatalf("%d bytes, %v", size, err)
			}
			h, ok := sum.NewHash()
			if !ok {
				t.Fatalf("no checksum of %d bytes: %v", n, sum)
			}
			h.Write(data)
			if string(h.Sum(nil)) != string(sum.Sum) {
				t.Errorf("%d bytes: %v", n, sum)
			}
			if err := s.Delete(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Checksum(t.Context(), "x"); !errors.Is(err, store.ErrNotExist) {
			t.Errorf("of nothing: %v", err)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	o := fast()
	o.Attempts = 2
	for name, tt := range map[string]struct {
		url  func(t *testing.T) string
		env  map[string]string
		kind error
		want string
	}{
		"no s3 bucket":    {func(t *testing.T) string { return strings.Replace(realtest.S3(t), "s3://", "s3://none-", 1) }, nil, store.ErrNoBucket, "does not exist; create it"},
		"no gcs bucket":   {func(t *testing.T) string { return strings.Replace(realtest.GCS(t), "gs://", "gs://none-", 1) }, nil, nil, ""},
		"no container":    {func(t *testing.T) string { return strings.Replace(realtest.Azure(t), "azblob://", "azblob://none-", 1) }, nil, store.ErrNoBucket, "the container none-"},
		"wrong s3 secret": {func(t *testing.T) string { return realtest.S3(t) }, map[string]string{"AWS_SECRET_ACCESS_KEY": "hunter2"}, store.ErrPermission, "s3:ListBucket"},
		"wrong azure key": {func(t *testing.T) string { return realtest.Azure(t) }, map[string]string{"AZURE_STORAGE_KEY": "aHVudGVyMg=="}, store.ErrPermission, "Storage Blob Data Contributor"},
		"odd azure key":   {func(t *testing.T) string { return realtest.Azure(t) }, map[string]string{"AZURE_STORAGE_KEY": "hunter2!"}, store.ErrPermission, "AZURE_STORAGE_KEY"},
		"unreachable with a signature": {
			func(*testing.T) string { return "azblob://c?endpoint=http://127.0.0.1:1" },
			map[string]string{"AZURE_STORAGE_KEY": "", "AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=hunter2"},
			nil, "127.0.0.1:1",
		},
		"no s3 credentials":  {func(t *testing.T) string { return realtest.S3(t) }, map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, store.ErrPermission, "set AWS_ACCESS_KEY_ID"},
		"no gcs credentials": {func(*testing.T) string { return "gs://b" }, nil, store.ErrPermission, "GOOGLE_APPLICATION_CREDENTIALS"},
		"no region":          {func(*testing.T) string { return "s3://b" }, map[string]string{"AWS_REGION": ""}, nil, "region=eu-central-1"},
		"nobody there":       {func(*testing.T) string { return "s3://b?endpoint=http://127.0.0.1:1" }, nil, nil, "connection refused; is the server running"},
		"bad URL":            {func(*testing.T) string { return "s3://b?x=y" }, nil, cloud.ErrURL, "unknown parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			url := tt.url(t)
			for key, value := range tt.env {
				t.Setenv(key, value)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			s, err := cloud.Open(ctx, url, o)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			text := err.Error()
			if tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(text, tt.want) {
				t.Errorf("%v, want %v with %q", err, tt.kind, tt.want)
			}
			if strings.Contains(text, "\n") || len(text) > 600 || strings.Contains(text, "hunter2") || strings.Contains(text, "aHVudGVyMg") {
				t.Errorf("not one line without secrets: %s", text)
			}
		})
	}
}
