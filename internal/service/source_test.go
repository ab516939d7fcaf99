package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestSourceTrouble: what is wrong with a database itself is told with what mends it,
// where another backup could only fail again; after a restart of the service too.
func TestSourceTrouble(t *testing.T) {
	const restore = "litekeep restore 20000101T000000.000Z.json.zst --database app --reason 'the database is damaged' --server http://127.0.0.1:8420"
	const again = "litekeep backup app --server http://127.0.0.1:8420"
	for name, c := range map[string]struct {
		cause    error
		severity notify.Severity
		hint     string
		next     string
	}{
		"damaged":       {fmt.Errorf("page 3: %w", sqlitefile.ErrCorrupt), notify.Critical, ".recover", restore},
		"damaged again": {engine.ErrCorrupt, notify.Critical, ".recover", restore},
		"overwritten":   {engine.ErrNotADatabase, notify.Critical, ".recover", restore},
		"gone":          {&fs.PathError{Op: "stat", Path: "/srv/app.db", Err: fs.ErrNotExist}, notify.Warning, "was it moved or deleted?", "litekeep config check --config '/etc/lite keep.yaml'"},
		"no key":        {&litekeep.Error{Op: "encryption key", Kind: litekeep.ErrConfig, Err: fs.ErrPermission}, notify.Warning, "there and untouched", "litekeep config check --config '/etc/lite keep.yaml'"},
		"other":         {litekeep.ErrRefused, notify.Warning, "the hint", again},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "server: {listen: \"127.0.0.1:8420\"}\ndatabases:\n"+database("app", "0 12 * * *"))
				w.file = "/etc/lite keep.yaml"
				w.plays["app"].takes = time.Second
				w.plays["app"].fail = func(n int) error {
					if n == 1 {
						return nil
					}
					if isKeyError(c.cause) {
						return c.cause
					}
					return &litekeep.Error{Op: "backup", Kind: litekeep.ErrRefused, Err: c.cause, Hint: "the hint"}
				}
				w.start()
				time.Sleep(16 * time.Hour)
				if x := w.o.Teller.Troubles(); len(x) == 0 || x[0].Kind != notify.KindFailed || x[0].Event.Severity != c.severity || x[0].Event.Next != c.next {
					t.Errorf("told %+v", x)
				}
				time.Sleep(24 * time.Hour)
				w.stop()
				w.start()
				defer w.stop()
				time.Sleep(12 * time.Hour)
				st, err := w.Database(context.Background(), admin, "app")
				if err != nil || st.Condition != ConditionFailing && st.Condition != ConditionOverdue {
					t.Fatalf("%+v, %v", st, err)
				}
				for _, p := range st.Problems {
					if p.Next != c.next {
						t.Errorf("%s: next is %s", p.Kind, p.Next)
					}
				}
				troubles := w.o.Teller.Troubles()
				if len(troubles) == 0 {
					t.Error("nothing is told")
				}
				for _, x := range troubles {
					if x.Event.Next != c.next || !strings.Contains(x.Event.Hint, c.hint) {
						t.Errorf("%s, %s: %s; next %s", x.Kind, x.Event.Severity, x.Event.Hint, x.Event.Next)
					}
				}
			})
		})
	}
}

// TestDamagedWithoutBackup: where there is nothing to restore, what can be read is saved.
func TestDamagedWithoutBackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		w.plays["app"].fail = func(int) error {
			return &litekeep.Error{Op: "backup", Kind: litekeep.ErrRefused, Err: engine.ErrCorrupt}
		}
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		st, err := w.Database(context.Background(), admin, "app")
		if err != nil || len(st.Problems) == 0 || !strings.HasSuffix(st.Problems[0].Next, " .recover") {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// keyless is a play whose key cannot be read.
type keyless struct{ *play }

func (k keyless) ListBackups(context.Context) ([]*litekeep.Backup, error) {
	return nil, &litekeep.Error{Op: "encryption key", Kind: litekeep.ErrConfig, Err: errors.New("key file:/etc/key: permission denied")}
}

// TestUnreadableKey: a key that cannot be read is not told to be a loss of backups, which
// are there and can be listed without; and it is no news when it is back.
func TestUnreadableKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n  - {name: app, path: app.db, schedule: \"0 12 * * *\", keys: [\"file:/etc/key\"]}\n")
		lost := true
		w.core = func(c litekeep.Config) Core {
			if lost && len(c.Keys) > 0 {
				return keyless{w.play(c.Name)}
			}
			return w.play(c.Name)
		}
		w.plays["app"].backups = []*litekeep.Backup{{Path: "/played/app/x", Timestamp: time.Now(), Verified: time.Now(), Locked: true}}
		w.start()
		time.Sleep(5 * time.Minute)
		st, err := w.Database(context.Background(), admin, "app")
		if err != nil || st.Condition != ConditionFailing || st.RestorableTo.IsZero() || st.Count == 0 || len(st.Problems) != 1 {
			t.Fatalf("%+v, %v", st, err)
		}
		p := st.Problems[0]
		if p.Summary != "The key cannot be read: key file:/etc/key: permission denied" || !strings.HasPrefix(p.Holds, "The backups are there and untouched. With the key you can restore to ") || p.Next != "litekeep config check" {
			t.Errorf("%+v", p)
		}
		if told := w.events.all(); len(told) > 0 {
			t.Errorf("told %v", told)
		}
		w.stop()
		lost = false
		w.start()
		defer w.stop()
		if st, err := w.Database(context.Background(), admin, "app"); err != nil || st.Condition != ConditionOK {
			t.Errorf("%+v, %v", st, err)
		}
	})
}
