package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
)

// versionResult is the JSON of version.
type versionResult struct {
	failure
	Version  string `json:"version"`
	SQLite   string `json:"sqlite"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Print the version",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			v := versionResult{succeeded(), litekeep.Version, litekeep.SQLiteVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if a.json {
				return a.printJSON(v)
			}
			return a.printf("litekeep %s (SQLite %s, %s, %s)\n", v.Version, v.SQLite, v.Go, v.Platform)
		},
	}
	a.jsonFlag(cmd.Flags())
	return cmd
}
