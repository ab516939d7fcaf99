package litekeep

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
)

// NewKeyFile makes a random key and stores it in a new file at path, which its
// owner alone can read. It returns the fingerprint of the key. An existing file
// is left alone; the error matches fs.ErrExist then.
func NewKeyFile(path string) (id string, err error) {
	k, err := keys.Generate()
	if err == nil {
		err = k.WriteFile(path)
	}
	if errors.Is(err, fs.ErrExist) {
		return "", &Error{Op: "key new", Path: path, Err: fs.ErrExist, Hint: "choose another path: what is sealed under a key is lost with it"}
	}
	if err != nil {
		return "", explain("key new", path, err)
	}
	return k.ID(), nil
}

// KeyUse says which keys open one backup.
type KeyUse struct {
	Path     string // of the object
	Database string
	Time     time.Time
	Sealed   bool
	Keys     []KeyRecord // none for a backup that is not sealed
	Problem  string      // why the keys are not known, "" if they are
}

// KeyRecord is one key that opens a backup, as the backup names it. It holds no
// secret.
type KeyRecord struct {
	Type      string // file, passphrase or kms
	ID        string // fingerprint, 16 hexadecimal digits; that of a passphrase differs from run to run
	URL       string // of a key in a key management service
	Rewrapped bool   // it opens the backup since a rotation
}

// ListKeys tells for the backups that ListBackups lists which keys open them. It
// needs no key.
func (s *Service) ListKeys(ctx context.Context) ([]KeyUse, error) {
	var all []KeyUse
	err := s.eachBackup(ctx, func(at place, b *Backup) error {
		all = append(all, keyUse(ctx, at, b))
		return nil
	})
	return all, err
}

// eachBackup calls each for every backup that is listed, without opening any.
func (s *Service) eachBackup(ctx context.Context, each func(place, *Backup) error) error {
	if err := s.cfg.Validate(); err != nil {
		return err
	}
	names, err := s.names()
	if err != nil {
		return explain("list", s.cfg.BackupDirectory, err)
	}
	for _, name := range names {
		list, err := s.list(ctx, name, false)
		if err != nil {
			return explain("list", filepath.Join(s.cfg.BackupDirectory, name), err)
		}
		for _, b := range list {
			if err := each(s.place(b.Path), b); err != nil {
				return err
			}
		}
	}
	return nil
}

func keyUse(ctx context.Context, at place, b *Backup) KeyUse {
	u := KeyUse{Path: b.Path, Database: b.Database, Time: b.Timestamp, Sealed: b.Sealed, Problem: b.Problem}
	r, err := readRecord(ctx, at)
	if err != nil || r.sealed == nil {
		if err != nil {
			u.Problem = err.Error()
		}
		return u
	}
	u.add(r.header.Records(), false)
	for n := 1; ; n++ {
		x, err := readRewrap(ctx, at, n)
		if errors.Is(err, fs.ErrNotExist) {
			return u
		}
		if err != nil {
			u.Problem = at.name() + manifest.KeysSuffix(n) + ": " + err.Error()
			continue
		}
		u.add(x.Records(), true)
	}
}

// add adds keys that are not known yet.
func (u *KeyUse) add(records []keys.Record, rewrapped bool) {
next:
	for _, r := range records {
		for _, k := range u.Keys {
			if k.Type == r.Type && k.ID == r.ID {
				continue next
			}
		}
		u.Keys = append(u.Keys, KeyRecord{Type: r.Type, ID: r.ID, URL: r.URL, Rewrapped: rewrapped})
	}
}

// KeyCheck is the outcome of trying one key on one backup.
type KeyCheck struct {
	Key      string // the reference
	Database string
	Path     string // of the backup
	OK       bool
	Problem  string // why not
	Err      error  // the same, nil if OK
}

// CheckKeys is the drill of the keys: it opens the newest sealed backup of each
// database with each key of the Config alone, and reads a frame of it. All are
// tried; the error is that of the first that failed. Without any sealed backup
// the error matches ErrNoBackup, without a key ErrNoKey.
func (s *Service) CheckKeys(ctx context.Context) ([]KeyCheck, error) {
	newest, err := s.newestSealed(ctx)
	if err != nil {
		return nil, err
	}
	ring, err := s.ring(ctx, false)
	if err != nil {
		return nil, err
	}
	if len(ring) == 0 {
		return nil, &Error{Op: "key check", Kind: ErrNoKey, Err: errors.New("no key was given"), Hint: "--key names the key, and LITEKEEP_KEYS"}
	}
	var all []KeyCheck
	var first error
	for _, b := range newest {
		for i, k := range ring {
			err := explain("key check", b.Path, s.tryKey(ctx, s.place(b.Path), k))
			if ctx.Err() != nil {
				return nil, explain("key check", b.Path, ctx.Err())
			}
			c := KeyCheck{Key: s.cfg.Keys[i], Database: b.Database, Path: b.Path, OK: err == nil, Err: err}
			if err != nil {
				c.Problem = cause(err).Error()
				if first == nil {
					first = err
				}
			}
			all = append(all, c)
		}
	}
	return all, first
}

// newestSealed returns the newest sealed backup of each database.
func (s *Service) newestSealed(ctx context.Context) ([]*Backup, error) {
	var newest []*Backup
	err := s.eachBackup(ctx, func(_ place, b *Backup) error {
		if n := len(newest); b.Sealed && b.Problem == "" && (n == 0 || newest[n-1].Database != b.Database) {
			newest = append(newest, b)
		}
		return nil
	})
	if err == nil && len(newest) == 0 {
		err = &Error{Op: "key check", Path: s.cfg.BackupDirectory, Err: ErrNoBackup, Hint: "there is no sealed backup here; `litekeep backup --key REF` makes one"}
	}
	return newest, err
}

// tryKey opens a backup with one key and reads its first frame of content.
func (s *Service) tryKey(ctx context.Context, at place, k keys.Key) error {
	alone := *s
	alone.keys = &keyring{opening: []keys.Key{k}}
	alone.cfg.Keys = []string{"the key at hand"} // so that the ring counts
	b, err := alone.open(ctx, at)
	if err != nil {
		return err
	}
	defer b.close()
	return b.read(ctx, 1, 1, archive.ReadOptions{}, func(archive.Text) error { return nil })
}
