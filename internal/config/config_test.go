package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// env is an environment for tests.
func env(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := pairs[name]
		return v, ok
	}
}

var testEnv = env(map[string]string{
	"SMTP_PASSWORD": "hunter2-from-the-environment", "SLACK_URL": "https://hooks.example.org/T0/B0/tokentoken",
	"EMPTY": "", "DAYS": "9d", "BAD_LISTEN": "nonsense",
})

// files stand for the files of secrets.
func files(path string) (string, error) {
	if path == "/etc/litekeep/hook" {
		return "0123456789abcdef0123456789abcdef", nil
	}
	return "", errors.New("read secret: open " + path + ": no such file")
}

func parseTest(text string) (*Config, error) {
	return parseConfig("litekeep.yaml", "/etc/litekeep", []byte(text), testEnv, files)
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := parseTest(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// minimal has what every file needs.
const minimal = `
defaults: {destinations: [/backups]}
databases: [{name: app, path: /srv/app.db}]
`

const full = `
state: state
defaults:
  schedule: "*/30 6-20 * * 1-5"
  time_zone: Europe/Berlin
  spread: 5m
  destinations: [/backups, "s3://bucket/x?region=eu-central-1", copies]
  min_copies: 2
  keys: ["file:key", "passphrase-env:PHRASE", "awskms://alias/litekeep"]
  sealed: true
  compression: gzip
  compression_level: 9
  verify: full
  time_limit: 20m
  promise: 26h
  shrink: 30%
  prune: false
  retention: {within: 2w, last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 2, minimum: 2, trash: 1d12h}
  temp: tmp
  busy_timeout: 500ms
databases:
  - name: app
    path: app.db
  - name: shop
    path: /srv/shop.db
    schedule: "off"
    sealed: false
    keys: []
    retention: {daily: 30, trash: 0}
    destinations: ["file path/with space"]
    min_copies: 0
notifications:
  channels:
    - {name: ops, type: email, host: mail.example.org, user: me, password: "${SMTP_PASSWORD}", from: "litekeep <a@example.org>", to: [b@example.org, c@example.org]}
    - {name: local, type: email, host: localhost, tls: none, from: a@example.org, to: [b@example.org], events: [failed, overdue], databases: [app]}
    - {name: chat, type: slack, url: "${SLACK_URL}"}
    - {name: hook, type: webhook, url: https://example.org/hook, secret: "file:hook"}
    - {name: dead, type: heartbeat, url: "https://example.org/{database}", start_url: "https://example.org/{database}/start", failure_url: "https://example.org/{database}/fail"}
  group: 1m
  repeat: 12h
  limit: 5
  disk_low: 500MB
server:
  listen: 0.0.0.0:8420
  tls: {certificate: cert.pem, key: key.pem}
  public_url: https://backups.example.org/
  sessions: 1h
  trusted_proxies: [10.0.0.0/8, "fd00::/8"]
  tls_proxy: true
runs: {parallel: 4, retries: 0, retry_after: 10s, grace: 0, history: 30d}
`

func TestDefaults(t *testing.T) {
	c := mustParse(t, minimal)
	db := c.Databases[0]
	want := Database{Name: "app", Path: "/srv/app.db", Settings: Settings{
		Schedule: "0 2 * * *", TimeZone: "Local", Spread: 10 * time.Minute, Destinations: []string{"/backups"},
		Compression: "zstd", Verify: VerifyReadBack, TimeLimit: time.Hour, Shrink: 50, Prune: true,
		Retention: Retention{Within: 7 * day, Last: 1, Minimum: 1, Trash: 3 * day}, BusyTimeout: 30 * time.Second,
	}}
	if diff := cmp.Diff(want, db); diff != "" {
		t.Error(diff)
	}
	if err := db.Core().Validate(); err != nil {
		t.Error(err)
	}
}

func TestFull(t *testing.T) {
	c := mustParse(t, full)
	app, shop := c.Database("app"), c.Database("shop")
	want := []string{"/backups", "s3://bucket/x?region=eu-central-1", "/etc/litekeep/copies"}
	if diff := cmp.Diff(want, app.Destinations); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"file:/etc/litekeep/key", "passphrase-env:PHRASE", "awskms://alias/litekeep"}, app.Keys); diff != "" {
		t.Error(diff)
	}
	if app.Path != "/etc/litekeep/app.db" || app.Temp != "/etc/litekeep/tmp" || c.State != "/etc/litekeep/state" {
		t.Errorf("paths %s, %s, %s", app.Path, app.Temp, c.State)
	}
	// A database wins key by key, also within its retention.
	wantRetention := Retention{Within: 14 * day, Last: 3, Hourly: 24, Daily: 30, Weekly: 4, Monthly: 12, Yearly: 2, Minimum: 2}
	if diff := cmp.Diff(wantRetention, shop.Retention); diff != "" {
		t.Error(diff)
	}
	if len(shop.Keys) > 0 || shop.Sealed || shop.Slots() != nil {
		t.Errorf("shop has %+v", shop)
	}
	ops := c.Notifications.Channels[0]
	if ops.Port != 587 || ops.TLS != StartTLS || ops.Password.Reveal() != "hunter2-from-the-environment" || ops.Password.Literal() {
		t.Errorf("channel %+v", ops)
	}
	if got := c.Notifications.Channels[3].Secret.Reveal(); got != "0123456789abcdef0123456789abcdef" {
		t.Errorf("secret from a file is %q", got)
	}
	if c.Server.PublicURL != "https://backups.example.org" || c.Server.TLS.Key != "/etc/litekeep/key.pem" {
		t.Errorf("server %+v", c.Server)
	}
	core := app.Core()
	if err := core.Validate(); err != nil {
		t.Error(err)
	}
	if core.BackupDirectory != "/backups" || len(core.Copies) != 2 || core.MinCopies != 2 || core.KeepWithin != 14*day ||
		core.KeepYearly != 2 || core.KeepMinimum != 2 || core.TrashGrace != 36*time.Hour || core.TimeZone != "Europe/Berlin" ||
		!core.NoPrune || !core.Sealed || core.Compression != "gzip" || core.Name != "app" {
		t.Errorf("core %+v", core)
	}
}

