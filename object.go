package litekeep

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/vault"
)

// object is a backup's object while it is written: under a name that is no
// backup's, until publish.
type object struct {
	disk    durable.Disk
	file    *os.File
	partial string
	final   string
	written int64
	behind  durable.WriteBehind
	done    bool
}

// createObject chooses the name: the time of the run, or the next free
// millisecond.
func (r *run) createObject() (*object, error) {
	for {
		name := manifest.ObjectName(r.started, r.s.cfg.Compression)
		if r.s.cfg.sealed() {
			name += manifest.SealedSuffix
		}
		final := filepath.Join(r.folder, name)
		if _, err := os.Lstat(final); err == nil {
			r.started = r.started.Add(time.Millisecond)
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		o := &object{disk: r.s.disk, final: final, partial: final + durable.TempSuffix}
		var err error
		o.file, err = r.s.disk.Create(o.partial)
		return o, err
	}
}

// Write writes to the object.
func (o *object) Write(b []byte) (int, error) {
	n, err := o.file.Write(b)
	o.written += int64(n)
	o.behind.Written(o.file, o.written)
	return n, err
}

// publish gives the object its name.
func (o *object) publish() error {
	if err := o.file.Close(); err != nil {
		return err
	}
	if err := o.disk.Publish(o.partial, o.final); err != nil {
		return err
	}
	o.done = true
	return nil
}

// discard removes the object unless it was published. The next run removes what
// this cannot.
func (o *object) discard() {
	if !o.done {
		_ = o.file.Close()
		_ = os.Remove(o.partial)
	}
}

// takeBack removes a published object that no manifest could be written for,
// and its pin.
func (o *object) takeBack() error {
	err := os.Remove(o.final + vault.PinSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.Remove(o.final))
}
