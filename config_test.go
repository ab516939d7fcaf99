package litekeep_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep"
)

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	want := litekeep.Config{
		BackupDirectory: "backups", RetentionDays: 7, Compression: "zstd", CompressionLevel: 1,
		BusyTimeout: 30 * time.Second, KeepLast: 1, KeepMinimum: 1,
	}
	if diff := cmp.Diff(want, litekeep.New(litekeep.Config{}).Config()); diff != "" {
		t.Errorf("the zero Config (- want, + got):\n%s", diff)
	}
	want.VerifyOnBackup, want.DatabasePath, want.Name = true, "/srv/shop.sqlite", "shop"
	if diff := cmp.Diff(want, litekeep.New(litekeep.DefaultConfig("/srv/shop.sqlite")).Config()); diff != "" {
		t.Errorf("DefaultConfig (- want, + got):\n%s", diff)
	}
}

// TestConfigChanged changes fields of a Config that has its defaults: what
// follows from the fields must follow the change.
func TestConfigChanged(t *testing.T) {
	t.Parallel()
	c := litekeep.DefaultConfig("/srv/old.db")
	c.DatabasePath = "/srv/new.db3"
	if got := litekeep.New(c).Config().Name; got != "new" {
		t.Errorf("Name is %q", got)
	}
	for _, codec := range []string{"gzip", "none", "zstd"} {
		c.Compression = codec
		if err := c.Validate(); err != nil {
			t.Errorf("Compression %s: %v", codec, err)
		}
		if got := litekeep.New(c).Config(); (got.CompressionLevel == 0) != (codec == "none") {
			t.Errorf("the level of %s is %d", codec, got.CompressionLevel)
		}
	}
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Compression = "gzip" })
	if b := w.backup(); !strings.HasSuffix(b.Path, ".json.gz") || b.Compression != "gzip" {
		t.Errorf("the backup is %s, by %s", b.Path, b.Compression)
	}
}

func TestConfigName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":                             "",
		"app.db":                       "app",
		"/a/b/app.SQLite3":             "app",
		"app.sqlite":                   "app",
		"app.tar.db":                   "app.tar",
		"app":                          "app",
		".db":                          "_db",
		".hidden.db":                   "_hidden",
		"a:b*c.db":                     "a_b_c",
		"line\nfeed.db":                "line_feed",
		"not\xffutf8.db":               "not_utf8",
		"dots...":                      "dots",
		"ünï cöde.db":                  "ünï cöde",
		strings.Repeat("x", 300):       strings.Repeat("x", 200),
		strings.Repeat("é", 150):       strings.Repeat("é", 100),
		filepath.Join("/srv", "a?.db"): "a_",
	} {
		if got := litekeep.New(litekeep.DefaultConfig(path)).Config().Name; got != want {
			t.Errorf("the name of %q is %q, want %q", path, got, want)
		}
	}
}

func TestConfigWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*litekeep.Config)
		fields []string
	}{
		{"negative days", func(c *litekeep.Config) { c.RetentionDays = -1 }, []string{"RetentionDays"}},
		{"a century", func(c *litekeep.Config) { c.RetentionDays = 36501 }, []string{"RetentionDays"}},
		{"negative minimum", func(c *litekeep.Config) { c.KeepLast = -1 }, []string{"KeepLast"}},
		{"no time at all", func(c *litekeep.Config) { c.KeepWithin = -time.Hour }, []string{"KeepWithin", "-1h"}},
		{"too much time", func(c *litekeep.Config) { c.KeepWithin = 36501 * 24 * time.Hour }, []string{"KeepWithin", "hundred"}},
		{"negative numbers", func(c *litekeep.Config) {
			c.KeepHourly, c.KeepDaily, c.KeepWeekly, c.KeepMonthly, c.KeepYearly, c.KeepMinimum = -1, -2, -3, -4, -5, -6
		}, []string{"KeepHourly", "KeepDaily", "KeepWeekly", "KeepMonthly", "KeepYearly", "KeepMinimum"}},
		{"negative grace", func(c *litekeep.Config) { c.TrashGrace = -1 }, []string{"TrashGrace"}},
		{"unknown zone", func(c *litekeep.Config) { c.TimeZone = "Europe/Atlantis" }, []string{"TimeZone", "Atlantis"}},
		{"negative busy timeout", func(c *litekeep.Config) { c.BusyTimeout = -1 }, []string{"BusyTimeout"}},
		{"negative lock timeout", func(c *litekeep.Config) { c.LockTimeout = -1 }, []string{"LockTimeout"}},
		{"unknown codec", func(c *litekeep.Config) { c.Compression = "lz4" }, []string{"Compression", "lz4"}},
		{"level too high", func(c *litekeep.Config) { c.CompressionLevel = 23 }, []string{"Compression", "23"}},
		{"level of gzip", func(c *litekeep.Config) { c.Compression, c.CompressionLevel = "gzip", 10 }, []string{"Compression", "10"}},
		{"level of none", func(c *litekeep.Config) { c.Compression, c.CompressionLevel = "none", 1 }, []string{"Compression"}},
		{"path as name", func(c *litekeep.Config) { c.Name = "../up" }, []string{"Name", "../up"}},
		{"hidden name", func(c *litekeep.Config) { c.Name = ".tmp" }, []string{"Name", ".tmp"}},
		{"all at once", func(c *litekeep.Config) {
			c.RetentionDays, c.KeepLast, c.BusyTimeout, c.LockTimeout = -1, -1, -1, -1
			c.Compression, c.Name = "rar", "a/b"
		}, []string{"RetentionDays", "KeepLast", "BusyTimeout", "LockTimeout", "Compression", "Name"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, test.change)
			before := tree(t, w.dir)
			for call, err := range everyCall(w) {
				if !errors.Is(err, litekeep.ErrConfig) {
					t.Errorf("%s: %v", call, err)
					continue
				}
				for _, field := range test.fields {
					if !strings.Contains(err.Error(), field) {
						t.Errorf("%s does not name %s: %v", call, field, err)
					}
				}
			}
			unchanged(t, w.dir, before)
		})
	}
}

// everyCall returns the errors of all calls that use the Config.
func everyCall(w *world) map[string]error {
	ctx, errs := w.t.Context(), map[string]error{}
	errs["Validate"] = w.Config().Validate()
	_, errs["CreateBackup"] = w.CreateBackup(ctx)
	_, errs["PlanBackup"] = w.PlanBackup(ctx)
	_, errs["ListBackups"] = w.ListBackups(ctx)
	_, errs["BackupStats"] = w.BackupStats(ctx)
	_, errs["CleanupOldBackups"] = w.CleanupOldBackups(ctx, false)
	return errs
}

func TestConfigWithoutDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	s := w.service(func(c *litekeep.Config) { c.DatabasePath = "" })
	_, made := s.CreateBackup(t.Context())
	_, planned := s.PlanBackup(t.Context())
	for _, err := range []error{made, planned} {
		if !errors.Is(err, litekeep.ErrConfig) || !strings.Contains(err.Error(), "DatabasePath") {
			t.Errorf("a backup of no database: %v", err)
		}
	}
	list, err := s.ListBackups(t.Context())
	if err != nil || len(list) != 1 || list[0].Path != b.Path {
		t.Errorf("listing all databases: %v, %v", list, err)
	}
}

