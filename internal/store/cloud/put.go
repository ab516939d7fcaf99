package cloud

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// contentType is the same for all objects: nothing tells what is in them.
const contentType = "application/octet-stream"

const (
	// minPart is the least that S3 takes as a part.
	minPart = 5 << 20
	// maxParts is what S3 takes at most; the rest up to 10 000 is for guesses
	// that were too low.
	maxParts = 9000
	// unknownPart is the part of an upload of unknown size: up to 58 GiB.
	unknownPart = 6 << 20
	// afterwards is how long we ask what became of an upload whose context
	// has ended.
	afterwards = 30 * time.Second
)

// upload is one Put on its way.
type upload struct {
	token string
	until time.Time // retention date, zero for none
	mode  string    // of the retention
	part  int64     // bytes
	wide  int       // parts at a time

	// sums computes what the store will say of the content. The provider sets
	// it.
	sums hash.Hash
	// want returns the checksum that m should have; ok is false when sums
	// cannot tell. The provider sets it.
	want func(m meta) (sum store.Checksum, ok bool)
	// gentle says that the SDK never commits after a failed read, so that what
	// is under way need not be cut off. The provider may set it.
	gentle bool
	// atEnd is called when all has been read, before the object is committed.
	// The provider may set it.
	atEnd func()
}

// partSize divides guess bytes so that parts and memory stay few.
func partSize(guess int64) (part int64, wide int) {
	const mib = 1 << 20
	part = unknownPart
	if guess > 0 {
		part = max(minPart, (guess/maxParts/mib+1)*mib)
	}
	// Each part that is on its way is in memory, and one more.
	return part, int(max(1, min(3, 18*mib/part)))
}

// Put implements store.Store. It keeps about 25 MiB in memory.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	return s.put(ctx, key, r, 0, s.retention())
}

// PutSized implements store.SizedPutter. Above 45 GiB the memory that it takes
// grows with guess: two parts of guess / 9000.
func (s *Store) PutSized(ctx context.Context, key string, r io.Reader, guess int64) error {
	return s.put(ctx, key, r, guess, s.retention())
}

// PutUntil implements store.Locker.
func (s *Store) PutUntil(ctx context.Context, key string, r io.Reader, until time.Time) error {
	if s.location.scheme != "s3" {
		return wrap("put", key, fmt.Errorf("lock: %w: only s3:// has locks here", errors.ErrUnsupported))
	}
	return s.put(ctx, key, r, 0, until)
}

// retention returns the date until which what is put now is locked.
func (s *Store) retention() time.Time {
	if s.location.lock == 0 {
		return time.Time{}
	}
	return s.options.Now().Add(s.location.lock).UTC().Truncate(time.Second)
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, guess int64, until time.Time) error {
	if err := s.check(ctx, "put", key); err != nil {
		return err
	}
	switch _, err := s.head(ctx, key); {
	case err == nil:
		return wrap("put", key, store.ErrExist)
	case !errors.Is(err, store.ErrNotExist):
		return wrap("put", key, err)
	}
	u := &upload{token: rand.Text(), until: until, mode: s.location.lockMode}
	if !until.IsZero() && u.mode == "" {
		u.mode = "GOVERNANCE" // the one that an administrator can lift
	}
	u.part, u.wide = partSize(guess)
	options := s.provider.upload(u)
	options.ContentType = contentType
	options.IfNotExist = s.location.conditional
	options.Metadata = map[string]string{metaToken: u.token, metaPart: strconv.FormatInt(u.part, 10)}

	sendCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	src := &source{ctx: ctx, cancel: cancel, from: r, upload: u}
	err := s.bucket.Upload(sendCtx, s.location.prefix+key, src, options)
	if err != nil {
		s.abandon(ctx, key, err)
	}
	if err != nil && ctx.Err() == nil && src.failed == nil {
		err = s.explain(ctx, err) // not sendCtx: an SDK error is why that ended
	}
	return wrap("put", key, s.settle(ctx, key, u, src, err))
}

// abandon sees to it that no parts stay, even when ctx has ended.
func (s *Store) abandon(ctx context.Context, key string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	s.provider.abandon(ctx, s.location.prefix+key, err)
}

