package config

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/retention"
)

// Finding is something on this machine that does not fit a configuration.
type Finding struct {
	// Key leads to what it is about: "databases.app.path".
	Key     string `json:"key"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Warning is true for what does not keep anything from working.
	Warning bool `json:"warning"`
}

// Outlook says what the service would do with one database, and when.
type Outlook struct {
	Database *Database
	// Runs are the moments of the next runs, delay included; none if the schedule is off.
	Runs []time.Time
	// Overdue is when it would be overdue for the first time if no run succeeded from
	// now on, zero for never.
	Overdue time.Time
	// Plan is what a backup would do now, nil if there is a Finding about that.
	Plan *litekeep.BackupPlan
}

// CheckOptions are what Check looks with.
type CheckOptions struct {
	File string // path of the configuration, "" if it is in none
	Now  time.Time
	Env  func(string) (string, bool)
	Runs int // how many of the next runs to tell
}

// Check looks whether this machine is what the configuration wants: files that can be
// read, folders that can be written to, keys that can be opened; and says what would
// happen when. It opens no database, calls no other machine and changes nothing.
func (c *Config) Check(ctx context.Context, o CheckOptions) ([]Finding, []Outlook) {
	k := &checker{CheckOptions: o, ctx: ctx}
	k.folder("state", c.State)
	k.certificate(c.Server.TLS)
	k.secrets(c)
	if len(c.Notifications.Channels) == 0 {
		k.warn("notifications.channels", "add a channel", "nobody is told when something goes wrong")
	}
	k.patterns(c)
	k.sameFiles(c)
	outlooks := make([]Outlook, len(c.Databases))
	for i := range c.Databases {
		outlooks[i] = k.database(&c.Databases[i])
	}
	return k.found, outlooks
}

type checker struct {
	CheckOptions
	ctx   context.Context
	found []Finding
}

func (k *checker) fail(key, hint, format string, args ...any) {
	k.add(Finding{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (k *checker) warn(key, hint, format string, args ...any) {
	k.add(Finding{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint, Warning: true})
}

// add adds a finding, once: databases share folders and keys.
func (k *checker) add(f Finding) {
	for _, old := range k.found {
		if old.Message == f.Message && lastKey(old.Key) == lastKey(f.Key) {
			return
		}
	}
	k.found = append(k.found, f)
}

// folder checks that a folder can be written to, or made.
func (k *checker) folder(key, path string) {
	at := path
	for {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && filepath.Dir(at) != at:
			at = filepath.Dir(at)
			continue
		case err != nil:
			k.fail(key, "", "look at %s: %v", path, cause(err))
		case !info.IsDir():
			k.fail(key, "", "%s is not a folder", at)
		default:
			if err := mayWrite(at); err != nil && at == path {
				k.fail(key, "", "this user may not write to %s: %v", path, err)
			} else if err != nil {
				k.fail(key, "make it as a user who may, for the one that the service runs as", "%s does not exist, and this user may not make it", path)
			}
		}
		return
	}
}

// cause is an error without the path that the message has already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// expiring is how long before its end a certificate is worth a word.
const expiring = 14 * day

func (k *checker) certificate(t TLS) {
	if t.Certificate == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		k.fail("server.tls", "", "%v", err)
		return
	}
	switch end := pair.Leaf.NotAfter; {
	case end.Before(k.Now):
		k.fail("server.tls.certificate", "", "%s ended on %s", t.Certificate, end.Format(time.DateOnly))
	case end.Before(k.Now.Add(expiring)):
		k.warn("server.tls.certificate", "", "%s ends on %s", t.Certificate, end.Format(time.DateOnly))
	}
	if info, err := os.Stat(t.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
		k.warn("server.tls.key", "run `chmod o= "+human.ShellWord(t.Key)+"`", "everybody on this machine can read %s", t.Key)
	}
}

// secrets warns of secrets in a file that others can read.
func (k *checker) secrets(c *Config) {
	info, err := os.Stat(k.File)
	if k.File == "" || err != nil || info.Mode().Perm()&0o077 == 0 {
		return
	}
	for _, ch := range c.Notifications.Channels {
		for _, s := range []Secret{ch.Password, ch.URL, ch.Secret, ch.StartURL, ch.FailureURL} {
			if s.IsSet() && s.Literal() {
				k.warn("notifications.channels."+ch.Name, "run `chmod 600 "+human.ShellWord(k.File)+"`, or use ${VARIABLE} or file:PATH",
					"%s holds secrets, and others than its owner can read it", k.File)
			}
		}
	}
}

// patterns tells what patterns could not make databases of, and which have brought none.
func (k *checker) patterns(c *Config) {
	for _, m := range c.Misfits {
		k.fail("databases."+m.Match+".match", m.Hint, "%s: %s", m.Path, m.Message)
	}
	for _, p := range c.Patterns {
		if !slices.ContainsFunc(c.Databases, func(db Database) bool { return db.Match == p.Match }) {
			k.warn("databases."+p.Match+".match", "is it spelt right, and may the user of the service read the folder?", "%s matches no file yet", p.Match)
		}
	}
	if len(c.Patterns) == 0 {
		return // Parse knows all names
	}
	for _, ch := range c.Notifications.Channels {
		for _, name := range ch.Databases {
			if c.Database(name) == nil {
				k.warn("notifications.channels."+ch.Name+".databases", "", "there is no database %s yet", name)
			}
		}
	}
}

// sameFiles finds databases with two names, by symbolic or hard links.
func (k *checker) sameFiles(c *Config) {
	infos := make([]fs.FileInfo, len(c.Databases))
	for i, db := range c.Databases {
		info, err := os.Stat(db.Path)
		if err != nil {
			continue
		}
		infos[i] = info
		for j, other := range infos[:i] {
			if other != nil && os.SameFile(info, other) {
				k.fail(dbKey(&db, "path"), "", "%s and %s are the same file", c.Databases[j].Path, db.Path)
			}
		}
	}
}

func dbKey(db *Database, name string) string { return "databases." + db.Name + "." + name }

func (k *checker) database(db *Database) Outlook {
	o := Outlook{Database: db, Overdue: db.OverdueAt(k.Now)}
	if slots := db.Slots(); slots != nil {
		for at := k.Now.Add(-db.Delay()); len(o.Runs) < k.Runs; {
			if at = slots.Next(at); at.IsZero() {
				break
			}
			o.Runs = append(o.Runs, at.Add(db.Delay()))
		}
	} else {
		k.warn(dbKey(db, "schedule"), "", "%s is backed up only when somebody asks for it", db.Name)
	}
	k.file(db)
	o.Plan = k.plan(db)
	for _, text := range db.Destinations {
		if folder := folderOf(text); folder != "" {
			k.folder(dbKey(db, "destinations"), folder)
		} else if err := destination.Check(text); err != nil {
			k.fail(dbKey(db, "destinations"), "", "%v", err)
		}
	}
	if db.Temp != "" {
		k.folder(dbKey(db, "temp"), db.Temp)
	}
	k.keys(db)
	if db.Verify == VerifyNone {
		k.warn(dbKey(db, "verify"), "use read-back", "no backup of %s counts as verified: none is ever pruned, and the database will be overdue", db.Name)
	}
	return o
}

// file checks that a database can be read.
func (k *checker) file(db *Database) {
	info, err := os.Stat(db.Path)
	switch {
	case db.Gone:
		k.fail(dbKey(db, "path"), "if it was deleted on purpose, add "+db.Name+" to except:", "the file is gone: %s", db.Path)
	case err != nil:
		k.fail(dbKey(db, "path"), "", "look at %s: %v", db.Path, cause(err))
	case !info.Mode().IsRegular():
		k.fail(dbKey(db, "path"), "", "%s is not a file", db.Path)
	default:
		if err := mayRead(db.Path); err != nil {
			k.fail(dbKey(db, "path"), "", "this user may not read %s: %v", db.Path, err)
		}
	}
}

// plan asks the library what a backup would do. What it finds wrong with the file was
// found already.
func (k *checker) plan(db *Database) *litekeep.BackupPlan {
	plan, err := litekeep.New(db.Core()).PlanBackup(k.ctx)
	if err == nil {
		return plan
	}
	if _, noFile := os.Stat(db.Path); noFile == nil && !errors.Is(err, litekeep.ErrRefused) {
		hint := ""
		var lib *litekeep.Error
		if errors.As(err, &lib) {
			hint = lib.Hint
		}
		k.fail(dbKey(db, "path"), hint, "%v", err)
	}
	return nil
}

// keys opens the keys that are on this machine. Key management services are not called.
func (k *checker) keys(db *Database) {
	for i, ref := range db.Keys {
		at := dbKey(db, "keys."+strconv.Itoa(i))
		source, err := keys.ParseSource(ref)
		if err == nil && !source.KMS() {
			_, err = source.Open(k.ctx, keys.Inputs{LookupEnv: k.Env})
		}
		if err != nil {
			k.fail(at, "", "%v", err)
		}
	}
}

// Words says what a retention keeps, for people.
func (r Retention) Words() string {
	return retention.Words(retention.Policy{
		KeepWithin: r.Within, KeepLast: r.Last, KeepHourly: r.Hourly, KeepDaily: r.Daily, KeepWeekly: r.Weekly,
		KeepMonthly: r.Monthly, KeepYearly: r.Yearly, KeepMinimum: r.Minimum,
	}, r.Trash)
}
