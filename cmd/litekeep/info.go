package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) infoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "info BACKUP [flags]",
		Short: "Show what a backup holds",
		Long: `Show what a backup's manifest tells: where it comes from, how it is stored, the
settings of the database, its tables with their rows, and the indexes that are
kept entry by entry since a restore could not build them again. That of a sealed
backup needs a key.`,
		Example: "  litekeep info /backups/app\n  litekeep info /backups/app --json | jq '.tables[] | {name, record_count}'",
		Args:    oneAtATime("BACKUP"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.info(cmd.Context(), args[0]) },
	}
	a.keyFlag(cmd.Flags(), cmd)
	a.jsonFlag(cmd.Flags())
	return cmd
}

type durationsJSON struct {
	Snapshot float64 `json:"snapshot_seconds"`
	Write    float64 `json:"write_seconds"`
	Verify   float64 `json:"verify_seconds"`
	Total    float64 `json:"total_seconds"`
}

// infoResult is the JSON of info.
type infoResult struct {
	failure
	backupJSON
	CompressionLevel int                       `json:"compression_level"`
	Frames           int                       `json:"frames"`
	Writer           string                    `json:"writer"`
	SQLite           string                    `json:"sqlite"`
	Settings         litekeep.DatabaseSettings `json:"settings"`
	Durations        durationsJSON             `json:"durations"`
	Tables           []litekeep.TableDetails   `json:"tables"`
	Indexes          []litekeep.CarriedIndex   `json:"carried_indexes"`
}

func (a *app) info(ctx context.Context, path string) error {
	path, err := backupArgument(ctx, path, "info")
	if err != nil {
		return err
	}
	d, err := a.service(nil).BackupDetails(ctx, path)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(details(d))
	}
	if err := a.printf("%s", a.infoText(d)); err != nil {
		return err
	}
	return a.infoTables(d)
}

func details(d *litekeep.Details) infoResult {
	return infoResult{
		failure: succeeded(), backupJSON: metadata(&d.Backup), CompressionLevel: d.Level, Frames: d.Frames,
		Writer: d.Writer, SQLite: d.SQLite, Settings: d.Settings,
		Durations: durationsJSON{
			d.Durations.Snapshot.Seconds(), d.Durations.Write.Seconds(), d.Durations.Verify.Seconds(), d.Durations.Total.Seconds(),
		},
		Tables: list(d.Tables), Indexes: list(d.Indexes),
	}
}

func (a *app) infoText(d *litekeep.Details) string {
	r := newReport("backup", d.Path)
	r.add("problem", "%s", d.Problem)
	r.add("database", "%s, from %s", d.Database, d.Source)
	r.add("time", "%s (%s ago)", localTime(d.Timestamp), humanAge(d.Timestamp, a.now()))
	r.add("size", "%s", objectSize(&d.Backup))
	r.add("stored", "%s in %s, by %s with SQLite %s", compressionName(d), human.Plural(d.Frames, "frame"), d.Writer, d.SQLite)
	if d.Sealed {
		r.add("sealed", "yes; `litekeep key list` shows the keys")
	}
	r.add("sha256", "%s", d.Checksum)
	r.add("content", "%s, %s", human.Plural(d.TableCount, "table"), human.Plural(d.RecordCount, "row"))
	r.add("digest", "%s", d.Digest)
	r.add("verified", "%s", a.verifiedText(d))
	r.add("pinned", "%s", a.pinText(&d.Backup))
	t := d.Durations
	r.add("took", "%s (snapshot %s, write %s, verify %s)", human.Duration(t.Total), human.Duration(t.Snapshot), human.Duration(t.Write), human.Duration(t.Verify))
	r.add("settings", "%s", settingsText(d.Settings))
	for _, w := range d.Warnings {
		r.add("warning", "%s", w)
	}
	return r.b.String()
}

// pinText says until when a backup is pinned, by whom and why; "" if it is not.
func (a *app) pinText(b *litekeep.Backup) string {
	if b.Pin == nil || !b.Pinned.After(a.now()) {
		return ""
	}
	text := "for ever"
	if !b.Pin.Until.IsZero() {
		text = "until " + localTime(b.Pin.Until)
	}
	if b.Pin.By != "" {
		text += " by " + b.Pin.By
	}
	if b.Pin.Note != "" {
		text += ": " + b.Pin.Note
	}
	return text
}

func compressionName(d *litekeep.Details) string {
	if d.Compression == "none" {
		return "not compressed,"
	}
	return fmt.Sprintf("%s level %d,", d.Compression, d.Level)
}

func (a *app) verifiedText(d *litekeep.Details) string {
	switch {
	case d.Damaged:
		return "DAMAGED when it was verified " + humanAge(d.Checked, a.now()) + " ago"
	case d.Verified.IsZero():
		return "never"
	}
	return localTime(d.Checked) + " (" + humanAge(d.Checked, a.now()) + " ago)"
}

func settingsText(s litekeep.DatabaseSettings) string {
	if s.ZeroBytes {
		return "none, the database is a file of 0 bytes"
	}
	parts := []string{
		fmt.Sprintf("page size %d", s.PageSize), s.Encoding, "journal " + s.JournalMode,
		fmt.Sprintf("user_version %d", s.UserVersion),
	}
	if s.ApplicationID != 0 {
		parts = append(parts, fmt.Sprintf("application_id %d", s.ApplicationID))
	}
	if s.AutoVacuum != 0 {
		parts = append(parts, "auto_vacuum "+map[int]string{1: "full", 2: "incremental"}[s.AutoVacuum])
	}
	if s.Reserved != 0 {
		parts = append(parts, fmt.Sprintf("%d bytes of each page reserved", s.Reserved))
	}
	return strings.Join(parts, ", ")
}

func (a *app) infoTables(d *litekeep.Details) error {
	if len(d.Tables) > 0 {
		t := newTable(">ROWS", "TABLE")
		for _, x := range d.Tables {
			t.AppendRow([]any{human.Count(x.Rows), oneLine(x.Name)})
		}
		if err := a.printf("\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	if len(d.Indexes) == 0 {
		return nil
	}
	t := newTable(">ENTRIES", "CARRIED INDEX", "TABLE", "REASON")
	for _, x := range d.Indexes {
		t.AppendRow([]any{human.Count(x.Entries), oneLine(x.Name), oneLine(x.Table), oneLine(x.Reason)})
	}
	return a.printf("\n%s\n", t.Render())
}