// settle finds out what became of an upload that ended with sendErr, and makes
// it true: either the object is there, whole and ours, or nothing of ours is.
func (s *Store) settle(ctx context.Context, key string, u *upload, src *source, sendErr error) error {
	why := sendErr
	switch {
	case src.failed != nil:
		why = src.failed
	case ctx.Err() != nil:
		why = ended(ctx)
	case sendErr == nil && !src.ended:
		why = fmt.Errorf("%w: the upload ended before the content did", store.ErrDamaged)
	}
	// Even when ctx has ended, what was left must be found.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	m, err := s.awaitHead(after, key, why == nil)
	switch {
	case errors.Is(err, store.ErrNotExist) && why == nil:
		return fmt.Errorf("%w: the upload was answered with success, but the object is not there", store.ErrDamaged)
	case errors.Is(err, store.ErrNotExist) && errors.Is(why, errPrecondition):
		return fmt.Errorf("%w, says the server, but it cannot be found; where a bucket keeps versions, a deleted one may stand in the way: use versions=delete", store.ErrExist)
	case errors.Is(err, store.ErrNotExist):
		return presentable(why)
	case err != nil && why != nil:
		return presentable(why)
	case err != nil:
		return fmt.Errorf("look at what was stored: %w", err)
	case m.token != u.token:
		// Somebody else's. When our upload seemed to succeed, the server
		// let another overwrite it.
		if src.failed == nil && ctx.Err() == nil {
			return store.ErrExist
		}
		return presentable(why)
	case !src.ended:
		return errors.Join(presentable(why), s.discard(ctx, key, m))
	}
	if err := s.prove(ctx, key, u, src, m); err != nil {
		return errors.Join(err, s.discard(ctx, key, m))
	}
	return nil
}

// presentable turns what only this package knows into a sentinel of store.
func presentable(err error) error {
	if errors.Is(err, errPrecondition) {
		return store.ErrExist
	}
	return err
}

// awaitHead describes an object. One that was just stored gets a while to show.
func (s *Store) awaitHead(ctx context.Context, key string, expected bool) (meta, error) {
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		m, err := s.head(ctx, key)
		if !expected || !errors.Is(err, store.ErrNotExist) || pause > 2*time.Second {
			return m, err
		}
		if sleep(ctx, pause) != nil {
			return m, err
		}
	}
}

// prove compares what the store has with what was sent.
func (s *Store) prove(ctx context.Context, key string, u *upload, src *source, m meta) error {
	if m.size != src.n {
		return fmt.Errorf("%w: %d bytes instead of %d", store.ErrDamaged, m.size, src.n)
	}
	if !u.until.IsZero() && m.until.Before(u.until) {
		return fmt.Errorf("lock: %w: the server did not lock the object until %s; turn on object lock for the bucket, and permit s3:PutObjectRetention and s3:GetObjectRetention",
			errors.ErrUnsupported, u.until.Format(time.RFC3339))
	}
	want, ok := u.want(m)
	if !ok || m.sum.Algorithm == "" || m.sum.Equal(want) {
		return nil
	}
	// Some servers fill the field with something that only looks like an MD5.
	// The bytes decide.
	return s.proveBytes(ctx, key, want)
}

// proveBytes reads an object back.
func (s *Store) proveBytes(ctx context.Context, key string, want store.Checksum) error {
	h, ok := want.NewHash()
	if !ok {
		return nil
	}
	r, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), want.Sum) {
		return fmt.Errorf("%w: its checksum is another", store.ErrDamaged)
	}
	return nil
}

// discard removes what is left of an upload of ours, even when ctx has ended.
func (s *Store) discard(ctx context.Context, key string, m meta) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	err := s.provider.remove(ctx, s.bucket, s.location.prefix+key, m, m.version != "")
	if err = s.explain(ctx, err); err == nil || errors.Is(err, store.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("remove what was stored: %w", err)
}

// errStopped is what an SDK sees of any failure of a source. It matches nothing:
// one SDK takes every error that matches io.EOF for the end of the content.
var errStopped = errors.New("the upload was given up")

// source reads what is uploaded. It ends the upload before it reports that
// reading failed, so that what came so far is not committed.
type source struct {
	ctx    context.Context
	cancel context.CancelFunc
	from   io.Reader
	upload *upload

	n      int64
	idle   int   // empty reads in a row
	ended  bool  // all was read
	failed error // reading failed; ctx ended is no failure of from
}

func (s *source) Read(p []byte) (int, error) {
	switch {
	case s.ended:
		return 0, io.EOF
	case s.failed != nil || s.ctx.Err() != nil:
		s.cancel()
		return 0, errStopped
	}
	n, err := s.from.Read(p)
	s.n += int64(n)
	s.upload.sums.Write(p[:n]) // never fails
	if n > 0 || err != nil {
		s.idle = 0
	} else if s.idle++; s.idle > 1000 {
		err = io.ErrNoProgress
	}
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF: // The end is io.EOF itself, not an error that has one within
		if s.ctx.Err() != nil {
			s.cancel()
			return 0, errStopped
		}
		s.ended = true
		if s.upload.atEnd != nil {
			s.upload.atEnd()
		}
		return n, io.EOF
	}
	s.failed = err
	if !s.upload.gentle {
		s.cancel()
	}
	return 0, errStopped
}
