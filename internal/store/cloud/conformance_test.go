package cloud_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/store/realtest"
	"github.com/litekeep/litekeep/internal/store/storetest"
)

func TestMain(m *testing.M) {
	// The proxy of the tests leaves goroutines behind where it cut a connection.
	const proxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyTestMain(realtest.Main(m), goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).read"), goleak.IgnoreAnyFunction(proxy+"/toxics.(*ToxicStub).Run"))
}

// fast gives up soon: the servers are near.
func fast() cloud.Options {
	return cloud.Options{MaxPause: 20 * time.Millisecond, Stall: 20 * time.Second}
}

func open(t *testing.T, url string, o cloud.Options) *cloud.Store {
	t.Helper()
	s, err := cloud.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformanceS3(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, realtest.S3(t), fast()) })
}

// TestConformanceS3Checksums sends checksums in trailers and headers.
func TestConformanceS3Checksums(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, realtest.Join(realtest.S3(t), "checksum=crc32c"), fast())
	})
}

// TestConformanceS3Versions is a bucket that keeps versions, from which they are
// deleted. (With versions=keep this server, other than Amazon's, refuses to put
// what was deleted before.)
func TestConformanceS3Versions(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, realtest.Join(realtest.S3Locked(t), "versions=delete"), fast())
	})
}

func TestConformanceGCS(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, realtest.GCS(t), fast()) })
}

func TestConformanceAzure(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, realtest.Azure(t), fast()) })
}
