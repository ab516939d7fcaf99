package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"text/template"
	"time"

	"github.com/litekeep/litekeep/internal/testserver"
)

// exim is a running Exim, the mail server of Debian.
type exim struct {
	StartTLS, TLS, Plain int
	Dir                  string
	authority            *x509.CertPool
	server               *testserver.Server
}

// startExim starts one with a certificate of its own authority.
func startExim(t *testing.T) *exim {
	t.Helper()
	program, err := exec.LookPath("exim4")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/exim4")
	}
	if err != nil {
		testserver.Unavailable(t, "exim4", err)
	}
	e := &exim{}
	e.server, err = testserver.Start("exim", func(dir, port string) (*exec.Cmd, error) {
		if err := e.prepare(dir, port); err != nil {
			return nil, err
		}
		return exec.Command(program, "-C", filepath.Join(dir, "conf"), "-bdf", "-v"), nil
	}, func(address string) error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// prepare writes what Exim needs. Where it runs as root it changes to a user of its
// own, for whom the folders are open.
func (e *exim) prepare(dir, port string) (err error) {
	e.Dir = dir
	if e.Plain, err = strconv.Atoi(port); err != nil {
		return err
	}
	for _, p := range []*int{&e.StartTLS, &e.TLS} {
		free, err := testserver.FreePort()
		if err != nil {
			return err
		}
		if *p, err = strconv.Atoi(free); err != nil {
			return err
		}
	}
	if err := e.certify(); err != nil {
		return err
	}
	for _, sub := range []string{"spool", "log", "mail"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, sub), 0o777), os.Chmod(filepath.Join(dir, sub), 0o777))
	}
	text, terr := template.ParseFiles("testdata/exim.conf")
	conf, cerr := os.OpenFile(filepath.Join(dir, "conf"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err := errors.Join(err, terr, cerr, os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		return err
	}
	return errors.Join(text.Execute(conf, e), conf.Close())
}

// certify makes a certificate for 127.0.0.1 that is its own authority.
func (e *exim) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "litekeep test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	e.authority = x509.NewCertPool()
	e.authority.AppendCertsFromPEM(cert)
	return errors.Join(os.WriteFile(filepath.Join(e.Dir, "cert.pem"), cert, 0o644),
		os.WriteFile(filepath.Join(e.Dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o644))
}

// mails waits until so many have come, and returns and removes them.
func (e *exim) mails(t *testing.T, n int) (list []*netmail.Message) {
	t.Helper()
	var files []string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		files, _ = filepath.Glob(filepath.Join(e.Dir, "mail", "new", "*"))
		if len(files) >= n || time.Now().After(deadline) {
			break
		}
	}
	if len(files) != n {
		log, _ := os.ReadFile(filepath.Join(e.Dir, "log", "mainlog"))
		t.Fatalf("%d mails, not %d. The server says:\n%s", len(files), n, testserver.Tail(log))
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		m, err := netmail.ReadMessage(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
