package service

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
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

// The hints of the library are completed, so that each command in them runs.
func TestHint(t *testing.T) {
	k := &keeper{name: "app"}
	k.conf.Store(&conf{spec: spec{name: "app", core: litekeep.Config{BackupDirectory: "/my backups", Copies: []string{"/second"}, Keys: []string{"file:/k"}}}})
	on := &Service{cfg: &config.Config{Server: config.Server{Listen: "127.0.0.1:8420"}}, o: Options{File: "/etc/litekeep.yaml"}}
	off := &Service{cfg: &config.Config{Server: config.Server{Listen: "off"}}}
	for _, c := range []struct {
		s          *Service
		hint, want string
	}{
		{on, "`litekeep sync` copies it", "`litekeep sync --database app --server http://127.0.0.1:8420` copies it"},
		{off, "`litekeep sync --full` mends it", "`litekeep sync --full --database app --dir '/my backups' --copy /second` mends it"},
		{on, "`litekeep list` shows", "`litekeep list --database app --server http://127.0.0.1:8420` shows"},
		{off, "`litekeep list` shows, `litekeep verify` tells", "`litekeep list --dir '/my backups'` shows, `litekeep verify '/my backups/app' --key file:/k` tells"},
		{on, "`litekeep prune` removes", "`litekeep prune --database app --server http://127.0.0.1:8420` removes"},
		{off, "`litekeep prune` removes", "`litekeep prune --dry-run --dir '/my backups'` removes"},
		{off, "`litekeep trash list` those", "`litekeep trash list --dir '/my backups'` those"},
		{on, "`litekeep destinations check` tells", "`litekeep destinations check '/my backups' --config /etc/litekeep.yaml` tells"},
		{on, "wait longer with --busy-timeout", "wait longer with `busy_timeout:` in litekeep.yaml"},
	} {
		if got := c.s.hint(k, &litekeep.Error{Hint: c.hint}); got != c.want {
			t.Errorf("the hint is\n%s\nnot\n%s", got, c.want)
		}
	}
}

// heard keeps the events that a service reports.
type heard struct {
	Teller
	events []notify.Event
}

func (h *heard) Report(_ context.Context, e notify.Event) { h.events = append(h.events, e) }

// Of a damaged backup the same is told to run, whoever tells it.
func TestDamageLine(t *testing.T) {
	k := &keeper{name: "app"}
	k.conf.Store(&conf{spec: spec{name: "app", zone: time.UTC, core: litekeep.Config{BackupDirectory: "/backups", Copies: []string{"/second"}}}})
	h := &heard{}
	s := &Service{cfg: &config.Config{Server: config.Server{Listen: "127.0.0.1:8420"}}, o: Options{Teller: h}}
	s.watchDamage(k, &listing{backups: []*litekeep.Backup{{Path: "/backups/app/o", Damaged: true}}}, time.Unix(1e9, 0))
	if len(h.events) != 1 || h.events[0].Next != "litekeep sync --database app --server http://127.0.0.1:8420" {
		t.Errorf("told %+v", h.events)
	}
}

func TestKnowsDamage(t *testing.T) {
	k := &keeper{name: "app"}
	k.conf.Store(&conf{
		spec: spec{name: "app", core: litekeep.Config{BackupDirectory: t.TempDir(), Copies: []string{"/second"}}}, deaf: &atomic.Int32{},
	})
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
