package service

import (
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/config"
)

func TestFileName(t *testing.T) {
	const object = "20261122T020000.123Z.json.zst"
	for _, path := range []string{
		"/backups/app/" + object,
		"s3://bucket/app/" + object,
		"s3://bucket/lk/app/" + object + "?endpoint=http://127.0.0.1:7075&path_style=true",
	} {
		if got := fileName(path); got != object {
			t.Errorf("the file name of %s is %q", path, got)
		}
	}
}

// The lines must do what the service would have done: with its keys, with its
// copies, and without the retention of the command line.
func TestCommandLines(t *testing.T) {
	k := &keeper{name: "app"}
	set := func(copies ...string) {
		k.conf.Store(&conf{spec: spec{name: "app", path: "/srv/my app.db", core: litekeep.Config{
			BackupDirectory: "/backups", Copies: copies, Keys: []string{"file:/k"},
		}}})
	}
	set("s3://b/x?region=y")
	on := func(server config.Server) *Service { return &Service{cfg: &config.Config{Server: server}} }
	off := on(config.Server{Listen: "off"})
	for want, got := range map[string]string{
		"litekeep backup app --server http://127.0.0.1:8420":                                                             on(config.Server{Listen: "127.0.0.1:8420"}).backupLine(k),
		"litekeep backup app --server https://localhost:443":                                                             on(config.Server{Listen: ":443", TLS: config.TLS{Certificate: "c"}}).backupLine(k),
		"litekeep sync --database app --server https://lk.example":                                                       on(config.Server{Listen: "0.0.0.0:1", PublicURL: "https://lk.example"}).mendLine(k),
		"litekeep backup '/srv/my app.db' --name app --dir /backups --no-prune --copy 's3://b/x?region=y' --key file:/k": off.backupLine(k),
		"litekeep sync --full --database app --dir /backups --copy 's3://b/x?region=y'":                                  off.mendLine(k),
		"litekeep restore /backups/app/o '/srv/my app.db' --key file:/k":                                                 off.undoLine(k, "/backups/app/o"),
		"litekeep restore o --database app --reason 'undo a restore' --server 'http://[::1]:1'":                          on(config.Server{Listen: "[::1]:1"}).undoLine(k, "/backups/app/o"),
		"litekeep info /backups/app/o --key file:/k":                                                                     k.conf.Load().infoLine("o"),
	} {
		if got != want {
			t.Errorf("the line is\n%s\nnot\n%s", got, want)
		}
	}
	set()
	if got, want := off.mendLine(k), "litekeep verify /backups/app --key file:/k"; got != want {
		t.Errorf("without copies the line is %s, not %s", got, want)
	}
}

func TestKnowsDamage(t *testing.T) {
	k := &keeper{name: "app"}
	k.conf.Store(&conf{spec: spec{name: "app", core: litekeep.Config{BackupDirectory: t.TempDir(), Copies: []string{"/second"}}}})
	now := time.Unix(1e9, 0)
	read := func(b litekeep.Backup, c litekeep.CopyCheck) bool {
		k.list = listing{read: now, backups: []*litekeep.Backup{&b}}
		k.looks = map[string]look{"/second": {copies: map[string]litekeep.CopyCheck{"o": c}}}
		return k.knowsDamage(t.Context(), now)
	}
	sound := litekeep.CopyCheck{OK: true}
	for name, c := range map[string]struct {
		backup litekeep.Backup
		copied litekeep.CopyCheck
		want   bool
	}{
		"all is well":         {copied: sound},
		"a damaged backup":    {backup: litekeep.Backup{Damaged: true}, copied: sound, want: true},
		"a backup is missing": {backup: litekeep.Backup{Problem: "gone"}, copied: sound, want: true},
		"a damaged copy":      {copied: litekeep.CopyCheck{Problem: "frame 3"}, want: true},
		"a missing copy":      {copied: litekeep.CopyCheck{Missing: true}}, // is found without reading
	} {
		if got := read(c.backup, c.copied); got != c.want {
			t.Errorf("%s: knowsDamage is %v", name, got)
		}
	}
}
