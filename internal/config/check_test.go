package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

// machine is a folder with all that a configuration wants.
type machine struct {
	t      *testing.T
	folder string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t, t.TempDir()}
	m.write("app.db", "not opened, so anything will do")
	if _, err := litekeep.NewKeyFile(m.path("key")); err != nil {
		t.Fatal(err)
	}
	m.write("phrase", "a long enough passphrase\n")
	m.certificate(at("2027-01-01T00:00:00Z"))
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.folder, name) }

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// certificate makes a certificate that ends at a time.
func (m *machine) certificate(end time.Time) {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.Add(-365 * day), NotAfter: end}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		m.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	m.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

const machineFile = `
state: state
defaults:
  time_zone: UTC
  spread: 0
  destinations: [backups, copies/deeper, "s3://bucket/x?region=eu-central-1"]
  keys: ["file:key", "passphrase-file:phrase", "passphrase-env:PHRASE", "awskms://alias/x"]
databases:
  - {name: app, path: app.db}
notifications: {channels: [{name: hook, type: webhook, url: http://localhost/, secret: 0123456789abcdefX}]}
server: {tls: {certificate: cert.pem, key: key.pem}}
`

// check writes and checks a configuration, and returns what was found, a line each.
func (m *machine) check(text string) (string, []Outlook) {
	m.t.Helper()
	m.write("litekeep.yaml", text)
	lookup := env(map[string]string{"PHRASE": "another passphrase"})
	c, err := Load(m.path("litekeep.yaml"), lookup)
	if err != nil {
		m.t.Fatal(err)
	}
	found, outlooks := c.Check(m.t.Context(), CheckOptions{File: m.path("litekeep.yaml"), Now: at("2026-03-04T12:00:00Z"), Env: lookup, Runs: 3})
	var lines []string
	for _, f := range found {
		word := "failed "
		if f.Warning {
			word = "warning "
		}
		lines = append(lines, word+f.Key+": "+strings.ReplaceAll(f.Message, m.folder, "…"))
	}
	return strings.Join(lines, "\n"), outlooks
}

func TestCheck(t *testing.T) {
	m := newMachine(t)
	found, outlooks := m.check(machineFile)
	if found != "" {
		t.Errorf("all is well, but %s", found)
	}
	o := outlooks[0]
	if len(o.Runs) != 3 || !o.Runs[0].Equal(at("2026-03-05T02:00:00Z")) || !o.Runs[2].Equal(at("2026-03-07T02:00:00Z")) ||
		!o.Overdue.Equal(at("2026-03-05T03:00:00Z")) || o.Plan == nil || o.Plan.SourceBytes != 31 {
		t.Errorf("outlook %+v", o)
	}
	for _, name := range []string{"state", "backups", "copies"} {
		if _, err := os.Stat(m.path(name)); err == nil {
			t.Errorf("the check made %s", name)
		}
	}
}

