package realtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/testserver"
)

// Credentials of the servers. Azurite has its own, which are public.
const (
	accessKey    = "litekeep-test"
	secretKey    = "litekeep-test-secret"
	azureAccount = "devstoreaccount1"
	azureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// kind is one sort of server, started when it is first asked for.
type kind struct {
	name    string
	command func(dir, port string) (*exec.Cmd, error)

	mu     sync.Mutex
	server *testserver.Server
	err    error
}

// servers are those that this process has started. They belong to the process:
// starting one for each test would take longer than the tests.
var (
	s3Server    = &kind{name: "versitygw", command: s3Command}
	gcsServer   = &kind{name: "fake-gcs-server", command: gcsCommand}
	azureServer = &kind{name: "azurite", command: azureCommand}
	buckets     atomic.Int64
)

// Suite runs the tests of a package and stops the servers that they started.
type Suite struct{ m *testing.M }

// Main prepares the environment of the tests. Run is to be called once.
func Main(m *testing.M) *Suite {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AZURE_STORAGE_ACCOUNT": azureAccount, "AZURE_STORAGE_KEY": azureKey, "AZURE_STORAGE_SAS_TOKEN": "", "AZURE_STORAGE_CONNECTION_STRING": "",
		"GOOGLE_APPLICATION_CREDENTIALS": os.DevNull, "STORAGE_EMULATOR_HOST": "",
	} {
		err := os.Setenv(name, value)
		if value == "" {
			err = os.Unsetenv(name)
		}
		if err != nil {
			panic(err)
		}
	}
	return &Suite{m: m}
}

// Run runs the tests and returns the exit status.
func (s *Suite) Run() int {
	code := s.m.Run()
	for _, k := range []*kind{s3Server, gcsServer, azureServer} {
		if k.server == nil {
			continue
		}
		if err := k.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop", k.name+":", err)
			code = max(code, 1)
		}
	}
	return code
}

// get returns the running server, or skips or fails the test.
func (k *kind) get(t testing.TB) *testserver.Server {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.server == nil && k.err == nil {
		k.server, k.err = testserver.Start(k.name, k.command, testserver.HTTP)
	}
	if k.err != nil {
		testserver.Unavailable(t, k.name, k.err)
	}
	return k.server
}

// newBucket returns a name that no bucket has.
func newBucket() string { return fmt.Sprintf("b%d-%d", os.Getpid(), buckets.Add(1)) }

// S3 returns the URL of an empty bucket.
func S3(t testing.TB) string {
	t.Helper()
	return s3Bucket(t, false)
}

// S3Locked returns the URL of an empty bucket that has versions and object lock.
// The URL asks for no lock.
func S3Locked(t testing.TB) string {
	t.Helper()
	return s3Bucket(t, true)
}

func s3Bucket(t testing.TB, lock bool) string {
	t.Helper()
	s, bucket := s3Server.get(t), newBucket()
	url := fmt.Sprintf("s3://%s/?endpoint=http://%s&region=us-east-1", bucket, s.Address())
	if err := cloud.CreateBucket(t.Context(), url, lock); err != nil {
		t.Fatal(err)
	}
	return url
}

func s3Command(dir, port string) (*exec.Cmd, error) {
	path, err := goTool(versitygw)
	if err != nil {
		return nil, err
	}
	versions := filepath.Join(filepath.Dir(dir), "versions")
	if err := os.Mkdir(versions, 0o755); err != nil {
		return nil, err
	}
	return exec.Command(path, "--port", "127.0.0.1:"+port, "--access", accessKey, "--secret", secretKey, "--quiet",
		"posix", "--versioning-dir", versions, dir), nil
}

// GCS returns the URL of an empty bucket.
func GCS(t testing.TB) string {
	t.Helper()
	s, bucket := gcsServer.get(t), newBucket()
	url := fmt.Sprintf("gs://%s/?endpoint=http://%s/storage/v1/&anonymous=true", bucket, s.Address())
	if err := cloud.CreateBucket(t.Context(), url, false); err != nil {
		t.Fatal(err)
	}
	return url
}

func gcsCommand(dir, port string) (*exec.Cmd, error) {
	path, err := goTool(fakeGCS)
	if err != nil {
		return nil, err
	}
	return exec.Command(path, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-public-host", "127.0.0.1:"+port,
		"-external-url", "http://127.0.0.1:"+port, "-backend", "memory", "-filesystem-root", dir, "-log-level", "error"), nil
}

// Azure returns the URL of an empty container.
func Azure(t testing.TB) string {
	t.Helper()
	s, bucket := azureServer.get(t), newBucket()
	url := fmt.Sprintf("azblob://%s/?endpoint=http://%s/%s", bucket, s.Address(), azureAccount)
	if err := cloud.CreateBucket(t.Context(), url, false); err != nil {
		t.Fatal(err)
	}
	return url
}

func azureCommand(dir, port string) (*exec.Cmd, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, errors.New("node is not installed")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return nil, errors.New("npm is not installed")
	}
	modules, err := npmTool(azuriteNPM)
	if err != nil {
		return nil, err
	}
	main := filepath.Join(modules, "azurite", "dist", "src", "blob", "main.js")
	return exec.Command(node, main, "--blobHost", "127.0.0.1", "--blobPort", port, "--location", dir,
		"--silent", "--skipApiVersionCheck", "--disableTelemetry"), nil
}

// Join adds parameters to a URL that one of the functions returned.
func Join(url string, params ...string) string {
	return url + "&" + strings.Join(params, "&")
}