// TestShareNothing: what somebody does to the settings of one database is not done to
// those of another.
func TestShareNothing(t *testing.T) {
	c := mustParse(t, strings.Replace(full, "destinations: [\"file path/with space\"]", "temp: /x", 1))
	c.Databases[0].Destinations[0], c.Databases[0].Keys[0] = "changed", "changed"
	if c.Databases[1].Destinations[0] != "/backups" || c.Defaults.Keys[0] != "file:/etc/litekeep/key" {
		t.Errorf("%+v, %+v", c.Databases[1].Destinations, c.Defaults.Keys)
	}
}

// TestRefused compares what is said of files that are wrong with what was said when
// somebody last looked at it.
func TestRefused(t *testing.T) {
	const golden = "testdata/refused.txtar"
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	if len(archive.Files) == 0 {
		t.Fatal("there are no cases")
	}
	out := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		c, err := parseTest(string(f.Data))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !errors.Is(err, ErrInvalid) || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: a secret shows:\n%v", name, err)
		}
		got := err.Error() + "\n"
		out.Files = append(out.Files, f, txtar.File{Name: name + ".txt", Data: []byte(got)})
		if diff := cmp.Diff(want[name+".txt"], got); diff != "" && !*update {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// same compares two configurations, but for the defaults, which YAML does not write.
func same(a, b *Config) string {
	return cmp.Diff(a, b, cmpopts.IgnoreFields(Config{}, "Defaults"), cmpopts.EquateEmpty())
}

func TestYAML(t *testing.T) {
	odd := strings.ReplaceAll(minimal, "/srv/app.db", `"/srv/$${not a variable}: 'quoted', \"twice\" # no comment"`)
	for _, text := range []string{minimal, full, odd} {
		c := mustParse(t, text)
		written := encode(c, Secret.Reveal)
		again, err := parseTest(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if diff := same(c, again); diff != "" {
			t.Error(diff)
		}
		if strings.Contains(c.YAML(), "hunter2") || strings.Contains(c.YAML(), "tokentoken") {
			t.Errorf("a secret shows:\n%s", c.YAML())
		}
	}
	if !strings.Contains(mustParse(t, full).YAML(), `password: "(set)"`) {
		t.Error("a secret that is set does not show as set")
	}
}

func TestEnvironment(t *testing.T) {
	text := strings.Replace(minimal, "destinations", "retention: {within: \"${DAYS}\"}, destinations", 1)
	c, err := parseConfig("litekeep.yaml", "/etc/litekeep", []byte(text), env(map[string]string{
		"DAYS": "9d", "LITEKEEP_STATE": "elsewhere", "LITEKEEP_LISTEN": ":443", "LITEKEEP_TLS_CERTIFICATE": "/c.pem",
		"LITEKEEP_TLS_KEY": "/k.pem", "LITEKEEP_PUBLIC_URL": "https://b.example.org", "LITEKEEP_KEYS": "ignored",
	}), files)
	if err != nil {
		t.Fatal(err)
	}
	want := Server{Listen: ":443", TLS: TLS{"/c.pem", "/k.pem"}, PublicURL: "https://b.example.org", Sessions: 12 * time.Hour}
	if diff := cmp.Diff(want, c.Server); diff != "" {
		t.Error(diff)
	}
	if c.State != "/etc/litekeep/elsewhere" || c.Databases[0].Retention.Within != 9*day {
		t.Errorf("state %s, within %s", c.State, c.Databases[0].Retention.Within)
	}
	_, err = parseConfig("litekeep.yaml", "/", []byte(minimal), env(map[string]string{"LITEKEEP_LISTEN": "nonsense"}), files)
	if err == nil || !strings.Contains(err.Error(), "LITEKEEP_LISTEN: want an address") {
		t.Errorf("a wrong variable: %v", err)
	}
	// One that is empty counts as not set.
	if _, err := parseConfig("litekeep.yaml", "/", []byte(minimal), env(map[string]string{"LITEKEEP_LISTEN": ""}), files); err != nil {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "litekeep.yaml")
	if _, err := Load(path, testEnv); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hook", "  0123456789abcdef with spaces \n\n")
	write("litekeep.yaml", minimal+"notifications: {channels: [{name: h, type: webhook, url: http://localhost/, secret: \"file:hook\"}]}\n")
	c, err := Load(path, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Notifications.Channels[0].Secret.Reveal(); got != "  0123456789abcdef with spaces " {
		t.Errorf("secret %q", got)
	}
	write("hook", strings.Repeat("x", maxSecretFile+1))
	if _, err := Load(path, testEnv); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a huge secret: %v", err)
	}
	if err := os.Remove(filepath.Join(folder, "hook")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, testEnv); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing secret: %v", err)
	}
	write("litekeep.yaml", "# "+strings.Repeat("x", maxBytes))
	if _, err := Load(path, testEnv); err == nil || !strings.Contains(err.Error(), "at most 1048576") {
		t.Errorf("a huge file: %v", err)
	}
}

// TestBounds gives what could make a reader of YAML run out of time, memory or stack.
func TestBounds(t *testing.T) {
	deep := ""
	for i := range 400 {
		deep += strings.Repeat(" ", i) + "a:\n"
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ",") + "]\n"
	}
	for name, text := range map[string]string{
		"keys":         strings.Repeat("a: b\n", maxBytes/5),
		"elements":     "databases: [" + strings.Repeat("a,", maxBytes/2-10) + "]",
		"brackets":     strings.Repeat("[", maxBytes-1),
		"braces":       strings.Repeat("{a: ", maxBytes/4-1),
		"dashes":       strings.Repeat("- ", maxBytes/2-1),
		"question":     strings.Repeat("? ", maxBytes/2-1),
		"colons":       strings.Repeat("a: ", maxBytes/3-1),
		"indents":      deep,
		"bomb":         bomb,
		"anchors":      "databases: [" + strings.Repeat("&a b, ", 5000) + "c]",
		"long line":    strings.Repeat("x", maxBytes-1),
		"blank":        strings.Repeat("\n", maxBytes-1),
		"tabs":         strings.Repeat("\t", maxBytes-1),
		"open quote":   `a: "` + strings.Repeat("x\n", maxBytes/2-10),
		"not UTF-8":    "state: \xff\xfe",
		"many strange": strings.Repeat("a"+strings.Repeat("b", 90)+": c\n", 2000),
	} {
		start := time.Now()
		_, err := parseTest(text)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if len(err.Error()) > 20_000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %s", name, took)
		} else {
			t.Logf("%s: %s", name, took)
		}
	}
}
