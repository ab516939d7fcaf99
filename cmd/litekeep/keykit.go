package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/daemon"
)

// keyKitResult is the JSON of key kit.
type keyKitResult struct {
	failure
	Kit         string `json:"kit"`
	IncludesKey bool   `json:"includes_key"`
}

func (a *app) keyKitCommand() *cobra.Command {
	var include bool
	var path *string
	cmd := &cobra.Command{
		Use:   "kit [flags]",
		Short: "Print the recovery kit",
		Long: `Print what it takes to restore without this machine, on one page: where the backups
are, which keys open them, the exact commands, and a checksum. Print it on paper
and keep it where neither this machine nor the backups are.

With the litekeep.yaml of a service, given by --config or at hand, the page has all of
its databases: the destinations of each, and its keys. A flag that names a folder, a
copy or a key makes it a page of those instead.`,
		Example: `  litekeep key kit --config /etc/litekeep/litekeep.yaml | lp
  litekeep key kit --dir /backups --key file:/root/litekeep.key | lp`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := a.keyKit(cmd, *path, include)
			switch {
			case err != nil:
				return err
			case a.json:
				return a.printJSON(keyKitResult{succeeded(), string(text), include})
			}
			return a.printf("%s", text)
		},
		Annotations: map[string]string{needsConfig: "yes"},
	}
	f := cmd.Flags()
	f.SortFlags = false
	path = configFlag(f)
	a.folderFlags(f, cmd)
	a.copyFlags(f)
	f.BoolVar(&include, "include-key", false, "print the content of key files too: whoever has the page and a backup can read the data")
	return cmd
}

// placeFlags are the flags of key kit that name places and keys.
var placeFlags = []string{"dir", "copy", keyFlagName}

func (a *app) keyKit(cmd *cobra.Command, path string, include bool) ([]byte, error) {
	f := cmd.Flags()
	given := f.Changed("config")
	var places []string
	for _, name := range placeFlags {
		if f.Changed(name) {
			places = append(places, "--"+name)
		}
	}
	if given && len(places) > 0 {
		return nil, usage("give --config or "+strings.Join(places, " and ")+", not both", "litekeep.yaml says what places and keys there are")
	}
	if _, err := os.Stat(path); given || len(places) == 0 && !errors.Is(err, fs.ErrNotExist) {
		return a.kitOfConfig(cmd.Context(), f, path, include)
	}
	if err := a.checkFolder("key kit"); err != nil {
		return nil, err
	}
	return a.service(nil).RecoveryKit(cmd.Context(), include)
}

// kitOfConfig is the kit of the databases in a litekeep.yaml, or of the one that is named.
func (a *app) kitOfConfig(ctx context.Context, f *pflag.FlagSet, path string, include bool) ([]byte, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	c = daemon.Expanded(ctx, c)
	if len(c.Databases) == 0 {
		return nil, usage(oneLine(path)+" has no database yet", "its patterns match no file; `litekeep config check` tells more")
	}
	for _, m := range c.Misfits {
		a.screen.label("warning", m.Path+": "+m.Message+"; it is not on the page") // on paper nobody would miss it
	}
	var all []litekeep.Config
	var names []string
	for i := range c.Databases {
		db := &c.Databases[i]
		names = append(names, db.Name)
		if !f.Changed("database") || a.database == "" || a.database == db.Name {
			all = append(all, db.Core())
		}
	}
	if len(all) == 0 {
		return nil, usage("--database: "+oneLine(path)+" has no database "+oneLine(a.database), "it has "+strings.Join(names, ", "))
	}
	return litekeep.RecoveryKitOf(ctx, absolute(path), all, include, litekeep.WithClock(a.now))
}
