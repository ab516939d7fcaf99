package cloud

import (
	"context"
	"errors"
	"strings"

	"github.com/litekeep/litekeep/internal/store"
)

// WithoutLock returns the same store, except that what is put there is not
// locked. It is for objects that only try something out. It needs no Close.
func (s *Store) WithoutLock() store.Store {
	free := *s
	free.location.lock, free.location.lockMode = 0, ""
	return &free
}

// HonoursCondition tells whether the server itself refuses to create an object
// that exists, which Put relies on when two write at the same time. The object
// key must exist; where the answer is no, it is overwritten.
func (s *Store) HonoursCondition(ctx context.Context, key string) (bool, error) {
	const op = "try to overwrite"
	if err := s.check(ctx, op, key); err != nil {
		return false, err
	}
	if !s.location.conditional {
		return false, nil
	}
	u := &upload{token: "probe", part: minPart, wide: 1}
	options := s.provider.upload(u)
	options.ContentType, options.IfNotExist = contentType, true
	sendCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	src := &source{ctx: ctx, cancel: cancel, from: strings.NewReader("overwritten"), upload: u}
	err := s.explain(ctx, s.bucket.Upload(sendCtx, s.location.prefix+key, src, options))
	if errors.Is(err, errPrecondition) {
		return true, nil
	}
	return false, wrap(op, key, err)
}
