package cloud_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/realtest"
)

// proxied runs a test against S3 and Azure through a proxy. (The other server
// answers with addresses of its own, past the proxy.)
func proxied(t *testing.T, test func(t *testing.T, direct, url string, p *toxiproxy.Proxy)) {
	for name, server := range map[string]func(testing.TB) string{"s3": realtest.S3, "azure": realtest.Azure} {
		t.Run(name, func(t *testing.T) {
			direct := server(t)
			_, rest, _ := strings.Cut(direct, "endpoint=http://")
			address := rest[:strings.IndexAny(rest+"/", "/&")]
			logger := zerolog.Nop()
			api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), logger)
			p := toxiproxy.NewProxy(api, name, "127.0.0.1:0", address)
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Stop)
			test(t, direct, strings.Replace(direct, address, p.Listen, 1), p)
		})
	}
}

// toxic adds what goes wrong on the wire.
func toxic(t *testing.T, p *toxiproxy.Proxy, text string) {
	t.Helper()
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		t.Error(err)
	}
}

func TestLatency(t *testing.T) {
	proxied(t, func(t *testing.T, _, url string, p *toxiproxy.Proxy) {
		toxic(t, p, `{"name":"slow","type":"latency","stream":"downstream","attributes":{"latency":50,"jitter":40}}`)
		s := open(t, url, fast())
		roundTrip(t, s, random(parts))
	})
}

func roundTrip(t *testing.T, s store.Store, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), "x", plain(data)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, s, "x"), data) {
		t.Error("changed")
	}
}

// TestResetWithinPart resets the connection in the middle of a part, again and
// again.
func TestResetWithinPart(t *testing.T) {
	proxied(t, func(t *testing.T, direct, url string, p *toxiproxy.Proxy) {
		var resets atomic.Int64
		s := open(t, url, chaos(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method != http.MethodPut || resets.Load() >= 4 {
				return next.RoundTrip(r)
			}
			toxic(t, p, `{"name":"cut","type":"limit_data","stream":"upstream","attributes":{"bytes":1000000}}`)
			response, err := next.RoundTrip(r)
			if err != nil {
				resets.Add(1)
			}
			if removeErr := p.Toxics.RemoveToxic(r.Context(), "cut"); removeErr != nil {
				t.Error(removeErr)
			}
			return response, err
		}).options())
		data := random(4<<20 + 1) // one request
		roundTrip(t, s, data)
		if !bytes.Equal(get(t, open(t, direct, fast()), "x"), data) {
			t.Error("changed")
		}
		if resets.Load() < 2 {
			t.Errorf("the connection was reset %d times", resets.Load())
		}
	})
}

// TestCutDownload cuts connections off in the middle of a download.
func TestCutDownload(t *testing.T) {
	proxied(t, func(t *testing.T, direct, url string, p *toxiproxy.Proxy) {
		data := random(parts)
		roundTrip(t, open(t, direct, fast()), data)
		s := open(t, url, fast())
		toxic(t, p, `{"name":"cut","type":"limit_data","stream":"downstream","attributes":{"bytes":3000000}}`)
		if !bytes.Equal(get(t, s, "x"), data) {
			t.Error("changed")
		}
	})
}

// TestStalledConnection has a connection on which nothing comes any more.
func TestStalledConnection(t *testing.T) {
	proxied(t, func(t *testing.T, direct, url string, p *toxiproxy.Proxy) {
		data := random(1 << 20)
		roundTrip(t, open(t, direct, fast()), data)
		o := fast()
		o.Stall, o.Attempts = 300*time.Millisecond, 2
		s := open(t, url, o)
		toxic(t, p, `{"name":"stall","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
		start := time.Now()
		r, err := s.Get(t.Context(), "x")
		if err == nil {
			_, err = io.ReadAll(r)
			r.Close()
		}
		if err == nil || time.Since(start) > 20*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