func TestCheckFinds(t *testing.T) {
	for name, c := range map[string]struct {
		spoil    func(m *machine)
		from, to string // in the file
		want     string
	}{
		"no database":         {spoil: func(m *machine) { _ = os.Remove(m.path("app.db")) }, want: "failed databases.app.path: look at …/app.db: no such file or directory"},
		"a folder":            {from: "path: app.db", to: "path: .", want: "failed databases.app.path: … is not a file"},
		"no key":              {spoil: func(m *machine) { _ = os.Remove(m.path("key")) }, want: "failed databases.app.keys.0: key file:…/key"},
		"no variable":         {from: "env:PHRASE", to: "env:NOTHING", want: "failed databases.app.keys.2: key passphrase-env:NOTHING"},
		"state a file":        {spoil: func(m *machine) { m.write("state", "") }, want: "failed state: …/state is not a folder"},
		"destination a file":  {spoil: func(m *machine) { m.write("backups", "") }, want: "failed databases.app.destinations: …/backups is not a folder"},
		"copy below a file":   {spoil: func(m *machine) { m.write("copies", "") }, want: "failed databases.app.destinations"},
		"no certificate":      {spoil: func(m *machine) { _ = os.Remove(m.path("cert.pem")) }, want: "failed server.tls: open …/cert.pem"},
		"old certificate":     {spoil: func(m *machine) { m.certificate(at("2026-03-01T00:00:00Z")) }, want: "failed server.tls.certificate: …/cert.pem ended on 2026-03-01"},
		"certificate ends":    {spoil: func(m *machine) { m.certificate(at("2026-03-10T00:00:00Z")) }, want: "warning server.tls.certificate: …/cert.pem ends on 2026-03-10"},
		"key for all to read": {spoil: func(m *machine) { _ = os.Chmod(m.path("key.pem"), 0o644) }, want: "warning server.tls.key: everybody on this machine can read …/key.pem"},
		"nobody told":         {from: "{name: hook, type: webhook, url: http://localhost/, secret: 0123456789abcdefX}", want: "warning notifications.channels: nobody is told"},
		"never":               {from: "{name: app,", to: "{name: app, schedule: off,", want: "warning databases.app.schedule: app is backed up only when"},
		"not verified":        {from: "{name: app,", to: "{name: app, verify: none,", want: "warning databases.app.verify: no backup of app"},
		"same file": {
			spoil: func(m *machine) { _ = os.Symlink(m.path("app.db"), m.path("link.db")) },
			from:  "notifications", to: "  - {name: link, path: link.db}\nnotifications", want: "failed databases.link.path: …/app.db and …/link.db are the same file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			if c.spoil != nil {
				c.spoil(m)
			}
			found, _ := m.check(strings.Replace(machineFile, c.from, c.to, 1))
			if !strings.HasPrefix(found, c.want) || strings.Contains(found, "\n") {
				t.Errorf("found\n%s\nnot\n%s", found, c.want)
			}
		})
	}
}

func TestCheckRights(t *testing.T) {
	m := newMachine(t)
	file, key := m.path("our litekeep.yaml"), m.path("the key.pem")
	m.write(filepath.Base(file), strings.Replace(machineFile, "key.pem", filepath.Base(key), 1))
	if err := os.Rename(m.path("key.pem"), key); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, key} {
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(file, env(map[string]string{"PHRASE": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	found, _ := c.Check(t.Context(), CheckOptions{File: file, Now: at("2026-03-04T12:00:00Z"), Env: env(map[string]string{"PHRASE": "x y z"})})
	for _, want := range []struct{ message, hint string }{
		{"everybody on this machine can read " + key, "chmod o= '" + key + "'`"},
		{file + " holds secrets", "chmod 600 '" + file + "'`"},
	} {
		if !slices.ContainsFunc(found, func(f Finding) bool {
			return f.Warning && strings.HasPrefix(f.Message, want.message) && strings.Contains(f.Hint, want.hint)
		}) {
			t.Errorf("%s: %+v", want.message, found)
		}
	}
	if len(found) != 2 {
		t.Errorf("files that all can read: %+v", found)
	}
}

func TestCheckWithoutRights(t *testing.T) {
	if os.Geteuid() == 0 { // which may do everything
		beNobody(t)
		return
	}
	m := newMachine(t)
	m.write("litekeep.yaml", machineFile)
	c, err := Load(m.path("litekeep.yaml"), env(map[string]string{"PHRASE": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(m.path("app.db"), 0o200); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(m.folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(m.folder, 0o700) })
	found, _ := c.Check(t.Context(), CheckOptions{Now: at("2026-03-04T12:00:00Z"), Env: env(map[string]string{"PHRASE": "x y z"})})
	var keys []string
	for _, f := range found {
		keys = append(keys, f.Key)
	}
	if got := strings.Join(keys, " "); got != "state databases.app.path databases.app.destinations databases.app.destinations" {
		t.Errorf("found %s", got)
	}
}

func TestWords(t *testing.T) {
	for want, r := range map[string]Retention{
		"all of the last 7d, the newest 1; never fewer than 1; 3d in the trash": Default().Defaults.Retention,
		"3 hourly, 2 daily, 1 weekly, 4 monthly, 5 yearly; never fewer than 2":  {Hourly: 3, Daily: 2, Weekly: 1, Monthly: 4, Yearly: 5, Minimum: 2},
		"never fewer than 1": {Minimum: 1},
	} {
		if got := r.Words(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
