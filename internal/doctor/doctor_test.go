package doctor_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/doctor"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state/outbox"
)

// TestNothingWrong: on a machine where all is well every area says so.
func TestNothingWrong(t *testing.T) {
	w := newWorld(t)
	w.send = true
	seen := map[string]bool{}
	for _, c := range w.run(t.Context()) {
		seen[c.Area] = true
		if c.Status != doctor.OK {
			t.Errorf("%+v", c)
		}
	}
	for _, area := range doctor.Areas() {
		if !seen[area] {
			t.Errorf("nothing is said of %s", area)
		}
	}
	if w.took != 1 {
		t.Errorf("the webhook took %d messages", w.took)
	}
	left, err := os.ReadDir(w.path("backups"))
	if err != nil || len(left) != 1 {
		t.Errorf("it leaves %v in the folder of backups", left)
	}
}

// wrongs are things that can be wrong, one at a time.
var wrongs = []struct {
	name   string
	area   string
	status doctor.Status
	found  string
	spoil  func(*world)
}{
	{"another user", "user", doctor.Warn, "this is user 1000, and the state belongs to user 7", func(w *world) {
		w.machine.Owner = func(fs.FileInfo) (int, bool) { return 7, true }
	}},
	{"root", "user", doctor.Warn, "runs as root", func(w *world) {
		w.machine.User, w.machine.Owner = func() int { return 0 }, func(fs.FileInfo) (int, bool) { return 0, true }
	}},
	{"open state", "state", doctor.Warn, "mode 0755", func(w *world) { w.do(os.Chmod(w.path("state"), 0o755)) }},
	{"open state file", "state", doctor.Warn, "mode 0644", func(w *world) { w.do(os.Chmod(w.path("state/state.db"), 0o644)) }},
	{"state in memory", "state", doctor.Warn, "lies on tmpfs", func(w *world) {
		w.machine.FileSystem = on(w.path("state"), doctor.FileSystem{Name: "tmpfs", Passing: true})
	}},
	{"no service", "service", doctor.Warn, "no service runs here", func(w *world) {
		w.do(w.lock.Unlock())
		w.config = func(c *config.Config) { c.Server.Listen = config.Off }
	}},
	{"another program on the port", "service", doctor.Fail, "something answers, but no service uses", func(w *world) { w.do(w.lock.Unlock()) }},
	{"deaf service", "service", doctor.Fail, "but does not answer", func(w *world) {
		w.config = func(c *config.Config) { c.Server.Listen = "127.0.0.1:1" }
	}},
	{"ill service", "service", doctor.Fail, "the service is not well: the audit log cannot be written", func(w *world) {
		w.ready, w.answer = http.StatusServiceUnavailable, `{"status":"not ok","health":{"problems":["the audit log cannot be written"]}}`
	}},
	{"ill service that says nothing", "service", doctor.Fail, "it answers with 503", func(w *world) { w.ready = http.StatusServiceUnavailable }},
	{"failing backups", "service", doctor.Fail, "app: the last 3 backups failed: page 3: database is damaged", func(w *world) { w.fails(3) }},
	{"one failing backup", "service", doctor.Fail, "app: the last backup failed: page 3: database is damaged", func(w *world) { w.fails(1) }},
	{"failing backups, the database", "databases", doctor.Fail, "app: it was refused when it was last backed up: page 3: database is damaged", func(w *world) { w.fails(3) }},
	{"failing backups, the promise", "promise", doctor.Warn, "can be restored to 1 hour ago, but the last 3 backups failed: page 3", func(w *world) { w.fails(3) }},
	{"trouble of the service", "service", doctor.Fail, "app: the newest backup of app is far smaller than those before: 0 rows", func(w *world) {
		w.trouble(notify.Event{Kind: notify.KindShrunken, Database: "app", Cause: "0 rows", Next: "litekeep info"})
	}},
	{"state that cannot be read", "service", doctor.Warn, "what the service remembers cannot be read", func(w *world) {
		w.do(w.state.Close())
		w.do(os.Truncate(w.path("state/state.db"), 0))
	}},
	{"unreadable database", "databases", doctor.Fail, "may not read", func(w *world) {
		w.machine.MayRead = func(path string) error { return except(path, ".db") }
	}},
	{"unreadable log", "databases", doctor.Fail, "app.db-wal", func(w *world) {
		w.do(os.WriteFile(w.path("data/app.db-wal"), nil, 0o600))
		w.machine.MayRead = func(path string) error { return except(path, "-wal") }
	}},
	{"no database", "databases", doctor.Fail, "no SQLite database", func(w *world) { w.patch(0, []byte("This is some text. ")) }},
	{"WAL-reset bug", "databases", doctor.Warn, "SQLite 3.51.2 wrote to it last, which has the WAL-reset bug", func(w *world) {
		w.patch(18, []byte{2, 2})
		w.patch(96, binary.BigEndian.AppendUint32(nil, 3_051_002))
	}},
	{"WAL over a network", "databases", doctor.Warn, "is a WAL database on nfs", func(w *world) {
		w.patch(18, []byte{2, 2})
		w.machine.FileSystem = on(w.path("data/app.db"), doctor.FileSystem{Name: "nfs", Network: true})
	}},
	{"database over a network", "databases", doctor.Warn, "lies on nfs", func(w *world) {
		w.machine.FileSystem = on(w.path("data/app.db"), doctor.FileSystem{Name: "nfs", Network: true})
	}},
	{"journal left over", "databases", doctor.Warn, "a transaction that was cut off 1 hour ago", func(w *world) {
		name := w.path("data/app.db-journal")
		w.do(os.WriteFile(name, []byte{0xd9, 0xd5, 5}, 0o600))
		w.do(os.Chtimes(name, w.now, w.now.Add(-time.Hour)))
	}},
	{"long log", "databases", doctor.Warn, "its write-ahead log has 300 MiB", func(w *world) {
		w.do(os.WriteFile(w.path("data/app.db-wal"), nil, 0o600))
		w.do(os.Truncate(w.path("data/app.db-wal"), 300<<20))
	}},
	{"open backups", "backups", doctor.Warn, "mode 0750", func(w *world) { w.do(os.Chmod(w.path("backups"), 0o750)) }},
	{"no room for a snapshot", "backups", doctor.Fail, "1.00 KiB free, and app has 8.00 KiB", free(1 << 10)},
	{"little room", "backups", doctor.Warn, "12.0 KiB free, and app has 8.00 KiB", free(12 << 10)},
	{"disk low", "backups", doctor.Warn, "512 MiB free, less than disk_low", free(512 << 20)},
	{"same disk", "backups", doctor.Warn, "same file system as app", func(w *world) {
		w.machine.Device = func(fs.FileInfo) (uint64, bool) { return 1, true }
	}},
	{"backups in a container", "backups", doctor.Warn, "lies on overlay", func(w *world) {
		w.machine.FileSystem = on(w.path("backups"), doctor.FileSystem{Name: "overlay", Passing: true})
	}},
	{"no destination", "destinations", doctor.Fail, "not a directory", func(w *world) {
		w.do(os.RemoveAll(w.path("copy")))
		w.do(os.WriteFile(w.path("copy"), nil, 0o600))
	}},
	{"object without a manifest", "backups", doctor.Warn, "1 object without a manifest, the first ", func(w *world) {
		b := w.backup(w.now.Add(-2 * time.Hour))
		w.do(os.Remove(b.Path + ".manifest.json"))
		w.do(os.Chtimes(b.Path, w.now, w.now.Add(-2*time.Hour)))
	}},
	{"first place away", "backups", doctor.Fail, "is not there, but has held backups since", func(w *world) { w.away("backups") }},
	{"first place away, the promise", "promise", doctor.Fail, "app: its backups cannot be seen", func(w *world) { w.away("backups") }},
	{"first place empty", "backups", doctor.Fail, "is not the folder that has held backups since", func(w *world) {
		w.away("backups")
		w.do(os.Mkdir(w.path("backups"), 0o700))
	}},
	{"copy away", "destinations", doctor.Fail, "is not there, but has held backups since", func(w *world) { w.away("copy") }},
	{"old backup", "promise", doctor.Fail, "its newest verified backup is 3 days old; there should have been one by", func(w *world) {
		w.do(os.RemoveAll(w.path("backups/app")))
		w.backup(w.now.Add(-72 * time.Hour))
	}},
	{"future backup", "promise", doctor.Fail, "from the future", func(w *world) { w.backup(w.now.Add(time.Hour)) }},
	{"no backup", "promise", doctor.Warn, "no backup yet", func(w *world) { w.do(os.RemoveAll(w.path("backups/app"))) }},
	{"unverified backup", "promise", doctor.Warn, "never verified", func(w *world) {
		w.do(os.RemoveAll(w.path("backups/app")))
		w.config = func(c *config.Config) { c.Databases[0].Verify = config.VerifyNone }
		w.backup(w.now.Add(-time.Minute))
		w.config = nil
	}},
	{"another key", "keys", doctor.Fail, "does not open", func(w *world) {
		w.do(os.Remove(w.path("key")))
		w.key("key")
	}},
	{"token that ends", "tokens", doctor.Warn, "bob: the token ends in 3 days", func(w *world) {
		_, _, err := w.tokens.Create(w.t.Context(), access.NewToken{Name: "bob", Role: access.Viewer, Lifetime: 73 * time.Hour})
		w.do(err)
	}},
	{"tokens that ended", "tokens", doctor.Warn, "no token is good any more", func(w *world) {
		_, err := w.tokens.Revoke(w.t.Context(), "ada")
		w.do(err)
	}},
	{"no tokens", "tokens", doctor.Warn, "there is no token", func(w *world) {
		w.do(w.state.Close())
		for _, name := range []string{"state.db", "tokens.made"} {
			w.do(os.Remove(w.path("state/" + name)))
		}
	}},
	{"damaged state", "tokens", doctor.Fail, "tokens cannot be read", func(w *world) {
		w.do(w.state.Close())
		w.do(os.WriteFile(w.path("state/state.db"), []byte(strings.Repeat("damaged ", 1000)), 0o600))
	}},
	{"deaf channel", "channels", doctor.Fail, "was not delivered", func(w *world) {
		w.send = true
		w.config = func(c *config.Config) { c.Notifications.Channels[0].URL = config.NewSecret("http://127.0.0.1:1/hook") }
	}},
	{"no NTP", "clock", doctor.Warn, "nothing keeps the clock right", func(w *world) {
		w.machine.Synchronised = func() (bool, bool) { return false, true }
	}},
	{"few files", "limits", doctor.Warn, "256 files", func(w *world) { w.machine.OpenFiles = func() uint64 { return 256 } }},
}

