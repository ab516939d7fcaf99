package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) copyFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&a.cfg.Copies, "copy", a.cfg.Copies, "`DESTINATION` of a copy besides --dir: a folder, or a URL (s3://, gs://, azblob://); may be repeated")
}

// manyBackupsFlags are those of commands about the backups of a database, or of all,
// in every place.
func (a *app) manyBackupsFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	a.dirFlag(f)
	a.copyFlags(f)
	a.databaseFlag(f)
}

func (a *app) minCopiesFlag(f *pflag.FlagSet) {
	f.IntVar(&a.cfg.MinCopies, "min-copies", a.cfg.MinCopies, "succeed when `N` places hold the backup, --dir included (default: all)")
}

// errPartial is the kind of a backup that enough places hold, but not all.
var errPartial = errors.New("some copies failed")

// copyJSON is what became of one copy of a new backup.
type copyJSON struct {
	Destination     string  `json:"destination"`
	BackupPath      string  `json:"backup_path"`
	OK              bool    `json:"ok"`
	Error           *string `json:"error"`
	DurationSeconds float64 `json:"duration_seconds"`
}

func copiesOf(b *litekeep.Backup) []copyJSON {
	all := []copyJSON{}
	for _, c := range b.Copies {
		all = append(all, copyJSON{c.Destination, c.Path, c.OK, orNull(c.Error), c.Duration.Seconds()})
	}
	return all
}

// partial is the error of a backup that some destinations do not hold, though
// enough do. It is nil if all hold it.
func partial(b *litekeep.Backup) error {
	var failed []string
	for _, c := range b.Copies {
		if !c.OK {
			failed = append(failed, c.Error)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return &hintedError{
		errPartial,
		fmt.Sprintf("backup %s: %d of %s failed: %s", b.Path, len(failed), human.Plural(len(b.Copies), "copy"), strings.Join(failed, "; ")),
		"the backup counts, since enough places hold it; `litekeep sync` copies what is missing",
	}
}

// reportCopies adds a line for each copy.
func (a *app) reportCopies(r *report, b *litekeep.Backup) {
	for _, c := range b.Copies {
		if c.OK {
			r.add("copy", "%s, read back", c.Path)
		} else {
			r.add("copy", "%s %s", a.colour(text.FgRed, "FAILED"), c.Destination)
		}
	}
}

// copyCheckJSON is what a verification found of one copy.
type copyCheckJSON struct {
	Destination string  `json:"destination"`
	BackupPath  string  `json:"backup_path"`
	Database    string  `json:"database"`
	Timestamp   stamp   `json:"timestamp"`
	SizeBytes   int64   `json:"size_bytes"`
	OK          bool    `json:"ok"`
	Missing     bool    `json:"missing"`
	Problem     *string `json:"problem"`
}

// verifyCopiesResult is the JSON of verify --all and --destination.
type verifyCopiesResult struct {
	failure
	Level  string          `json:"level"`
	Copies []copyCheckJSON `json:"copies"`

	Unlisted []unlistedJSON `json:"unlisted"`
}

// verifyCopies checks every copy in the given destinations, or in all.
func (a *app) verifyCopies(ctx context.Context, level string, destinations []string) error {
	if level != "full" && level != "quick" {
		return usage("--level: choose quick or full", "")
	}
	m := a.meter()
	defer m.stop()
	s := a.service(m)
	all, err := s.VerifyCopies(ctx, level == "full", destinations...)
	m.stop()
	if ctx.Err() != nil || len(all) == 0 && err != nil {
		return err
	}
	out := verifyCopiesResult{failure: succeeded(), Level: level, Copies: []copyCheckJSON{}}
	bad := 0
	for _, c := range all {
		out.Copies = append(out.Copies, copyCheckJSON{
			c.Destination, c.Path, c.Database, stamp(c.Timestamp), c.SizeBytes, c.OK, c.Missing, orNull(c.Problem),
		})
		if !c.OK {
			bad++
		}
		if err := a.copyLine(c); err != nil {
			return err
		}
	}
	out.Unlisted = a.unlisted(ctx, s, destinations...)
	if bad > 0 && errors.Is(err, litekeep.ErrDamaged) {
		err = &hintedError{
			litekeep.ErrDamaged, fmt.Sprintf("verify: %d of %s are damaged or missing", bad, human.Plural(len(all), "copy")),
			"`litekeep sync --full` makes them anew from a good copy",
		}
	}
	if !a.json {
		return err
	}
	return a.printOutcome(ctx, &out, err)
}

// copyLine prints what was found of one copy.
func (a *app) copyLine(c litekeep.CopyCheck) error {
	switch {
	case a.json:
		return nil
	case c.Missing:
		return a.printPath(a.colour(text.FgRed, "MISSING")+"  ", c.Path, "")
	case !c.OK:
		return a.printPath(a.colour(text.FgRed, "DAMAGED")+"  ", c.Path, ": "+oneLine(c.Problem))
	case a.quiet:
		return nil
	}
	return a.printPath(a.colour(text.FgGreen, "ok")+"       ", c.Path, "  "+human.Bytes(c.SizeBytes))
}
