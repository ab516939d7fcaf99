package litekeep

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// A follower reads an object back while it is being written, a few frames behind
// the writer: the hash of an object can be taken by one core alone, and after the
// last frame the others would have nothing to do. Each frame must be the text as
// it was encoded, by the imprint that was taken of it together with its SHA-256;
// the structure of the document and all counts must be right.
type follower struct {
	s       *Service
	object  *object
	header  *seal.Header // nil for a plain object
	reader  *archive.Reader
	whole   hash.Hash // of the object
	checker checker
	read    int64 // bytes of the object
	// What was written and not yet given to reader, in order.
	waiting []archive.StoredFrame
	// A large frame was written. It and all that follow are read when the writer
	// is done and its memory is free.
	late bool
	// All is written, so that progress is told of here.
	written atomic.Bool
}

// follow starts to read o back. The run's sealer must be that of o.
func (r *run) follow(ctx context.Context, o *object) *follower {
	f := &follower{s: r.s, object: o, whole: sha256.New()}
	options := archive.ReadOptions{Workers: 1, Whole: f.whole}
	if r.sealer != nil {
		options.Opener, f.header = r.sealer.Opener(), r.sealer.Header()
		f.whole.Write(f.header.Text())
	}
	f.reader = archive.NewReader(ctx, o.file, frame.Compression(r.s.cfg.compression()), options, f.text)
	return f
}

// stopFollower gives up to read back an object, unless that is done.
func (r *run) stopFollower() {
	if r.follower != nil {
		r.follower.reader.Stop()
	}
}

// wrote takes the next frame, whose bytes are written or about to be.
func (f *follower) wrote(stored archive.StoredFrame) error {
	f.waiting = append(f.waiting, stored)
	f.late = f.late || stored.Large()
	if f.late {
		return nil
	}
	return f.catchUp()
}

// catchUp hands over the frames that are in the file.
func (f *follower) catchUp() error {
	for len(f.waiting) > 0 && f.waiting[0].Offset+f.waiting[0].Stored <= f.object.written {
		if err := f.reader.Add(f.waiting[0]); err != nil {
			return f.explain(err)
		}
		f.waiting = f.waiting[1:]
	}
	return nil
}

// text takes the text of a frame that was read back.
func (f *follower) text(t archive.Text) error {
	f.read += t.Stored
	if f.written.Load() {
		f.s.progress(Progress{Phase: "verify", Bytes: f.read, Total: f.object.written})
	}
	return f.checker.frame(t)
}

// finish reads the rest, now that all is written, compares what was read with m
// and completes it.
func (f *follower) finish(m *manifest.Manifest) error {
	f.written.Store(true)
	err := f.catchUp()
	if err == nil {
		err = f.explain(f.compare(m))
	}
	if err == nil {
		m.Stored.SHA256 = manifest.Hash(f.whole.Sum(nil))
	}
	return err
}

func (f *follower) compare(m *manifest.Manifest) error {
	if err := f.reader.Close(); err != nil {
		return err
	}
	o, err := newLocalObject(f.object.file)
	if err != nil {
		return err
	}
	if err := checkSize(o.Size(), m.Stored); err != nil {
		return err
	}
	if err := checkHeader(o, f.header); err != nil {
		return err
	}
	return f.checker.compare(m)
}

func (f *follower) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read back %s: %w", f.object.final, err)
}
