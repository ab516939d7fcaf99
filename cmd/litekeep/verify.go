package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) verifyCommand() *cobra.Command {
	var copies bool
	var destinations []string
	var level string
	cmd := &cobra.Command{
		Use:   "verify BACKUP... [flags]",
		Short: "Check every byte of backups",
		Long: `Read every byte of backups and compare it with their manifests: the hashes of
the object and of its frames, the syntax of every value, the counts. All are
checked, also after one that is damaged; the exit code is 3 if any is. The
outcome is noted beside each backup, for list and prune.

Of a sealed backup only the stored bytes are compared unless a key is given: that
nothing was changed by accident since it was made, not what it holds. This is
not noted.

A folder stands for all backups in it: that of one database, or of all. An object
without a manifest is no backup, and no damage: a warning tells of it, once it is
older than an hour.`,
		Example: `  litekeep verify backups/app/20261122T020000.123Z.json.zst
  litekeep verify backups`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0 && (copies || len(destinations) > 0):
				return usage("litekeep verify checks BACKUPs, or --all copies, or those in a --destination", "")
			case len(args) == 0 && !copies && len(destinations) == 0:
				return exactly("BACKUP")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if copies || len(destinations) > 0 {
				return a.verifyCopies(cmd.Context(), level, destinations)
			}
			return a.verify(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&copies, "all", false, "check every copy in --dir and in every --copy, and what is missing there")
	f.StringArrayVar(&destinations, "destination", nil, "check every copy in this `DESTINATION`; may be repeated")
	f.StringVar(&level, "level", "full", "`LEVEL` of --all and --destination: quick (there, of the right size and stored checksum) or full (every byte)")
	a.dirFlag(f)
	a.copyFlags(f)
	a.keyFlag(cmd.Flags(), cmd)
	a.jsonFlag(cmd.Flags())
	return cmd
}

// verificationJSON is the outcome for one backup.
type verificationJSON struct {
	BackupPath      string  `json:"backup_path"`
	OK              bool    `json:"ok"`
	Damaged         bool    `json:"damaged"`
	Problem         *string `json:"problem"`
	SizeBytes       int64   `json:"size_bytes"`
	TableCount      *int64  `json:"table_count"`
	RecordCount     *int64  `json:"record_count"`
	Frames          *int    `json:"frames"`
	DurationSeconds float64 `json:"duration_seconds"`
	Sealed          bool    `json:"sealed"`
	ContentChecked  bool    `json:"content_checked"`
}

// verifyResult is the JSON of verify.
type verifyResult struct {
	failure
	Backups  []verificationJSON `json:"backups"`
	Unlisted []unlistedJSON     `json:"unlisted"`
}

func (a *app) verify(ctx context.Context, args []string) error {
	paths, err := a.backupArguments(ctx, args)
	if err != nil {
		return err
	}
	m := a.meter()
	defer m.stop()
	s := a.service(m)
	out := verifyResult{failure: succeeded(), Backups: []verificationJSON{}, Unlisted: []unlistedJSON{}}
	var worst error
	for i, path := range paths {
		if len(paths) > 1 {
			m.about(fmt.Sprintf("%d of %d  ", i+1, len(paths)))
		}
		v, err := s.VerifyBackup(ctx, path)
		if ctx.Err() != nil {
			return err
		}
		worst = worse(worst, err)
		out.Backups = append(out.Backups, verification(v, err))
		if err := a.verifyLine(v, err); err != nil {
			return err
		}
	}
	m.stop()
	for _, arg := range args {
		if isFolder(arg) {
			out.Unlisted = append(out.Unlisted, a.unlistedIn(ctx, arg)...)
		}
	}
	err = summary(out.Backups, worst)
	if errors.Is(err, litekeep.ErrDamaged) && len(a.cfg.Copies) > 0 {
		err = &hintedError{err, err.Error(), "`litekeep sync` makes what is damaged anew from a good copy, if there is one"}
	}
	if !a.json {
		return err
	}
	return a.printOutcome(ctx, &out, err)
}

func verification(v *litekeep.Verification, err error) verificationJSON {
	return verificationJSON{
		BackupPath: v.Path, OK: v.OK, Damaged: errors.Is(err, litekeep.ErrDamaged), Problem: orNull(v.Problem),
		SizeBytes: v.Bytes, TableCount: unless(v.StoredOnly, v.Tables), RecordCount: unless(v.StoredOnly, v.Rows),
		Frames: unless(v.StoredOnly, v.Frames), DurationSeconds: v.Seconds,
		Sealed: v.Sealed, ContentChecked: v.OK && !v.StoredOnly,
	}
}

// verifyLine prints the outcome for one backup. A sound one is not worth a line
// to --quiet.
func (a *app) verifyLine(v *litekeep.Verification, err error) error {
	switch {
	case a.json:
		return nil
	case errors.Is(err, litekeep.ErrDamaged):
		return a.printPath(a.colour(text.FgRed, "DAMAGED")+"  ", v.Path, ": "+oneLine(v.Problem))
	case err != nil:
		return a.printPath(a.colour(text.FgRed, "FAILED")+"   ", v.Path, ": "+oneLine(v.Problem))
	case a.quiet:
		return nil
	case v.StoredOnly:
		return a.printPath(a.colour(text.FgGreen, "ok")+"       ", v.Path,
			"  sealed, "+human.Bytes(v.Bytes)+" as stored; its content was not looked at, for want of a key")
	}
	return a.printPath(a.colour(text.FgGreen, "ok")+"       ", v.Path,
		"  "+human.Plural(v.Tables, "table")+", "+human.Plural(v.Rows, "row")+", "+human.Bytes(v.Bytes))
}

// worse is the one of two errors that the exit code tells, the first of equals: damage
// is worse than a key that opens nothing, and that says more than any other failure.
func worse(one, other error) error {
	rank := func(err error) int {
		switch {
		case err == nil:
			return 0
		case errors.Is(err, litekeep.ErrDamaged):
			return 3
		case isKeyError(err):
			return 2
		}
		return 1
	}
	if rank(other) > rank(one) {
		return other
	}
	return one
}

// isKeyError reports whether no key was given that opens a backup.
func isKeyError(err error) bool {
	return errors.Is(err, litekeep.ErrNoKey) || errors.Is(err, litekeep.ErrWrongKey)
}

// summary is the error of a verification, nil if all backups are sound.
func summary(all []verificationJSON, worst error) error {
	if worst == nil || len(all) == 1 {
		return worst
	}
	damaged, failed := 0, 0
	for _, v := range all {
		if v.Damaged {
			damaged++
		} else if !v.OK {
			failed++
		}
	}
	msg := fmt.Sprintf("verify: %d of %d backups are damaged", damaged, len(all))
	if damaged == 1 {
		msg = fmt.Sprintf("verify: 1 of %d backups is damaged", len(all))
	}
	if failed > 0 {
		msg += fmt.Sprintf(", %d could not be checked", failed)
	}
	e := &hintedError{msg: msg}
	for _, kind := range []error{litekeep.ErrDamaged, litekeep.ErrNoKey, litekeep.ErrWrongKey} {
		if errors.Is(worst, kind) {
			e.kind = kind
		}
	}
	var lib *litekeep.Error
	switch {
	case damaged+failed < len(all):
		e.hint = "those that are ok can be restored"
	case isKeyError(e.kind):
		e.hint = "give the key that they are sealed under (--key)"
		if errors.As(worst, &lib) && lib.Hint != "" {
			e.hint = lib.Hint
		}
	default:
		e.hint = "make a new backup now"
	}
	return e
}

// backupArguments resolves the arguments of verify.
func (a *app) backupArguments(ctx context.Context, args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		if isFolder(arg) {
			found, err := a.backupsIn(ctx, arg)
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
			continue
		}
		path, err := backupArgument(ctx, arg, "verify")
		var missing *hintedError
		if errors.As(err, &missing) && missing.kind == nil && len(args) > 1 {
			path, err = arg, nil // the others are checked all the same
		}
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// in is the command for the backups in a folder, that of one database or of all.
func (a *app) in(dir string) (*app, error) {
	b := *a
	b.cfg.DatabasePath, b.cfg.BackupDirectory, b.cfg.Name = "", dir, ""
	if isDatabaseFolder(dir) {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		b.cfg.BackupDirectory, b.cfg.Name = filepath.Split(abs)
	}
	return &b, nil
}

// unlistedIn is unlisted for a folder, that of one database or of all.
func (a *app) unlistedIn(ctx context.Context, dir string) []unlistedJSON {
	b, err := a.in(dir)
	if err != nil {
		return nil // backupsIn has failed with it
	}
	return b.unlisted(ctx, b.service(nil), b.cfg.BackupDirectory)
}

// backupsIn lists the backups in a folder, that of one database or of all.
func (a *app) backupsIn(ctx context.Context, dir string) ([]string, error) {
	b, err := a.in(dir)
	if err != nil {
		return nil, err
	}
	all, err := b.service(nil).ListBackups(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		b.unlisted(ctx, b.service(nil), b.cfg.BackupDirectory)
		return nil, &hintedError{nil, "verify " + dir + ": there are no backups in this folder", ""}
	}
	paths := make([]string, len(all))
	for i, x := range all {
		paths[i] = filepath.Join(dir, filepath.Base(x.Path))
		if b.cfg.Name == "" {
			paths[i] = x.Path
		}
	}
	return paths, nil
}