// on puts one path on a file system.
func on(path string, f doctor.FileSystem) func(string) (doctor.FileSystem, error) {
	return func(p string) (doctor.FileSystem, error) {
		if p == path {
			return f, nil
		}
		return doctor.FileSystem{Name: "ext4"}, nil
	}
}

func except(path, suffix string) error {
	if strings.HasSuffix(path, suffix) {
		return errors.New("permission denied")
	}
	return nil
}

func free(bytes int64) func(*world) {
	return func(w *world) { w.machine.FreeSpace = func(string) (int64, error) { return bytes, nil } }
}

// TestWrong: each thing that is wrong is found, is the only one that is found in its
// area, and tells what to do.
func TestWrong(t *testing.T) {
	for _, c := range wrongs {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.spoil(w)
			w.only = []string{c.area}
			var wrong []doctor.Check
			for _, x := range w.run(t.Context()) {
				if x.Status == doctor.Fail || x.Status == doctor.Warn {
					wrong = append(wrong, x)
				}
			}
			if len(wrong) != 1 {
				t.Fatalf("found %+v", wrong)
			}
			x := wrong[0]
			if x.Area != c.area || x.Status != c.status || !strings.Contains(x.Subject+": "+x.Found, c.found) {
				t.Errorf("%+v", x)
			}
			if x.Means == "" || x.Fix == "" {
				t.Errorf("it does not say what that means, or what to do: %+v", x)
			}
			if strings.ContainsAny(x.Found+x.Means+x.Fix, "\n") {
				t.Errorf("more than one line: %+v", x)
			}
		})
	}
}

