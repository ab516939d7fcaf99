package litekeep_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
)

// TestRecoveryKitOf names the places and keys of each database, those of several once,
// and a restore from each place that works.
func TestRecoveryKitOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two, near, far := "file:"+filepath.Join(dir, "one"), "file:"+filepath.Join(dir, "two"), filepath.Join(dir, "near"), "s3://bucket/far?region=x"
	for _, ref := range []string{one, two} {
		if _, err := litekeep.NewKeyFile(strings.TrimPrefix(ref, "file:")); err != nil {
			t.Fatal(err)
		}
	}
	at := newCalendar()
	config := func(name string, places []string, keys ...string) litekeep.Config {
		return litekeep.Config{Name: name, BackupDirectory: places[0], Copies: places[1:], Keys: keys}
	}
	text, err := litekeep.RecoveryKitOf(t.Context(), "/etc/litekeep.yaml", []litekeep.Config{
		config("app", []string{near, far}, one, two), config("shop", []string{near}, two), config("users", []string{near, far}, one, two), config("cache", []string{near}),
	}, false, at.option())
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, want := range []string{
		"configured by /etc/litekeep.yaml.\n", "\n   app, users\n     " + near + "\n     " + far + "\n     with any one of the keys\n   shop\n     " + near + "\n     with key 2\n" +
			"   cache\n     " + near + "\n     not sealed",
		"litekeep restore " + near + "/app restored-app.db --key " + one + "\nThe same from " + far + ":\n  litekeep restore 's3://bucket/far/app?region=x' restored-app.db --key " + one + "\n",
		"litekeep restore 's3://bucket/far/users?region=x' restored-users.db --key " + one + "\n",
		"litekeep restore " + near + "/shop restored-shop.db --key " + two + "\n", "litekeep restore " + near + "/cache restored-cache.db\n",
		"litekeep key check --dir " + near + " --key " + two + "\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, once := range []string{"1) the key file ", "2) the key file ", "litekeep list --dir "} {
		if n := strings.Count(page, once); n != 1 {
			t.Errorf("%q is there %d times", once, n)
		}
	}
	if strings.Contains(page, "3) ") || strings.Contains(page, "key: ") {
		t.Error(page)
	}
	if _, err := litekeep.RecoveryKitOf(t.Context(), "", []litekeep.Config{config("app", []string{near}, one+".missing")}, false); err == nil {
		t.Error("a key that cannot be read")
	}
	if _, err := litekeep.RecoveryKitOf(t.Context(), "", []litekeep.Config{config("a/b", []string{near}, one)}, false); !errors.Is(err, litekeep.ErrConfig) {
		t.Errorf("a wrong name: %v", err)
	}
}
