package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
)

// variables are the environment variables and the flags whose defaults they are.
var variables = []struct{ name, flag string }{
	{"LITEKEEP_DATABASE_PATH", "DATABASE"},
	{"LITEKEEP_BACKUP_DIRECTORY", "--dir"},
	{"LITEKEEP_RETENTION_DAYS", "--retention-days"},
	{"LITEKEEP_KEEP_WITHIN", "--keep-within"},
	{"LITEKEEP_KEEP_LAST", "--keep-last"},
	{"LITEKEEP_KEEP_HOURLY", "--keep-hourly"},
	{"LITEKEEP_KEEP_DAILY", "--keep-daily"},
	{"LITEKEEP_KEEP_WEEKLY", "--keep-weekly"},
	{"LITEKEEP_KEEP_MONTHLY", "--keep-monthly"},
	{"LITEKEEP_KEEP_YEARLY", "--keep-yearly"},
	{"LITEKEEP_KEEP_MINIMUM", "--keep-minimum"},
	{"LITEKEEP_TRASH_GRACE", "--trash-grace"},
	{"LITEKEEP_TIME_ZONE", "--time-zone"},
	{"LITEKEEP_COMPRESSION", "--compress"},
	{"LITEKEEP_COMPRESSION_LEVEL", "--level"},
	{"LITEKEEP_VERIFY_ON_BACKUP", "--no-verify, the other way round"},
	{"LITEKEEP_NAME", "--name, --database"},
	{"LITEKEEP_TEMP_DIRECTORY", "--temp-dir"},
	{"LITEKEEP_BUSY_TIMEOUT", "--busy-timeout"},
	{"LITEKEEP_LOCK_TIMEOUT", "--wait"},
	{"LITEKEEP_NO_PRUNE", "--no-prune"},
	{"LITEKEEP_COPIES", "--copy, several separated by commas"},
	{"LITEKEEP_MIN_COPIES", "--min-copies"},
	{"LITEKEEP_KEYS", "--key, several separated by commas"},
	{"LITEKEEP_SEALED", "--sealed"},
	{serverVariable, "--server"},
	{tokenVariable, "--token-file, or rather the token in it"},
	{"LITEKEEP_CONFIG", "--config"},
	{"LITEKEEP_STATE", "state in litekeep.yaml"},
	{"LITEKEEP_LISTEN", "server.listen in litekeep.yaml"},
	{"LITEKEEP_TLS_CERTIFICATE", "server.tls.certificate in litekeep.yaml"},
	{"LITEKEEP_TLS_KEY", "server.tls.key in litekeep.yaml"},
	{"LITEKEEP_PUBLIC_URL", "server.public_url in litekeep.yaml"},
}

// fromEnvironment returns the configuration that flags begin with.
func fromEnvironment() (litekeep.Config, error) {
	c, err := litekeep.ConfigFromEnv()
	if err != nil {
		c = litekeep.DefaultConfig("")
		err = &hintedError{litekeep.ErrConfig, "environment: " + err.Error(), "`litekeep --help` lists the variables"}
	}
	return c, err
}

func (a *app) dirFlag(f *pflag.FlagSet) {
	f.StringVar(&a.cfg.BackupDirectory, "dir", a.cfg.BackupDirectory, "`FOLDER` of the backups, or the URL of a destination (s3://, gs://, azblob://) for backup, list, stats and prune")
}

func (a *app) jsonFlag(f *pflag.FlagSet) {
	f.BoolVar(&a.json, "json", false, "print one JSON object for programs (docs/CLI.md)")
}

func (a *app) waitFlags(f *pflag.FlagSet) {
	f.DurationVar(&a.cfg.BusyTimeout, "busy-timeout", a.cfg.BusyTimeout, "wait `TIME` for a database that others have locked")
	a.lockFlag(f)
}

func (a *app) lockFlag(f *pflag.FlagSet) {
	f.DurationVar(&a.cfg.LockTimeout, "wait", a.cfg.LockTimeout, "wait `TIME` for another litekeep that works on the same backups")
}

// checkNumbers refuses zeros that would stand for a default in a Config, and
// turns those that mean "not at all" into what the Config has for it.
func (a *app) checkNumbers(f *pflag.FlagSet) error {
	for _, name := range []string{"retention-days", "keep-within", "keep-last", "keep-minimum", "level"} {
		flag := f.Lookup(name)
		if flag != nil && flag.Changed && flag.Value.String() == "0" {
			least := "the least is 1"
			if flag.Value.Type() != "int" {
				least = "give a time such as 7d"
			}
			return usage(fmt.Sprintf("--%s: 0 is too little; %s", name, least), "")
		}
	}
	if days := f.Lookup("retention-days"); days != nil && days.Changed && !f.Changed("keep-within") {
		a.cfg.KeepWithin = 0 // that of the environment would win
	}
	if flag := f.Lookup("busy-timeout"); flag != nil && a.cfg.BusyTimeout == 0 {
		a.cfg.BusyTimeout = time.Nanosecond
	}
	return nil
}
