package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
)

// configInitResult is the JSON of config init.
type configInitResult struct {
	failure
	Path      string               `json:"path"`
	Databases []configDatabaseJSON `json:"databases"`
}

type configDatabaseJSON struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

func (a *app) configInitCommand() *cobra.Command {
	var output, state string
	cmd := &cobra.Command{
		Use:   "init DATABASE... [flags]",
		Short: "Write a first litekeep.yaml for some databases",
		Long: `Write a litekeep.yaml with comments that keeps the databases safe: every night at
02:00, into the folder --dir, with daily, weekly and monthly backups. An existing file
is never replaced. The file is readable by its owner alone.`,
		Example: `  litekeep config init --dir /var/backups/litekeep /srv/app/app.db /srv/shop/shop.db
  litekeep config check`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("DATABASE")(cmd, args)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.configInit(args, output, state) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&output, "output", "o", configFile, "write to `FILE`; - is standard output")
	f.StringVar(&a.cfg.BackupDirectory, "dir", a.cfg.BackupDirectory, "`FOLDER` for the backups")
	f.StringVar(&state, "state", stateFolder(), "`FOLDER` for the service's own state")
	a.jsonFlag(f)
	return cmd
}

// stateFolder is where a service of this user keeps its state: that of the system for
// root, else one in the home as the XDG base directory specification has it.
func stateFolder() string {
	folder := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); !filepath.IsAbs(folder) && err == nil {
		folder = filepath.Join(home, ".local", "state")
	}
	if os.Geteuid() == 0 || !filepath.IsAbs(folder) {
		return config.Default().State
	}
	return filepath.Join(folder, "litekeep")
}

func (a *app) configInit(paths []string, output, state string) error {
	sample, err := sampleOf(paths)
	if err != nil {
		return err
	}
	if destination.IsURL(a.cfg.BackupDirectory) {
		return usage("config init: --dir must be a folder", "add the URL to the destinations in the file")
	}
	if err := destination.Check(a.cfg.BackupDirectory); err != nil {
		return usage("config init: --dir: "+err.Error(), "")
	}
	if sample.Destination, err = filepath.Abs(a.cfg.BackupDirectory); err != nil {
		return err
	}
	if sample.State, err = filepath.Abs(state); err != nil {
		return err
	}
	text, err := sample.File()
	if err != nil {
		return err
	}
	if output == "-" {
		return a.printf("%s", text)
	}
	// What is written must be what the service takes; a path with a line feed is not.
	if _, err := config.Parse(output, text, os.LookupEnv); err != nil {
		return usage("config init: "+err.Error(), "")
	}
	if err := (durable.Disk{}).WriteFile(output, text, durable.FilePerm); errors.Is(err, fs.ErrExist) {
		return &hintedError{nil, "config init: " + output + " is there already", "--output names another file; `litekeep config check` checks this one"}
	} else if err != nil {
		return fmt.Errorf("config init: %w", err)
	}
	return a.printInit(output, sample)
}

func (a *app) printInit(output string, sample *config.Sample) error {
	out := configInitResult{failure: succeeded(), Path: output}
	r := newReport("wrote", output)
	for _, db := range sample.Databases {
		out.Databases = append(out.Databases, configDatabaseJSON(db))
		r.add("database", "%s: %s", db.Name, db.Path)
	}
	switch {
	case a.json:
		return a.printJSON(out)
	case a.quiet:
		return nil
	}
	check := "litekeep config check"
	if output != configFile {
		check += " --config " + shellQuote(output)
	}
	r.add("next", "%s", check)
	return a.printf("%s", r.b.String())
}

// sampleOf finds a name for each database.
func sampleOf(paths []string) (*config.Sample, error) {
	s := &config.Sample{}
	infos := map[string]fs.FileInfo{}
	taken := map[string]bool{}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, usage("config init: "+err.Error(), "")
		case info.IsDir():
			return nil, usage("config init "+path+": is a folder, not a database", "name the database file in it")
		case !info.Mode().IsRegular():
			return nil, usage("config init "+path+": is not a file", "")
		}
		for other, known := range infos {
			if os.SameFile(info, known) {
				return nil, usage("config init "+path+": is the same file as "+other, "")
			}
		}
		infos[path] = info
		name := freeName(path, taken)
		taken[strings.ToLower(name)] = true
		s.Databases = append(s.Databases, config.SampleDatabase{Name: name, Path: path})
	}
	return s, nil
}

// freeName is the name that the library gives a database; where another has it, with
// the folder before it, or a number behind.
func freeName(path string, taken map[string]bool) string {
	own := func(path string) string { return litekeep.New(litekeep.Config{DatabasePath: path}).Config().Name }
	name := own(path)
	if !taken[strings.ToLower(name)] {
		return name
	}
	if folder := filepath.Base(filepath.Dir(path)); folder != string(filepath.Separator) {
		name = own(folder + "-" + filepath.Base(path))
	}
	numbered := name
	for n := 2; taken[strings.ToLower(numbered)]; n++ {
		numbered = fmt.Sprintf("%s-%d", name, n)
	}
	return numbered
}