// TestTroublesOver: what no longer fails is not told, nor what another service, which
// does not run, has left behind; and the fix is what the service says.
func TestTroublesOver(t *testing.T) {
	w := newWorld(t)
	w.fails(2)
	w.only = []string{"service"}
	if c := w.run(t.Context()); len(c) != 2 || c[1].Fix != "litekeep restore it" {
		t.Errorf("%+v", c)
	}
	w.ran("3", "ok", "")
	w.do(outbox.New(w.state, func() time.Time { return w.now }).DeleteCondition(t.Context(), "database:app", notify.KindFailed))
	w.trouble(notify.Event{Kind: notify.KindFailed, Database: "gone", Next: "none"})
	if c := w.run(t.Context()); len(c) != 1 || c[0].Status != doctor.OK || !strings.HasSuffix(c[0].Found, "and is well") {
		t.Errorf("%+v", c)
	}
	w.trouble(notify.Event{Kind: notify.KindVerificationFailed, Database: "app", Place: "/second", Next: "none"})
	if c := w.run(t.Context()); len(c) != 2 || c[1].Subject != "app in /second" {
		t.Errorf("%+v", c)
	}
	w.ran("4", "refused", "page 3: database is damaged")
	w.do(w.lock.Unlock())
	w.only = []string{"databases", "promise"}
	for _, c := range w.run(t.Context()) {
		if c.Status != doctor.OK {
			t.Errorf("%+v", c)
		}
	}
}

