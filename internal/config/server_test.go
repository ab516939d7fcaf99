package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestServerURL(t *testing.T) {
	secure := TLS{Certificate: "cert.pem", Key: "key.pem"}
	for _, c := range []struct {
		server Server
		want   string
	}{
		{Server{Listen: "127.0.0.1:8471"}, "http://127.0.0.1:8471"},
		{Server{Listen: "localhost:8471"}, "http://localhost:8471"},
		{Server{Listen: ":8471", TLSProxy: true}, "http://127.0.0.1:8471"},
		{Server{Listen: "0.0.0.0:8471", TLS: secure}, "https://127.0.0.1:8471"},
		{Server{Listen: "[::]:8471", TLS: secure}, "https://[::1]:8471"},
		{Server{Listen: ":8471", TLS: secure, PublicURL: "https://backup.example"}, "https://backup.example"},
		{Server{Listen: "127.0.0.1:8471", PublicURL: "https://backup.example"}, "http://127.0.0.1:8471"},
		{Server{Listen: Off}, ""},
		{Server{Listen: "8471"}, ""},
	} {
		if got := c.server.URL(); got != c.want {
			t.Errorf("%+v: %q, not %q", c.server, got, c.want)
		}
	}
}

func TestLoadServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "litekeep.yaml")
	none := func(string) (string, bool) { return "", false }
	if _, err := LoadServer(path, none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, c := range []struct{ name, text, listen, want string }{
		{"other problems", "server: {listen: 127.0.0.1:8471}\nbananas: 3\ndatabases: [{name: app}]\n", "", "127.0.0.1:8471"},
		{"the environment", "server: {listen: 127.0.0.1:8471}\n", "127.0.0.1:8472", "127.0.0.1:8472"},
		{"the default", "databases: [{name: app, path: app.db}]\n", "", Default().Server.Listen},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		env := func(name string) (string, bool) { return c.listen, name == "LITEKEEP_LISTEN" && c.listen != "" }
		if s, err := LoadServer(path, env); s.Listen != c.want || err != nil {
			t.Errorf("%s: %q, %v", c.name, s.Listen, err)
		}
	}
	if err := os.WriteFile(path, []byte("server: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadServer(path, none); !errors.Is(err, ErrInvalid) {
		t.Errorf("no YAML: %v", err)
	}
}
