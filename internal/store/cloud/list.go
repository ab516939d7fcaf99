package cloud

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"gocloud.dev/blob"

	"github.com/litekeep/litekeep/internal/store"
)

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := ended(ctx); err != nil {
			yield(store.Info{}, wrap("list", prefix, err))
			return
		}
		if !possible(prefix) {
			return
		}
		infos, err := s.collect(ctx, prefix)
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Info{}, wrap("list", prefix, s.explain(ctx, err)))
		}
	}
}

// collect lists and sorts. What it found before an error is good.
func (s *Store) collect(ctx context.Context, prefix string) ([]store.Info, error) {
	// A prefix may end within a character; a request cannot.
	ask := prefix
	for len(ask) > 0 && !utf8.ValidString(ask) {
		ask = ask[:len(ask)-1]
	}
	var infos []store.Info
	entries := s.bucket.List(&blob.ListOptions{Prefix: s.location.prefix + ask})
	var failed error
	for {
		entry, err := entries.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			failed = err
			break
		}
		key, below := strings.CutPrefix(entry.Key, s.location.prefix)
		if entry.IsDir || !below || !strings.HasPrefix(key, prefix) || store.CheckKey("list", key) != nil {
			continue
		}
		infos = append(infos, store.Info{Key: key, Size: entry.Size, ModTime: entry.ModTime})
	}
	slices.SortStableFunc(infos, func(a, b store.Info) int { return strings.Compare(a.Key, b.Key) })
	// A listing that changes between its pages can name an object twice.
	infos = slices.CompactFunc(infos, func(a, b store.Info) bool { return a.Key == b.Key })
	return infos, failed
}

// possible tells whether a key can begin with prefix.
func possible(prefix string) bool {
	if len(prefix) > store.MaxKey || strings.ContainsRune(prefix, 0) {
		return false
	}
	names := strings.Split(prefix, "/")
	for _, name := range names[:len(names)-1] {
		if !store.ValidName(name) {
			return false
		}
	}
	return true
}