// TestDestinationNotYet: a folder that never held backups is made by the first.
func TestDestinationNotYet(t *testing.T) {
	w := newWorld(t)
	w.do(os.RemoveAll(w.path("copy")))
	w.only = []string{"destinations"}
	if c := w.run(t.Context()); len(c) != 1 || c[0].Status != doctor.Skip || c[0].Found != "is not there yet" || c[0].Means != "the first backup makes it" || c[0].Fix != "" {
		t.Errorf("%+v", c)
	}
}

// TestNotTried: what was not tried is not called well.
func TestNotTried(t *testing.T) {
	w := newWorld(t)
	w.yaml = strings.Replace(strings.Replace(w.yaml, "keys: [\"file:key\"]", "sealed: false", 1), ", \"file://", "] #", 1)
	w.only = []string{"keys", "destinations", "channels"}
	var areas []string
	for _, c := range w.run(t.Context()) {
		if c.Status != doctor.Skip {
			t.Errorf("%+v", c)
		}
		areas = append(areas, c.Area)
	}
	if !slices.Equal(areas, []string{"destinations", "keys", "channels"}) || w.took != 0 {
		t.Error(areas, w.took)
	}
}

// TestConfigFindings: what config check finds is found here too.
func TestConfigFindings(t *testing.T) {
	w := newWorld(t)
	w.do(os.Remove(w.path("key")))
	w.only = []string{"config"}
	checks := w.run(t.Context())
	if len(checks) != 1 || checks[0].Status != doctor.Fail || checks[0].Subject != "databases.app.keys.0" {
		t.Errorf("%+v", checks)
	}
}

// TestCancelled: what is asked to stop does not go on.
func TestCancelled(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if checks := w.run(ctx); len(checks) != 0 {
		t.Error(checks)
	}
}
