package config

import "time"

const day = 24 * time.Hour

// The values that some keys have in words.
const (
	Off = "off" // schedule, server.listen

	VerifyFull     = "full"
	VerifyReadBack = "read-back"
	VerifyNone     = "none"

	TypeEmail     = "email"
	TypeSlack     = "slack"
	TypeWebhook   = "webhook"
	TypeHeartbeat = "heartbeat"

	StartTLS    = "starttls"
	ImplicitTLS = "tls"
	NoTLS       = "none"
)

// Events are what a channel can be told of, by the names in its events.
func Events() []string {
	return []string{
		"failed", "recovered", "overdue", "hung", "shrunken", "destination-down", "destination-up",
		"verification-failed", "disk-low", "disk-ok", "restore-done", "started", "config-refused",
		"joined", "gone", "left-out",
	}
}

// Default returns the Config of a file that says nothing. It has no database and no
// destination, so it is not a valid one.
func Default() *Config {
	return &Config{
		State: "/var/lib/litekeep",
		Defaults: Settings{
			Schedule: "0 2 * * *", // at night, after the day's work
			TimeZone: "Local",     // as cron has it
			Spread:   derived,
			// The rest of a frame costs more at the next level than it saves: docs/BENCHMARKS.md.
			Compression: "zstd",
			Verify:      VerifyReadBack,
			TimeLimit:   time.Hour,
			Shrink:      50,
			Prune:       true,
			Retention:   Retention{Within: 7 * day, Last: 1, Minimum: 1, Trash: 3 * day},
			BusyTimeout: 30 * time.Second,
		},
		Notifications: Notifications{Group: 5 * time.Minute, Repeat: day, Limit: 20, DiskLow: 1 << 30},
		Server:        Server{Listen: "127.0.0.1:8420", Sessions: 12 * time.Hour},
		Runs: Runs{
			Parallel: 2, // so that one run that hangs does not hold up all others
			Retries:  3, RetryAfter: time.Minute, Grace: 30 * time.Second, History: 365 * day,
		},
	}
}

// derived stands for a Spread that nobody wrote, until the schedule is known.
const derived time.Duration = -1
