package state_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/state"
)

// TestPlaces keeps what is known of folders, also for who only looks, and forgets it.
func TestPlaces(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "state.db")
	since := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	s, err := state.Open(ctx, path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if p, err := s.Place(ctx, "/mnt/nas"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("unknown: %+v, %v", p, err)
	}
	want := state.Place{Folder: "/mnt/nas", ID: "01", Since: since}
	for _, p := range []state.Place{{Folder: "/mnt/nas", ID: "00", Since: since}, want, {Folder: "/mnt/nas_2", ID: "02", Since: since}} {
		if err := s.PutPlace(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutNote(ctx, "placeholder", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Place(ctx, "/mnt/nas"); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	all, err := state.ReadPlaces(ctx, path)
	if err != nil || len(all) != 2 || all["/mnt/nas"] != want || all["/mnt/nas_2"].ID != "02" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := s.ForgetPlace(ctx, "/mnt/nas"); err != nil {
		t.Error(err)
	}
	if err := s.ForgetPlace(ctx, "/mnt/nas"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("forgotten twice: %v", err)
	}
	if all, err = state.ReadPlaces(ctx, path); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := state.ReadPlaces(ctx, path+".missing"); !errors.Is(err, state.ErrUnavailable) {
		t.Error(err)
	}
}
