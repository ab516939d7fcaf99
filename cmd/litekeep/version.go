package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
)

// versionResult is the JSON of version.
type versionResult struct {
	failure
	Version  string  `json:"version"`
	SQLite   string  `json:"sqlite"`
	Go       string  `json:"go"`
	Platform string  `json:"platform"`
	Commit   *string `json:"commit"`
	Time     *string `json:"commit_time"`
	Modified bool    `json:"modified"`
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Print the version, and what it was built from",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			v := version(debug.ReadBuildInfo())
			if a.json {
				return a.printJSON(v)
			}
			return a.printf("%s", v.text())
		},
	}
	a.jsonFlag(cmd.Flags())
	return cmd
}

// text is the result for people.
func (v versionResult) text() string {
	text := fmt.Sprintf("litekeep %s (SQLite %s, %s, %s)\n", v.Version, v.SQLite, v.Go, v.Platform)
	if v.Commit == nil {
		return text
	}
	changed := ""
	if v.Modified {
		changed = ", with changes that are in no commit"
	}
	return text + fmt.Sprintf("commit %s of %s%s\n", *v.Commit, *v.Time, changed)
}

// version says what this program is. Go stamps the commit into what is built from a
// checkout with git; a build from the module proxy has none.
func version(info *debug.BuildInfo, ok bool) versionResult {
	v := versionResult{
		failure: succeeded(), Version: litekeep.Version, SQLite: litekeep.SQLiteVersion(),
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if !ok {
		return v
	}
	stamp := map[string]string{}
	for _, s := range info.Settings {
		stamp[s.Key] = s.Value
	}
	if stamp["vcs.revision"] != "" && stamp["vcs.time"] != "" {
		v.Commit, v.Time = orNull(stamp["vcs.revision"]), orNull(stamp["vcs.time"])
		v.Modified = stamp["vcs.modified"] == "true"
	}
	return v
}
