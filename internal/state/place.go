package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/value"
)

// Place is a folder that the service has written backups to.
type Place struct {
	Folder string    `json:"-"`     // absolute path
	ID     string    `json:"id"`    // of the mark in it
	Since  time.Time `json:"since"` // when the service learnt that
}

// placeNote begins the keys of the notes that are places.
const placeNote = "place/"

// PutPlace stores a place instead of what is known of its folder.
func (s *Store) PutPlace(ctx context.Context, p Place) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("store place: %w", err)
	}
	return s.PutNote(ctx, placeNote+p.Folder, text)
}

// Place returns what is known of a folder, or ErrNotFound.
func (s *Store) Place(ctx context.Context, folder string) (Place, error) {
	text, err := s.Note(ctx, placeNote+folder)
	if err != nil {
		return Place{}, err
	}
	return placeOf(placeNote+folder, text)
}

// ForgetPlace forgets a folder. The error matches ErrNotFound where nothing was known
// of it.
func (s *Store) ForgetPlace(ctx context.Context, folder string) error {
	if _, err := s.Note(ctx, placeNote+folder); err != nil {
		return err
	}
	return s.DeleteNote(ctx, placeNote+folder)
}

// ReadPlaces returns the places in the state in the file path by folder, for somebody
// who only looks; see ReadTokens.
func ReadPlaces(ctx context.Context, path string) (map[string]Place, error) {
	found := map[string]Place{}
	var bad error
	err := read(ctx, path, "read places", "SELECT key,value FROM notes WHERE substr(key,1,?)=?", func(row []value.Value) {
		p, err := placeOf(string(row[0].Bytes), row[1].Bytes)
		bad = errors.Join(bad, err)
		found[p.Folder] = p
	}, value.Value{Kind: value.Integer, Int: int64(len(placeNote))}, value.Value{Kind: value.Text, Bytes: []byte(placeNote)})
	return found, errors.Join(err, bad)
}

func placeOf(key string, text []byte) (Place, error) {
	p := Place{Folder: strings.TrimPrefix(key, placeNote)}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("read place: %w: %w", ErrUnavailable, err)
	}
	return p, nil
}