func TestConfigFromEnv(t *testing.T) {
	for name, value := range map[string]string{
		"DATABASE_PATH": "/srv/shop.db", "BACKUP_DIRECTORY": "/backups", "RETENTION_DAYS": "30",
		"COMPRESSION": "gzip", "COMPRESSION_LEVEL": "9", "VERIFY_ON_BACKUP": "false", "NAME": "store",
		"TEMP_DIRECTORY": "/scratch", "BUSY_TIMEOUT": "90s", "LOCK_TIMEOUT": "2m", "KEEP_LAST": "3", "NO_PRUNE": "true",
		"KEEP_WITHIN": "1d12h", "KEEP_HOURLY": "24", "KEEP_DAILY": "7", "KEEP_WEEKLY": "4", "KEEP_MONTHLY": "12", "KEEP_YEARLY": "2",
		"KEEP_MINIMUM": "2", "TRASH_GRACE": "48h", "TIME_ZONE": "Europe/Berlin",
		"KEYS": "file:/a.key,passphrase-env:PHRASE", "SEALED": "true",
	} {
		t.Setenv("LITEKEEP_"+name, value)
	}
	got, err := litekeep.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	want := litekeep.Config{
		DatabasePath: "/srv/shop.db", BackupDirectory: "/backups", RetentionDays: 30, Compression: "gzip",
		CompressionLevel: 9, Name: "store", TempDirectory: "/scratch", BusyTimeout: 90 * time.Second,
		LockTimeout: 2 * time.Minute, KeepLast: 3, NoPrune: true,
		KeepWithin: 36 * time.Hour, KeepHourly: 24, KeepDaily: 7, KeepWeekly: 4, KeepMonthly: 12, KeepYearly: 2,
		KeepMinimum: 2, TrashGrace: 48 * time.Hour, TimeZone: "Europe/Berlin",
		Keys: []string{"file:/a.key", "passphrase-env:PHRASE"}, Sealed: true, OwnRetention: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
}

// TestOwnRetentionFromEnv wants every variable of the retention, also one that says no
// more than the default, to count as a retention of one's own, and no other.
func TestOwnRetentionFromEnv(t *testing.T) {
	for variable, test := range map[string]struct {
		value string
		own   bool
	}{
		"RETENTION_DAYS": {"7", true}, "KEEP_WITHIN": {"7d", true}, "KEEP_LAST": {"1", true}, "KEEP_HOURLY": {"0", true},
		"KEEP_DAILY": {"0", true}, "KEEP_WEEKLY": {"0", true}, "KEEP_MONTHLY": {"0", true}, "KEEP_YEARLY": {"0", true},
		"KEEP_MINIMUM": {"1", true}, "TRASH_GRACE": {"0s", true},
		"TIME_ZONE": {"Europe/Berlin", false}, "NO_PRUNE": {"true", false}, "NAME": {"app", false}, "SEALED": {"false", false},
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv("LITEKEEP_"+variable, test.value)
			c, err := litekeep.ConfigFromEnv()
			if err != nil || c.OwnRetention != test.own {
				t.Errorf("own %v, %v", c.OwnRetention, err)
			}
			t.Setenv("LITEKEEP_"+variable, "")
			if c, err := litekeep.ConfigFromEnv(); err != nil || c.OwnRetention {
				t.Errorf("set to nothing: own %v, %v", c.OwnRetention, err)
			}
		})
	}
}

func TestConfigFromEmptyEnv(t *testing.T) {
	t.Setenv("LITEKEEP_COMPRESSION", "") // set, but to nothing
	t.Setenv("LITEKEEP_KEYS", "")
	got, err := litekeep.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(litekeep.DefaultConfig(""), got); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
}

func TestConfigFromWrongEnv(t *testing.T) {
	for field, value := range map[string]string{
		"RETENTION_DAYS": "a week", "VERIFY_ON_BACKUP": "perhaps", "BUSY_TIMEOUT": "30", "KEEP_LAST": "1.5",
		"COMPRESSION_LEVEL": "best", "KEEP_WITHIN": "7", "TRASH_GRACE": "-1d",
	} {
		t.Run(field, func(t *testing.T) {
			t.Setenv("LITEKEEP_"+field, value)
			_, err := litekeep.ConfigFromEnv()
			if !errors.Is(err, litekeep.ErrConfig) {
				t.Fatalf("not refused: %v", err)
			}
			if !strings.Contains(strings.ReplaceAll(strings.ToUpper(err.Error()), "_", ""), strings.ReplaceAll(field, "_", "")) {
				t.Errorf("the error does not name the field: %v", err)
			}
		})
	}
	t.Run("two", func(t *testing.T) {
		t.Setenv("LITEKEEP_RETENTION_DAYS", "x")
		t.Setenv("LITEKEEP_KEEP_LAST", "y")
		_, err := litekeep.ConfigFromEnv()
		if err == nil || !strings.Contains(err.Error(), "RetentionDays") || !strings.Contains(err.Error(), "KeepLast") {
			t.Errorf("not both fields are named: %v", err)
		}
	})
}
