package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/notify"
)

func (a *app) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Try the channels on which people are told",
		Long: `Try the channels of litekeep.yaml on which people are told what they must know.
docs/NOTIFICATIONS.md says what is told when.`,
	}
	cmd.AddCommand(a.notifyTestCommand())
	return cmd
}

// channelTest is what became of one test message.
type channelTest struct {
	Channel string `json:"channel"`
	Type    string `json:"type"`
	OK      bool   `json:"ok"`
	Error   string `json:"error,omitempty"`
}

// notifyTestResult is what notify test --json prints.
type notifyTestResult struct {
	failure
	Channels []channelTest `json:"channels"`
}

func (a *app) notifyTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test [CHANNEL…] [flags]",
		Short: "Send a test message through channels",
		Long: `Send a test message through the channels that are named, or through all. The message is
sent from here, whether the service runs or not; it waits in no queue and counts for no
limit. The exit code is 1 if a channel did not take it.`,
		Example: `  litekeep notify test
  litekeep notify test ops --config /etc/litekeep/litekeep.yaml`,
	}
	f := cmd.Flags()
	f.SortFlags = false
	path := configFlag(f)
	a.jsonFlag(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := loadConfig(*path)
		if err != nil {
			return err
		}
		tests, err := a.testChannels(cmd.Context(), c, args)
		if a.json {
			return a.printOutcome(cmd.Context(), &notifyTestResult{succeeded(), tests}, err)
		}
		for _, t := range tests {
			line := fmt.Sprintf("%s (%s): sent\n", t.Channel, t.Type)
			if !t.OK {
				line = fmt.Sprintf("%s (%s): failed: %s\n", t.Channel, t.Type, t.Error)
			}
			err = errors.Join(err, a.printf("%s", line))
		}
		return err
	}
	return cmd
}

// testChannels sends a message through the channels called names, or all.
func (a *app) testChannels(ctx context.Context, c *config.Config, names []string) ([]channelTest, error) {
	tests := []channelTest{}
	targets, err := daemon.Targets(c, a.now)
	if err != nil {
		return tests, err
	}
	if len(targets) == 0 {
		return tests, usage("the configuration has no channels", "add one to notifications.channels")
	}
	host, err := os.Hostname()
	if err != nil {
		host = "" // the message does without
	}
	center, err := notify.New(ctx, targets, notify.NewMemory(), notify.Options{Host: host, Now: a.now})
	if err != nil {
		return tests, err
	}
	if len(names) == 0 {
		for _, t := range targets {
			names = append(names, t.Name)
		}
	}
	failed := 0
	for _, name := range names {
		t := channelTest{Channel: name, OK: true}
		for _, known := range targets {
			if known.Name == name {
				t.Type = known.Type
			}
		}
		err := center.Test(ctx, name)
		if errors.Is(err, notify.ErrNoChannel) {
			return tests, usage("the configuration has no channel "+name, "notifications.channels lists them")
		}
		if err != nil {
			failed++
			t.OK, t.Error = false, err.Error()
		}
		tests = append(tests, t)
	}
	if failed > 0 {
		return tests, fmt.Errorf("%d of %d channels failed", failed, len(names))
	}
	return tests, nil
}
