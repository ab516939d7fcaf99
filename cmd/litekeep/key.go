package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, try and change the keys of sealed backups",
		Long: `Make, try and change the keys that sealed backups open with. A backup that is made
with --key, or where LITEKEEP_KEYS is set, is sealed under each of the keys, and any
one of them opens it. A key is given by reference:

  file:PATH             a key file, made by litekeep key new
  passphrase-file:PATH  a file that holds a passphrase
  passphrase-env:NAME   an environment variable that holds a passphrase
  prompt                a question at the terminal
  awskms://…  gcpkms://…  azurekeyvault://…  hashivault://…
                        a key of a key management service, by its URL

Never the key or the passphrase itself. Files must be readable by their owner
alone. Without any of its keys a backup is lost: seal under two, and keep one in
another place.`,
	}
	cmd.AddCommand(a.keyNewCommand(), a.keyListCommand(), a.keyCheckCommand(), a.keyRotateCommand(), a.keyKitCommand())
	return cmd
}

// keyNewResult is the JSON of key new.
type keyNewResult struct {
	failure
	Path string `json:"path"`
	ID   string `json:"id"`
}

func (a *app) keyNewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new FILE [flags]",
		Short: "Make a key file",
		Long: `Make a random key and store it in the new file FILE, which its owner alone can
read. An existing file is never replaced. Keep a copy where neither this machine
nor the backups are.`,
		Example: "  litekeep key new /root/litekeep.key\n  litekeep backup app.db --key file:/root/litekeep.key",
		Args:    exactly("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			path := strings.TrimPrefix(args[0], "file:")
			id, err := litekeep.NewKeyFile(path)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(keyNewResult{succeeded(), path, id})
			}
			if a.quiet {
				return nil
			}
			r := newReport("made key", id)
			r.add("in", "%s", path)
			r.add("use", "--key %s", shellQuote("file:"+path))
			r.add("copy", "it to another place: without it the backups are lost")
			return a.printf("%s", r.b.String())
		},
	}
	a.jsonFlag(cmd.Flags())
	return cmd
}

// keyRecordJSON is a key that opens a backup.
type keyRecordJSON struct {
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	URL       *string `json:"url"`
	Rewrapped bool    `json:"rewrapped"`
}

// keyUseJSON says which keys open a backup.
type keyUseJSON struct {
	BackupPath string          `json:"backup_path"`
	Database   string          `json:"database"`
	Timestamp  stamp           `json:"timestamp"`
	Sealed     bool            `json:"sealed"`
	Keys       []keyRecordJSON `json:"keys"`
	Problem    *string         `json:"problem"`
}

// keyListResult is the JSON of key list.
type keyListResult struct {
	failure
	Backups []keyUseJSON `json:"backups"`
}

func (a *app) keyListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "Show which keys open which backups",
		Long: `Show for each backup which keys open it, as its header and the objects of later
rotations tell. No key is needed. The fingerprint of a key file is always the
same; that of a passphrase differs from run to run.`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.keyList(cmd.Context()) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	a.dirFlag(f)
	a.databaseFlag(f)
	a.jsonFlag(f)
	return cmd
}

func (a *app) keyList(ctx context.Context) error {
	if err := a.checkFolder("key list"); err != nil {
		return err
	}
	a.cfg.Sealed = false
	all, err := a.service(nil).ListKeys(ctx)
	if err != nil {
		return err
	}
	out := keyListResult{succeeded(), []keyUseJSON{}}
	t := &rows{header: []string{">AGE", "BACKUP", "KEYS"}}
	for _, u := range all {
		x := keyUseJSON{
			BackupPath: u.Path, Database: u.Database, Timestamp: stamp(u.Time), Sealed: u.Sealed,
			Keys: []keyRecordJSON{}, Problem: orNull(u.Problem),
		}
		for _, k := range u.Keys {
			x.Keys = append(x.Keys, keyRecordJSON{k.Type, k.ID, orNull(k.URL), k.Rewrapped})
		}
		out.Backups = append(out.Backups, x)
		t.add(humanAge(u.Time, a.now()), oneLine(u.Path), oneLine(keysText(u)))
	}
	switch {
	case a.json:
		return a.printJSON(out)
	case len(all) == 0:
		return a.printf("no backups\n")
	}
	return a.printFiles(t, 1)
}

// keysText names the keys of a backup.
func keysText(u litekeep.KeyUse) string {
	var names []string
	for _, k := range u.Keys {
		name := k.Type + " " + k.ID
		if k.URL != "" {
			name = k.URL
		}
		if k.Rewrapped {
			name += " (rotated)"
		}
		names = append(names, name)
	}
	switch {
	case u.Problem != "":
		names = append(names, stateDamaged+": "+u.Problem)
	case !u.Sealed:
		return "none, it is not sealed"
	}
	return strings.Join(names, ", ")
}

// keyCheckJSON is the outcome of trying one key.
type keyCheckJSON struct {
	Key        string  `json:"key"`
	Database   string  `json:"database"`
	BackupPath string  `json:"backup_path"`
	OK         bool    `json:"ok"`
	Problem    *string `json:"problem"`
}

// keyCheckResult is the JSON of key check.
type keyCheckResult struct {
	failure
	Checks []keyCheckJSON `json:"checks"`
}

func (a *app) keyCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [flags]",
		Short: "Try each key on the newest backup of each database",
		Long: `The drill of the keys: open the newest sealed backup of each database with each
key alone, and read a part of it. All are tried; the exit code is 7 if a key is
wrong, 3 if a backup is damaged.`,
		Example:     "  litekeep key check --dir /backups --key file:/media/usb/litekeep.key",
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.keyCheck(cmd.Context()) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	a.folderFlags(f, cmd)
	return cmd
}

func (a *app) keyCheck(ctx context.Context) error {
	if err := a.checkFolder("key check"); err != nil {
		return err
	}
	all, err := a.service(nil).CheckKeys(ctx)
	if all == nil && err != nil {
		return err
	}
	out := keyCheckResult{succeeded(), []keyCheckJSON{}}
	t := &rows{header: []string{"KEY", "DATABASE", "OPENS", "BACKUP"}}
	for _, c := range all {
		out.Checks = append(out.Checks, keyCheckJSON{c.Key, c.Database, c.Path, c.OK, orNull(c.Problem)})
		opens := "yes"
		if !c.OK {
			opens = "NO: " + oneLine(c.Problem)
		}
		t.add(oneLine(c.Key), oneLine(c.Database), opens, oneLine(c.Path))
	}
	if !a.json {
		return errors.Join(a.printFiles(t, 3), err)
	}
	return a.printOutcome(ctx, &out, err)
}
