package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/store"
)

func TestCheckKey(t *testing.T) {
	long := strings.Repeat("n", store.MaxName)
	for _, key := range []string{"a", "a/b", ".a", "..a", "...", "a b\n", "ü", ".locks", "x.lock", "a.partial.b", long, long + "/" + long} {
		if err := store.CheckKey("op", key); err != nil {
			t.Error(err)
		}
	}
	for _, key := range []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", ".lock", "a/.tmp", "a.partial", "\x00", "\xff", long + "n", strings.Repeat("n/", 450) + "n",
	} {
		err := store.CheckKey("op", key)
		var detail *store.Error
		if !errors.Is(err, store.ErrKey) || !errors.As(err, &detail) || detail.Op != "op" || detail.Key != key {
			t.Errorf("%q: %v", key, err)
		}
	}
	if text := store.CheckKey("get", "../x").Error(); text != `get "../x": not a valid key` {
		t.Error(text)
	}
}
