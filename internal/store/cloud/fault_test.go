package cloud_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/store/realtest"
)

// chaos stands between a store and its server.
type chaos func(r *http.Request, next http.RoundTripper) (*http.Response, error)

type roundTripper struct {
	f    chaos
	next http.RoundTripper
}

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return t.f(r, t.next) }

func (f chaos) options() cloud.Options {
	o := fast()
	o.Wrap = func(next http.RoundTripper) http.RoundTripper { return roundTripper{f, next} }
	return o
}

// answer makes a response of the server's.
func answer(r *http.Request, status int, body string) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body) // as a server that reads it
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

const slowDown = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`

// random returns n bytes.
func random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(data) // never fails
	return data
}

func get(t *testing.T, s store.Store, key string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	if r, err := s.Get(t.Context(), key); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("get %q: %v, want ErrNotExist", key, err)
		if err == nil {
			r.Close()
		}
	}
}

// plain hides what bytes.Reader can do beyond Read.
func plain(data []byte) io.Reader { return io.MultiReader(bytes.NewReader(data)) }

// each runs a test against each kind of server.
func each(t *testing.T, test func(t *testing.T, url string)) {
	for name, url := range map[string]func(testing.TB) string{"s3": realtest.S3, "gcs": realtest.GCS, "azure": realtest.Azure} {
		t.Run(name, func(t *testing.T) { test(t, url(t)) })
	}
}

// parts is more than one part at each of the stores.
const parts = 17<<20 + 11

// TestSlowDown has every request answered with 503 twice first, each for itself:
// of several that run at the same time none may get all the refusals.
func TestSlowDown(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		var refused atomic.Int64
		var mu sync.Mutex
		tries := map[string]int{}
		s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			mu.Lock()
			what := r.Method + " " + r.URL.String() + " " + r.Header.Get("Range") + " " + r.Header.Get("Content-Range")
			tries[what]++
			try := tries[what]
			mu.Unlock()
			if try%3 != 0 {
				refused.Add(1)
				return answer(r, http.StatusServiceUnavailable, slowDown)
			}
			return next.RoundTrip(r)
		}).options())
		for _, n := range []int{100, parts} {
			data := random(n)
			if err := s.Put(t.Context(), "x", plain(data)); err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			if !bytes.Equal(get(t, s, "x"), data) {
				t.Errorf("%d bytes have changed", n)
			}
			if err := s.Delete(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			wantAbsent(t, s, "x")
		}
		if refused.Load() < 10 {
			t.Errorf("only %d requests were refused", refused.Load())
		}
	})
}

// TestDown has a server that fails for good once the upload runs.
func TestDown(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		direct := open(t, url, fast())
		var down atomic.Bool
		o := chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if down.Load() {
				return answer(r, http.StatusServiceUnavailable, slowDown)
			}
			return next.RoundTrip(r)
		}).options()
		o.Attempts = 3
		s := open(t, url, o)
		data := random(parts)
		fall := readerFunc(func([]byte) (int, error) { down.Store(true); return 0, io.EOF })
		err := s.Put(t.Context(), "x", io.MultiReader(bytes.NewReader(data), fall))
		if err == nil || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("put: %v", err)
		}
		wantAbsent(t, direct, "x")
		if _, err := s.Get(t.Context(), "x"); err == nil || errors.Is(err, store.ErrNotExist) {
			t.Errorf("get: %v, which is not about the object", err)
		}
		if err := s.Delete(t.Context(), "x"); err == nil {
			t.Error("deleted at a server that is down")
		}
		for _, err := range s.List(t.Context(), "") {
			if err == nil {
				t.Error("listed at a server that is down")
			}
		}
		down.Store(false)
		if err := s.Put(t.Context(), "x", plain(data)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(get(t, direct, "x"), data) {
			t.Error("changed")
		}
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestLostAnswer loses the answer to what makes the object exist, so that the
// SDK tries again and is told that there is one already.
func TestLostAnswer(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		for _, n := range []int{100, parts} {
			var lost atomic.Int64
			s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				response, err := next.RoundTrip(r)
				query := r.URL.Query()
				final := r.Method == http.MethodPost && query.Has("uploadId") || r.Method == http.MethodPut && !query.Has("partNumber") && query.Get("comp") != "block"
				if err == nil && final && response.StatusCode/100 == 2 && lost.Add(1) == 1 {
					response.Body.Close()
					return nil, errors.New("connection reset by peer")
				}
				return response, err
			}).options())
			data := random(n)
			if err := s.Put(t.Context(), "x", plain(data)); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			} else if !bytes.Equal(get(t, s, "x"), data) {
				t.Errorf("%d bytes have changed", n)
			}
			if err := s.Put(t.Context(), "x", plain(data)); !errors.Is(err, store.ErrExist) {
				t.Errorf("second put: %v", err)
			}
			if err := s.Delete(t.Context(), "x"); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(url, "gs:") && lost.Load() == 0 {
				t.Error("no answer was lost")
			}
		}
	})
}

// TestDeleteLies answers deletes without deleting.
func TestDeleteLies(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				status := http.StatusNoContent
				if strings.HasPrefix(url, "azblob:") {
					status = http.StatusAccepted
				}
				return answer(r, status, "")
			}
			return next.RoundTrip(r)
		}).options())
		if err := s.Put(t.Context(), "x", plain(random(9))); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "x"); !errors.Is(err, store.ErrUndeleted) {
			t.Errorf("delete: %v, want ErrUndeleted", err)
		}
	})
}

// cut is a body that breaks off.
type cut struct {
	io.ReadCloser
	left int
	err  error
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, c.err
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// TestBrokenRead breaks every download off after a while.
func TestBrokenRead(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		data := random(1 << 20)
		for name, broken := range map[string]error{"reset": errors.New("connection reset by peer"), "short": io.ErrUnexpectedEOF, "silently short": io.EOF} {
			var after atomic.Int64
			after.Store(-1)
			s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				response, err := next.RoundTrip(r)
				if err == nil && r.Method == http.MethodGet && after.Load() >= 0 {
					response.Body = &cut{response.Body, int(after.Load()), broken}
				}
				return response, err
			}).options())
			if err := s.Put(t.Context(), "x"+name, plain(data)); err != nil {
				t.Fatal(err)
			}
			after.Store(100_000)
			if !bytes.Equal(get(t, s, "x"+name), data) {
				t.Errorf("%s: changed", name)
			}
			r, err := s.GetRange(t.Context(), "x"+name, 1000, 300_000)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, data[1000:301_000]) {
				t.Errorf("%s: a range of %d bytes, %v", name, len(got), err)
			}
			r.Close()
			after.Store(0) // never anything
			if r, err := s.Get(t.Context(), "x"+name); err == nil {
				if got, err := io.ReadAll(r); err == nil {
					t.Errorf("%s: read %d bytes where nothing comes", name, len(got))
				}
				r.Close()
			}
		}
	})
}

// flip inverts a byte of an upload that is long enough.
func flip(r *http.Request) {
	if r.Body == nil || r.ContentLength > 0 && r.ContentLength < 1<<20 { // 0 is unknown
		return
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	if len(data) > 5000 {
		data[4321] ^= 1
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
}

// TestFlippedUpload changes a byte on the way to the server, each time.
func TestFlippedUpload(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		direct := open(t, url, fast())
		o := chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodPut || r.Method == http.MethodPost {
				flip(r)
			}
			return next.RoundTrip(r)
		}).options()
		o.Attempts = 2
		s := open(t, url, o)
		for _, n := range []int{2 << 20, parts} {
			err := s.Put(t.Context(), "x", plain(random(n)))
			if err == nil || errors.Is(err, store.ErrExist) {
				t.Errorf("%d bytes: %v", n, err)
			}
			wantAbsent(t, direct, "x")
		}
	})
}

// TestOtherETag has a server whose ETag is 32 hexadecimal digits, but no MD5: the
// bytes decide.
func TestOtherETag(t *testing.T) {
	url := realtest.S3(t)
	var flipped atomic.Bool
	s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil && r.Method == http.MethodHead && response.StatusCode == http.StatusOK {
			response.Header.Set("ETag", `"00000000000000000000000000000000"`)
		}
		if err == nil && r.Method == http.MethodGet && flipped.Load() {
			data, _ := io.ReadAll(response.Body)
			response.Body.Close()
			data[7] ^= 1
			response.Body = io.NopCloser(bytes.NewReader(data))
		}
		return response, err
	}).options())
	if err := s.Put(t.Context(), "good", plain(random(1000))); err != nil {
		t.Error(err)
	}
	flipped.Store(true)
	if err := s.Put(t.Context(), "bad", plain(random(1000))); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
	wantAbsent(t, open(t, url, fast()), "bad")
}

// TestOverwritten has another run overwrite the object before our last look, at a
// server that ignores conditions.
func TestOverwritten(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		direct := open(t, url, fast())
		var stored atomic.Bool
		s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if (r.Method == http.MethodPut || r.Method == http.MethodPost) && stored.CompareAndSwap(false, true) {
				response, err := next.RoundTrip(r)
				if err == nil {
					err = direct.Delete(context.WithoutCancel(r.Context()), "x")
				}
				if err == nil {
					err = direct.Put(context.WithoutCancel(r.Context()), "x", strings.NewReader("theirs"))
				}
				return response, err
			}
			return next.RoundTrip(r)
		}).options())
		if err := s.Put(t.Context(), "x", strings.NewReader("ours")); !errors.Is(err, store.ErrExist) {
			t.Errorf("%v, want ErrExist", err)
		}
		if got := get(t, direct, "x"); string(got) != "theirs" {
			t.Errorf("holds %q", got)
		}
	})
}

// TestStall has a server that takes a request and never answers.
func TestStall(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		var stalled atomic.Int64
		o := chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodHead || r.Method == http.MethodGet {
				if stalled.Add(1) == 3 {
					<-time.After(300 * time.Millisecond)
					return nil, context.DeadlineExceeded // of the connection
				}
			}
			return next.RoundTrip(r)
		}).options()
		s := open(t, url, o)
		for range 3 {
			_ = s.Delete(t.Context(), "x") // nothing is there
		}
		if stalled.Load() < 4 {
			t.Error("not tried again")
		}
	})
}
