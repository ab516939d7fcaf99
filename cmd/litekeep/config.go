package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Write and check litekeep.yaml, the configuration of the service",
		Long: `Write and check litekeep.yaml, the configuration of the service. Every key of it is
explained in docs/CONFIGURATION.md.`,
	}
	cmd.AddCommand(a.configInitCommand(), a.configCheckCommand(), a.configSchemaCommand(), a.configReloadCommand())
	return cmd
}

// The name of the configuration where nobody says another, and the variable that does.
const (
	configFile     = "litekeep.yaml"
	configVariable = "LITEKEEP_CONFIG"
)

// configFlag adds --config, the path of litekeep.yaml.
func configFlag(f *pflag.FlagSet) *string {
	name := os.Getenv(configVariable)
	if name == "" {
		name = configFile
	}
	return f.String("config", name, "`FILE` of the configuration")
}

// loadConfig reads litekeep.yaml. What is wrong with it is wrong usage.
func loadConfig(path string) (*config.Config, error) {
	c, err := config.Load(path, os.LookupEnv)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage(err.Error(), "--config names the file; `litekeep config init DATABASE` writes one")
	case errors.Is(err, config.ErrInvalid):
		return nil, &invalidConfig{hintedError{errUsage, err.Error(), ""}, err}
	case err != nil:
		return nil, err
	}
	return c, nil
}

// invalidConfig is wrong usage that still knows the single problems.
type invalidConfig struct {
	hintedError
	cause error
}

func (e *invalidConfig) Unwrap() []error { return []error{&e.hintedError, e.cause} }

func (a *app) configReloadCommand() *cobra.Command {
	return a.asking(&cobra.Command{
		Use:   "reload [flags]",
		Short: "Make the running service read litekeep.yaml again",
		Long: `Make the running service read its litekeep.yaml again, as SIGHUP does, and say what
changed. A new address or state folder counts at the next start only, which is said. A
file that is not valid is refused, and the old configuration stays in force.`,
		Example: `  litekeep config check && litekeep config reload
  litekeep config reload --server https://backup.example --token-file token`,
		Args: exactly(),
	}, a.configReload)
}

// reloadResult is what config reload --json prints.
type reloadResult struct {
	failure
	Changes       []string `json:"changes"`
	RestartNeeded bool     `json:"restart_needed"`
}

func (a *app) configReload(cmd *cobra.Command, c *client.Client, _ []string) error {
	changes, err := c.Reload(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		restart := slices.ContainsFunc(changes, func(line string) bool { return strings.HasSuffix(line, config.AtNextStart) })
		return a.printJSON(&reloadResult{succeeded(), list(changes), restart})
	}
	if len(changes) == 0 {
		return a.printf("nothing changed\n")
	}
	for _, change := range changes {
		if err := a.printf("%s\n", change); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of litekeep.yaml, for editors",
		Long: `Print the JSON schema of litekeep.yaml. An editor that knows it completes keys, shows
what they mean and marks mistakes. With the YAML language server, put this at the top
of the file:

  # yaml-language-server: $schema=litekeep.schema.json`,
		Example: "  litekeep config schema > litekeep.schema.json",
		Args:    exactly(),
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Schema()
			if err != nil {
				return err
			}
			return a.printf("%s\n", text)
		},
	}
}
