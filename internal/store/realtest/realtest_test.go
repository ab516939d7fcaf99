package realtest

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(Main(m).Run()) }

// TestServers starts each and asks it for something.
func TestServers(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"s3": S3, "locked s3": S3Locked, "gcs": GCS, "azure": Azure} {
		t.Run(name, func(t *testing.T) {
			if a, b := url(t), url(t); a == b || !strings.Contains(a, "127.0.0.1") {
				t.Errorf("%s and %s", a, b)
			}
		})
	}
}

// TestStop starts a server, stops it and wants nothing of it to be left.
func TestStop(t *testing.T) {
	if _, err := goTool(versitygw); err != nil {
		testserver.Unavailable(t, "versitygw", err)
	}
	s, err := testserver.Start("stop", s3Command, testserver.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("its data are left: %v", err)
	}
	if r, err := http.Get("http://" + s.Address()); err == nil {
		r.Body.Close()
		t.Error("it still answers")
	}
}
