package keys_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/keys"
)

// kit is a kit with a key of each type.
func kit(t *testing.T, file *keys.FileKey, show bool) keys.Kit {
	t.Helper()
	return keys.Kit{
		Made: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC), Writer: "litekeep 0.2.0",
		Databases:    []string{"app", "users"},
		Destinations: []string{"s3://backups/app?region=eu-central-1", "/var/backups"},
		Keys: []keys.KitKey{
			{Source: source(t, "file:/etc/litekeep.key"), File: file, Print: show},
			{Source: source(t, "passphrase-env:PASS")},
			{Source: source(t, "hashivault://app")},
		},
		Commands: []keys.KitCommand{{"Restore the newest backup", "litekeep restore /var/backups/app app.db --key file:KEYFILE"}},
	}
}

// TestKit prints a page, with and without the content of a key file.
func TestKit(t *testing.T) {
	file := generate(t)
	secret := strings.Split(string(file.Text()), "\n")[2]
	for _, show := range []bool{false, true} {
		text, err := kit(t, file, show).Text()
		if err != nil {
			t.Fatal(err)
		}
		page := string(text)
		for _, want := range []string{
			"app, users", "s3://backups/app?region=eu-central-1", "/var/backups", file.ID(), "file:/etc/litekeep.key",
			"passphrase-env:PASS", "hashivault://app", "litekeep restore /var/backups/app app.db --key file:KEYFILE",
			"2026-11-22 02:00 UTC by litekeep 0.2.0",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("no %q in\n%s", want, page)
			}
		}
		if strings.Contains(page, secret) != show || strings.Contains(page, "THIS PAGE HAS A KEY") != show {
			t.Errorf("printed %v:\n%s", show, page)
		}
		if n := strings.Count(page, "\n"); n > 60 {
			t.Errorf("%d lines are more than a page", n)
		}
		for line := range strings.Lines(page) {
			if len(line) > 84 {
				t.Errorf("a line is too wide: %s", line)
			}
		}
		if err := keys.CheckKit(text); err != nil {
			t.Error(err)
		}
		retyped := strings.ReplaceAll(strings.ReplaceAll(page, "\n\n", "\n"), "\n", "  \r\n ")
		if err := keys.CheckKit([]byte(retyped)); err != nil {
			t.Errorf("retyped: %v", err)
		}
		for _, bad := range []string{
			strings.Replace(page, "restore", "restroe", 1), page[:len(page)-5], page[:len(page)/2], "",
			strings.Replace(page, file.ID()[:4], "0000", 1) + "x",
		} {
			if err := keys.CheckKit([]byte(bad)); !errors.Is(err, keys.ErrKit) {
				t.Errorf("%v of\n%s", err, bad)
			}
		}
	}
}

// TestKitKey reads the key back from the page.
func TestKitKey(t *testing.T) {
	file := generate(t)
	text, err := kit(t, file, true).Text()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte("0600:\n"))
	lines := bytes.SplitAfter(rest, []byte("\n"))
	got, err := keys.ParseFile(bytes.Join(lines[:4], nil))
	if err != nil || got.ID() != file.ID() {
		t.Errorf("%v, %v", got, err)
	}
}

// TestKitErrors refuses a page that would not do.
func TestKitErrors(t *testing.T) {
	file := generate(t)
	for name, spoil := range map[string]func(*keys.Kit){
		"no destination":    func(k *keys.Kit) { k.Destinations = nil },
		"no key":            func(k *keys.Kit) { k.Keys = nil },
		"no command":        func(k *keys.Kit) { k.Commands = nil },
		"two lines":         func(k *keys.Kit) { k.Databases[0] = "a\nb" },
		"an escape":         func(k *keys.Kit) { k.Destinations[0] = "a\x1b[2J" },
		"print no key file": func(k *keys.Kit) { k.Keys[1].Print = true },
	} {
		k := kit(t, file, true)
		spoil(&k)
		if text, err := k.Text(); err == nil {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// TestKitOfSets prints which keys open the backups of which databases, in which places.
func TestKitOfSets(t *testing.T) {
	k := kit(t, generate(t), false)
	k.Databases, k.Destinations, k.From = nil, nil, "/etc/litekeep.yaml"
	k.Sets = []keys.KitSet{
		{Databases: []string{"app", "users"}, Destinations: []string{"/var/backups", "s3://far"}, Keys: []int{0, 1, 2}},
		{Databases: []string{"shop"}, Destinations: []string{"/srv/shop"}, Keys: []int{1, 2}},
		{Databases: []string{"cache"}, Destinations: []string{"/srv/cache"}},
	}
	const need = `The service that makes the backups is configured by /etc/litekeep.yaml.
It restores: app, users, shop, cache

WHAT YOU NEED
1. litekeep, the version above or a newer one.
2. One of the places that have the backups of a database, and its credentials:
   app, users
     /var/backups
     s3://far
     with any one of the keys
   shop
     /srv/shop
     with key 2 or 3
   cache
     /srv/cache
     not sealed: without a key
3. A key that opens them:
   1) the key file `
	text, err := k.Text()
	if err != nil || !strings.Contains(string(text), need) || keys.CheckKit(text) != nil {
		t.Errorf("%v, %v\n%s", err, keys.CheckKit(text), text)
	}
	plain := k
	plain.Keys, plain.Sets = nil, k.Sets[2:]
	if text, err := plain.Text(); err != nil || !strings.Contains(string(text), "\n3. No key: no backup is sealed.\n\nWHAT TO DO\n") {
		t.Errorf("%v\n%s", err, text)
	}
	for name, bad := range map[string]keys.KitSet{
		"no database": {Destinations: []string{"/x"}}, "no destination": {Databases: []string{"x"}},
		"a key that is not there": {Databases: []string{"x"}, Destinations: []string{"/x"}, Keys: []int{3}},
		"a negative key":          {Databases: []string{"x"}, Destinations: []string{"/x"}, Keys: []int{-1}},
	} {
		k.Sets = []keys.KitSet{bad}
		if text, err := k.Text(); err == nil {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
