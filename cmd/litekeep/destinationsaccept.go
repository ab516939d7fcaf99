package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/destination"
	statedb "github.com/litekeep/litekeep/internal/state"
)

func (a *app) destinationsAcceptCommand() *cobra.Command {
	var o stateFlags
	cmd := &cobra.Command{
		Use:   "accept FOLDER [flags]",
		Short: "Have the service use a folder that is not the one it was",
		Long: `Have the service use a folder of backups that is not the one that it has written to
before. It tells by a small file in it, ` + destination.MarkFile + `, and refuses a folder
that is missing or has another one: a disk that is not mounted leaves an empty folder,
and backups would be made below it, on another disk.

Mount the disk if that is so. Where the backups were moved, or are to begin anew, this
makes the service forget what was there; its next backup goes to the folder as it is
then. The service need not run; one that runs knows at once.`,
		Example: `  litekeep destinations accept /mnt/nas/backups --config /etc/litekeep/litekeep.yaml`,
		Args:    exactly("FOLDER"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.acceptDestination(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.add(f)
	a.jsonFlag(f)
	return cmd
}

// acceptResult is the JSON of destinations accept.
type acceptResult struct {
	failure
	Destination string  `json:"destination"`
	Accepted    bool    `json:"accepted"`
	Was         *string `json:"was"`
	Since       stamp   `json:"since"`
}

func (a *app) acceptDestination(ctx context.Context, text string, flags stateFlags) error {
	folder := destination.Folder(text)
	if folder == "" {
		return usage("destinations accept: "+oneLine(text)+" is no folder", "a bucket that is missing is never made, so there is nothing to accept")
	}
	dir, err := flags.folder()
	if err != nil {
		return err
	}
	s, err := a.openState(ctx, dir, false)
	if err != nil {
		return err
	}
	log := audit.New(daemon.AuditPath(dir), audit.Options{Now: a.now})
	r, err := acceptIn(ctx, s, log, folder)
	if err = errors.Join(err, log.Close(), s.Close()); err != nil {
		return err
	}
	switch {
	case a.json:
		return a.printJSON(r)
	case a.quiet:
		return nil
	case !r.Accepted:
		return a.printf("%s is the place that has held backups since %s; there is nothing to accept\n", oneLine(folder), localTime(time.Time(r.Since)))
	}
	return a.printf("accepted %s as it is: the next backup of the service goes there\n", oneLine(folder))
}

// acceptIn forgets what a state knows of a folder, unless that is so still.
func acceptIn(ctx context.Context, s *statedb.Store, log *audit.Log, folder string) (acceptResult, error) {
	r := acceptResult{failure: succeeded(), Destination: folder}
	p, err := s.Place(ctx, folder)
	if errors.Is(err, statedb.ErrNotFound) {
		return r, unknownPlace(ctx, s, folder)
	}
	if err != nil {
		return r, err
	}
	r.Since = stamp(p.Since)
	away := destination.Known{ID: p.ID, Since: p.Since}.Check(folder)
	if away == nil {
		return r, nil
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		// The service would make it, below the mount point of a disk that is not there.
		return r, &hintedError{nil, oneLine(folder) + " is not there, so there is nothing to accept", "mount it; if backups are to begin anew there, make the folder first: mkdir " + shellQuote(folder)}
	}
	r.Accepted, r.Was = true, orNull(away.Error())
	return r, record(log, access.Places, folder, "accept", func() (string, error) { return "", s.ForgetPlace(ctx, folder) })
}

// unknownPlace says that a service has not written to a folder, and to which it has.
func unknownPlace(ctx context.Context, s *statedb.Store, folder string) error {
	hint := "it takes what is there; there is nothing to accept"
	if all, err := statedb.ReadPlaces(ctx, s.Path()); err == nil && len(all) > 0 {
		hint = "it knows " + strings.Join(slices.Sorted(maps.Keys(all)), ", ")
	}
	return &hintedError{nil, "the service knows nothing of " + oneLine(folder), hint}
}
