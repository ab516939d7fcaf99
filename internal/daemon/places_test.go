package daemon

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/service"
)

// backUpNow has the service back a database up, and returns how that ended.
func backUpNow(t *testing.T, d *Daemon, name string) *service.Run {
	t.Helper()
	r, err := d.service.StartBackup(t.Context(), ada, name)
	for ; errors.Is(err, service.ErrRunning); time.Sleep(10 * time.Millisecond) { // one that the service has begun
		r, err = d.service.StartBackup(t.Context(), ada, name)
	}
	if err == nil {
		r, err = d.service.Wait(t.Context(), ada, r.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// manifests counts the backups in a place.
func manifests(t *testing.T, place string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(place, "app", "*.manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// logOf is what a run has logged, with its error and hint.
func logOf(r *service.Run) string {
	text := r.Error + "\n" + r.Hint
	for _, l := range r.Log {
		text += "\n" + l.Text
	}
	return text
}

// TestPlaceAway unmounts places of backups: what is under their names then gets nothing,
// the others get the backups, and what they missed when they are back.
func TestPlaceAway(t *testing.T) {
	for name, test := range map[string]struct {
		away    string                   // of the two places
		instead func(place string) error // what is there while it is away
		says    string
	}{
		"first is missing":       {"backups", func(string) error { return nil }, "is not there, but has held backups"},
		"first is a mount point": {"backups", func(p string) error { return os.Mkdir(p, 0o700) }, "has no litekeep-place.json"},
		"copy is missing":        {"copy", func(string) error { return nil }, "is not there, but has held backups"},
		"copy is a mount point":  {"copy", func(p string) error { return os.Mkdir(p, 0o700) }, "has no litekeep-place.json"},
		"another disk":           {"copy", otherPlace, "it has another litekeep-place.json"},
		"first is another disk":  {"backups", otherPlace, "it has another litekeep-place.json"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			places := map[string]string{"backups": filepath.Join(dir, "backups"), "copy": filepath.Join(dir, "copy")}
			configIn(t, dir, "databases: [{name: app, path: "+dir+"/app.db, min_copies: 1, destinations: ["+dir+"/backups, file://"+dir+"/copy]}]\n")
			makeDatabase(t, filepath.Join(dir, "app.db"), 100)
			d, stop := serveIn(t, dir)
			waitForRun(t, d, "app", service.OutcomeOK)
			for _, p := range places {
				if _, err := destination.ReadMark(p); err != nil || manifests(t, p) != 1 {
					t.Fatalf("%s: %d backups, %v", p, manifests(t, p), err)
				}
			}
			do(t, stop()) // what is known outlives the service
			at := places[test.away]
			do(t, os.Rename(at, at+".away"), test.instead(at))
			d, _ = serveIn(t, dir)
			r := backUpNow(t, d, "app")
			text := logOf(r)
			accept := "litekeep destinations accept " + at + " --state " + dir + "/state"
			if r.Outcome != service.OutcomePartial || !strings.Contains(text, test.says) || !strings.Contains(text, "is it mounted?") || !strings.Contains(text, accept) {
				t.Errorf("%s: %s", r.Outcome, text)
			}
			if manifests(t, at) != 0 || exists(filepath.Join(at, "app")) {
				t.Error("what is there instead got a backup")
			}
			for other, p := range places {
				if other != test.away && manifests(t, p) != 2 {
					t.Errorf("%s has %d backups", p, manifests(t, p))
				}
			}
			tellsOfPlace(t, d, at, test.says)
			do(t, os.RemoveAll(at), os.Rename(at+".away", at))
			if r := backUpNow(t, d, "app"); r.Outcome != service.OutcomeOK || manifests(t, at) < 2 {
				t.Errorf("it is back: %s, %d backups: %s", r.Outcome, manifests(t, at), logOf(r))
			}
		})
	}
}

func otherPlace(place string) error {
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	_, err := destination.Mark(place)
	return err
}

// tellsOfPlace looks whether the status of the database says what is wrong with a place.
func tellsOfPlace(t *testing.T, d *Daemon, place, says string) {
	t.Helper()
	st, err := d.service.Database(t.Context(), ada, "app")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range st.Problems {
		if p.Kind == "destination-down" && strings.Contains(p.Summary, says) && strings.Contains(p.Summary+p.Hint, "litekeep destinations accept "+place) &&
			p.Next == "litekeep destinations check "+place || p.Next == "litekeep destinations check file://"+place {
			return
		}
	}
	t.Errorf("the status does not tell of %s: %+v", place, st.Problems)
}

// TestOnlyPlaceAway fails where no place is left, makes nothing, and goes on when
// somebody accepts what is there.
func TestOnlyPlaceAway(t *testing.T) {
	dir := t.TempDir()
	place := filepath.Join(dir, "backups")
	configIn(t, dir, "databases: [{name: app, path: "+dir+"/app.db}]\n")
	makeDatabase(t, filepath.Join(dir, "app.db"), 100)
	d, _ := serveIn(t, dir)
	waitForRun(t, d, "app", service.OutcomeOK)
	do(t, os.Rename(place, place+".away"))
	r := backUpNow(t, d, "app")
	if r.Outcome != service.OutcomeFailed || !strings.Contains(r.Error, "is not there, but has held backups") ||
		!strings.Contains(r.Hint, "mount it") || !strings.Contains(r.Hint, "litekeep destinations accept "+place) || exists(place) {
		t.Errorf("%s: %s", r.Outcome, logOf(r))
	}
	tellsOfPlace(t, d, place, "is not there")
	if st, err := d.service.Database(t.Context(), ada, "app"); err != nil || len(st.Problems) != 1 {
		t.Errorf("it is told more than once: %+v, %v", st.Problems, err)
	}
	do(t, d.store.ForgetPlace(t.Context(), place))
	if r := backUpNow(t, d, "app"); r.Outcome != service.OutcomeOK || manifests(t, place) != 1 {
		t.Errorf("accepted: %s: %s", r.Outcome, logOf(r))
	}
	fresh, err := destination.ReadMark(place)
	old, errOld := destination.ReadMark(place + ".away")
	if err != nil || errOld != nil || fresh == old {
		t.Errorf("%s, %s, %v, %v", fresh, old, err, errOld)
	}
}

// TestPlaceOfBefore takes a folder without a mark, as earlier versions have left it, and
// one whose mark another service has made.
func TestPlaceOfBefore(t *testing.T) {
	dir := t.TempDir()
	place, mark := filepath.Join(dir, "backups"), filepath.Join(dir, "backups", destination.MarkFile)
	configIn(t, dir, "databases: [{name: app, path: "+dir+"/app.db}]\n")
	makeDatabase(t, filepath.Join(dir, "app.db"), 100)
	d, stop := serveIn(t, dir)
	waitForRun(t, d, "app", service.OutcomeOK)
	forget := func() { do(t, stop(), os.RemoveAll(filepath.Join(dir, "state"))) }
	forget()
	id, err := destination.ReadMark(place)
	do(t, err)
	d, stop = serveIn(t, dir)
	if r := backUpNow(t, d, "app"); r.Outcome != service.OutcomeOK {
		t.Error(logOf(r))
	}
	if again, err := destination.ReadMark(place); err != nil || again != id {
		t.Errorf("another service: %s was %s, %v", again, id, err)
	}
	forget()
	do(t, os.Remove(mark))
	d, _ = serveIn(t, dir)
	if r := backUpNow(t, d, "app"); r.Outcome != service.OutcomeOK || manifests(t, place) != 3 {
		t.Errorf("%d backups: %s", manifests(t, place), logOf(r))
	}
	if _, err := destination.ReadMark(place); err != nil {
		t.Error(err)
	}
}

// TestPlaceWithoutState knows a place for as long as the service lives where there is
// no state.
func TestPlaceWithoutState(t *testing.T) {
	dir := t.TempDir()
	place := filepath.Join(dir, "backups")
	configIn(t, dir, "databases: [{name: app, path: "+dir+"/app.db}]\n")
	do(t, os.WriteFile(filepath.Join(dir, "state"), nil, 0o600)) // where the folder would be
	makeDatabase(t, filepath.Join(dir, "app.db"), 100)
	d, _ := serveIn(t, dir)
	waitForRun(t, d, "app", service.OutcomeOK)
	do(t, os.Rename(place, place+".away"))
	if r := backUpNow(t, d, "app"); r.Outcome != service.OutcomeFailed || !strings.Contains(r.Error, "is it mounted?") {
		t.Errorf("%s: %s", r.Outcome, logOf(r))
	}
	if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}
