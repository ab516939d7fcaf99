package service

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/state"
)

// checkPlace says what is wrong with a folder that has held backups of the service and
// is another one now, or none: most of the time a disk that is not mounted. Without it,
// backups would be made below the mount point, and the history would seem to be gone.
func (s *Service) checkPlace(folder string) error {
	known, ok := s.books.place(folder)
	if !ok {
		return nil // nothing was ever backed up there, or nobody remembers
	}
	err := known.Check(folder)
	if err == nil {
		return nil
	}
	e := &litekeep.Error{Op: "destination", Path: folder, Err: err}
	if errors.Is(err, destination.ErrAway) {
		e.Hint = "mount it, or have what is there now used: " + s.acceptLine(folder)
	}
	return e
}

// acceptLine is the command that makes the service take a folder for what it is. One that
// is not there has to be made: nobody can say what will be there.
func (s *Service) acceptLine(folder string) string {
	words := []string{"destinations", "accept", folder}
	if s.o.File != "" {
		words = append(words, "--config", s.o.File)
	} else {
		words = append(words, "--state", s.config().State)
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return "mkdir " + human.ShellWord(folder) + " && " + line(words...)
	}
	return line(words...)
}

// markPlaces remembers the folders that hold a new backup, so that they are known when
// another one is in the place of one of them.
func (s *Service) markPlaces(j *job, b *litekeep.Backup) {
	var places []string
	if place, _, ok := destination.Split(b.Path); ok {
		places = append(places, place) // not that of the configuration, which may be another by now
	}
	for _, c := range b.Copies {
		if c.OK {
			places = append(places, c.Destination)
		}
	}
	for _, text := range places {
		folder := destination.Folder(text)
		if folder == "" {
			continue // a bucket that is missing is an error, and is never made
		}
		if _, known := s.books.place(folder); known {
			continue
		}
		id, err := destination.Mark(folder)
		if err != nil {
			j.logf(slog.LevelWarn, "whether this place is another one some day cannot be told: %v", err)
			continue
		}
		s.books.setPlace(folder, destination.Known{ID: id, Since: s.now()})
	}
}

// watchPrimary tells when the folder that the backups of a database are made in is not
// the one that it was, and when it is back, also where an earlier life of the service
// told that it was away. Copies are looked at by look.
func (s *Service) watchPrimary(k *keeper, l *listing, now time.Time) {
	primary, problem := k.conf.Load().core.BackupDirectory, ""
	if errors.Is(l.err, destination.ErrAway) {
		problem = placeProblem(l.err)
	}
	k.mu.Lock()
	before := k.looks[primary]
	k.mu.Unlock()
	if problem != "" || l.err == nil && (before.problem != "" || before.at.IsZero()) {
		s.saw(k, primary, look{at: now, problem: problem})
	}
}

// placeProblem is what is wrong with a place, in one text.
func placeProblem(err error) string {
	if hint := hintOf(err); hint != "" && errors.Is(err, destination.ErrAway) {
		return err.Error() + " " + hint
	}
	return err.Error()
}

// place returns what is known of a folder. Where the state cannot be read, it is what
// this life of the service knows.
func (b *books) place(folder string) (known destination.Known, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	p, err := b.store.Place(ctx, folder)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.places[folder] = destination.Known{ID: p.ID, Since: p.Since}
	case errors.Is(err, state.ErrNotFound):
		delete(b.places, folder) // also where somebody accepted another one
	}
	known, ok = b.places[folder]
	return known, ok
}

// setPlace remembers a folder.
func (b *books) setPlace(folder string, known destination.Known) {
	b.mu.Lock()
	b.places[folder] = known
	b.mu.Unlock()
	b.write("record a place of backups", func(ctx context.Context) error {
		return b.store.PutPlace(ctx, state.Place{Folder: folder, ID: known.ID, Since: known.Since})
	})
}
