package litekeep

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/retention"
)

// Config says what a Service backs up, and where to. It is checked when it is
// used, so that a Service that only lists backups needs no DatabasePath.
//
// Start from DefaultConfig or ConfigFromEnv: in a Config that is written from
// scratch VerifyOnBackup is off, and a backup that was not read back never
// allows an older one to be dropped.
type Config struct {
	// DatabasePath is the SQLite database. Needed for backups only; the other
	// methods keep to its backups if it is set, else to all of BackupDirectory.
	DatabasePath string `env:"DATABASE_PATH"`
	// BackupDirectory is the folder for backups, made with mode 0700 when it
	// is missing. Default ./backups. It may be the URL of a destination, as in
	// Copies, for CreateBackup, ListBackups, BackupStats and CleanupOldBackups;
	// a backup is then made in a folder below TempDirectory, or the system's, first.
	BackupDirectory string `env:"BACKUP_DIRECTORY"`
	// RetentionDays is how many days every backup is kept. Default 7.
	RetentionDays int `env:"RETENTION_DAYS"`
	// Compression is zstd (default), gzip or none.
	Compression string `env:"COMPRESSION"`
	// CompressionLevel is 1 to 22 for zstd, 1 to 9 for gzip. 0 chooses the
	// default, the fastest.
	CompressionLevel int `env:"COMPRESSION_LEVEL"`
	// VerifyOnBackup reads each backup back before it counts.
	VerifyOnBackup bool `env:"VERIFY_ON_BACKUP" envDefault:"true"`

	// Name is the database's name among the backups. Default: the file name
	// of DatabasePath without .db, .sqlite, .sqlite3 or .db3.
	Name string `env:"NAME"`
	// TempDirectory is where the snapshot is made; it needs as much room as
	// the database. Default: inside BackupDirectory.
	TempDirectory string `env:"TEMP_DIRECTORY"`
	// BusyTimeout is how long to wait for a database that others have locked.
	// Default 30 seconds.
	BusyTimeout time.Duration `env:"BUSY_TIMEOUT"`
	// LockTimeout is how long to wait for another litekeep that works on the
	// same backups; 0 does not wait.
	LockTimeout time.Duration `env:"LOCK_TIMEOUT"`
	// KeepWithin is the age up to which every backup is kept. 0 is RetentionDays;
	// anything else wins over it. The environment takes days too: 7d, 1d12h.
	KeepWithin time.Duration `env:"KEEP_WITHIN"`
	// KeepLast is how many verified backups stay however old they are.
	// Default 1.
	KeepLast int `env:"KEEP_LAST"`
	// KeepHourly and the others are for how many hours, days, ISO weeks, months
	// and years one verified backup each stays, the first that was made in it.
	// Only those count that have one. 0 is none. A backup stays when any of these
	// fields keeps it.
	KeepHourly  int `env:"KEEP_HOURLY"`
	KeepDaily   int `env:"KEEP_DAILY"`
	KeepWeekly  int `env:"KEEP_WEEKLY"`
	KeepMonthly int `env:"KEEP_MONTHLY"`
	KeepYearly  int `env:"KEEP_YEARLY"`
	// KeepMinimum is how many of the newest verified backups stay whatever happens,
	// also where one is deleted by hand. Default 1.
	KeepMinimum int `env:"KEEP_MINIMUM"`
	// TrashGrace is how long a backup that the retention drops, or that is deleted,
	// can be taken back by Undelete. It takes as much room as before until then. 0
	// removes at once. The environment takes days too.
	TrashGrace time.Duration `env:"TRASH_GRACE"`
	// OwnRetention makes the retention above count although a service noted another one
	// beside the backups (see NoteRetention). A retention that is not the default counts
	// in any case; and any variable of it makes this true in ConfigFromEnv. TimeZone
	// alone is none.
	OwnRetention bool
	// TimeZone is where hours, days, weeks, months and years begin, for KeepHourly
	// and so on: a name of the IANA database such as Europe/Berlin, or Local for
	// the zone of the system. Default UTC.
	TimeZone string `env:"TIME_ZONE"`
	// Keys are references to the keys under which every backup is sealed, and
	// any one of which opens it:
	//
	//	file:PATH             a key file, see NewKeyFile
	//	passphrase-file:PATH  a file that holds a passphrase
	//	passphrase-env:NAME   an environment variable that holds a passphrase
	//	prompt                a question, see WithPassphrase
	//	awskms://…, gcpkms://…, azurekeyvault://…, hashivault://…
	//
	// They never hold a secret themselves. In the environment they are
	// separated by commas. Without any, backups are not sealed.
	Keys []string `env:"KEYS"`
	// Sealed makes a Config without Keys an error, so that no backup is left
	// in the clear because a setting got lost.
	Sealed bool `env:"SEALED"`
	// Copies are other destinations that each backup is copied to: folders, or
	// URLs such as s3://bucket/prefix?region=eu-central-1. A destination has the
	// retention above unless its URL says otherwise: retention_days, keep_within,
	// keep_last, keep_hourly and so on, keep_minimum, trash_grace.
	Copies []string `env:"COPIES"`
	// MinCopies is how many places, BackupDirectory included, must hold a backup
	// for it to be a success. 0 is all of them.
	MinCopies int `env:"MIN_COPIES"`
	// NoPrune leaves old backups alone after a backup.
	NoPrune bool `env:"NO_PRUNE"`
}

// DefaultConfig returns the Config that has every default, for the database at
// path.
func DefaultConfig(path string) Config {
	return Config{DatabasePath: path, VerifyOnBackup: true}.withDefaults()
}

// ConfigFromEnv reads a Config from the environment variables LITEKEEP_ and the
// name in capitals: LITEKEEP_DATABASE_PATH, LITEKEEP_BACKUP_DIRECTORY,
// LITEKEEP_RETENTION_DAYS, LITEKEEP_COMPRESSION, LITEKEEP_VERIFY_ON_BACKUP and
// so on. What is not set has its default.
func ConfigFromEnv() (Config, error) {
	own := false
	c, err := env.ParseAsWithOptions[Config](env.Options{Prefix: "LITEKEEP_", OnSet: func(variable string, value any, isDefault bool) {
		own = own || !isDefault && value != "" && isRetention(strings.TrimPrefix(variable, "LITEKEEP_"))
	}, FuncMap: map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[time.Duration](): func(text string) (any, error) {
			if d, err := time.ParseDuration(text); err == nil {
				return d, nil
			}
			return retention.ParseDuration(text)
		},
	}})
	if err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c.OwnRetention = own
	return c.withDefaults(), nil
}

// isRetention tells the variables of the environment, without LITEKEEP_, that make a
// retention somebody's own.
func isRetention(variable string) bool {
	return strings.HasPrefix(variable, "KEEP_") || variable == "RETENTION_DAYS" || variable == "TRASH_GRACE"
}

func (c Config) withDefaults() Config {
	if c.BackupDirectory == "" {
		c.BackupDirectory = "backups"
	}
	if c.RetentionDays == 0 {
		c.RetentionDays = 7
	}
	if c.Compression == "" {
		c.Compression = frame.Codecs()[0]
	}
	if c.BusyTimeout == 0 {
		c.BusyTimeout = 30 * time.Second
	}
	if c.KeepLast == 0 {
		c.KeepLast = 1
	}
	if c.KeepMinimum == 0 {
		c.KeepMinimum = 1
	}
	return c
}

// resolved returns c with its defaults and with what follows from other fields.
func (c Config) resolved() Config {
	c = c.withDefaults()
	if c.CompressionLevel == 0 {
		c.CompressionLevel = frame.DefaultLevel(c.Compression)
	}
	if c.Name == "" {
		c.Name = databaseName(c.DatabasePath)
	}
	return c
}

// century is more than anybody means: a length of time beyond it is a slip.
const century = 36500 * 24 * time.Hour

// checkRetention reports the fields of the retention that are wrong.
func (c Config) checkRetention(field func(bad bool, name, format string, args ...any)) {
	field(c.RetentionDays < 0, "RetentionDays", "%d is negative", c.RetentionDays)
	field(c.RetentionDays > 36500, "RetentionDays", "%d is more than a hundred years", c.RetentionDays)
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"KeepWithin", c.KeepWithin}, {"TrashGrace", c.TrashGrace}} {
		field(f.d < 0, f.name, "%v is negative", f.d)
		field(f.d > century, f.name, "%v is more than a hundred years", f.d)
	}
	for _, f := range []struct {
		name string
		n    int
	}{
		{"KeepLast", c.KeepLast},
		{"KeepHourly", c.KeepHourly},
		{"KeepDaily", c.KeepDaily},
		{"KeepWeekly", c.KeepWeekly},
		{"KeepMonthly", c.KeepMonthly},
		{"KeepYearly", c.KeepYearly},
		{"KeepMinimum", c.KeepMinimum},
	} {
		field(f.n < 0, f.name, "%d is negative", f.n)
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		field(true, "TimeZone", "%q is no time zone that is known here; write Europe/Berlin, UTC or Local", c.TimeZone)
	}
}

// policy is the retention of the BackupDirectory, and of destinations that have
// none of their own.
func (c Config) policy() retention.Policy {
	p := retention.Policy{
		KeepWithin: c.KeepWithin, KeepLast: c.KeepLast, KeepHourly: c.KeepHourly, KeepDaily: c.KeepDaily, KeepWeekly: c.KeepWeekly,
		KeepMonthly: c.KeepMonthly, KeepYearly: c.KeepYearly, KeepMinimum: c.KeepMinimum,
	}
	if p.KeepWithin == 0 {
		p.KeepWithin = time.Duration(c.RetentionDays) * 24 * time.Hour
	}
	// A zone that is not known is found by Validate; nil is UTC.
	p.Location, _ = time.LoadLocation(c.TimeZone)
	return p
}

// Validate returns an error that matches ErrConfig and names every field that
// is wrong. A missing DatabasePath is not wrong here, see Config.
func (c Config) Validate() error {
	c = c.resolved()
	var wrong []error
	field := func(bad bool, name, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
		}
	}
	c.checkRetention(field)
	field(c.BusyTimeout < 0, "BusyTimeout", "%v is negative", c.BusyTimeout)
	field(c.LockTimeout < 0, "LockTimeout", "%v is negative", c.LockTimeout)
	field(c.Name != "" && c.Name != cleanName(c.Name), "Name", "%q cannot name a folder; %q can", c.Name, cleanName(c.Name))
	field(destination.IsURL(c.BackupDirectory), "BackupDirectory",
		"is a URL; this works on a folder of backups")
	if err := destination.Check(c.BackupDirectory); err != nil && !destination.IsURL(c.BackupDirectory) {
		field(true, "BackupDirectory", "%v", err)
	}
	for i, text := range c.Copies {
		if err := destination.Check(text); err != nil {
			field(true, "Copies", "%d: %v", i+1, err)
		}
	}
	field(c.MinCopies < 0 || c.MinCopies > 1+len(c.Copies), "MinCopies", "%d of %d places", c.MinCopies, 1+len(c.Copies))
	for i, ref := range c.Keys {
		if _, err := keys.ParseSource(ref); err != nil {
			field(true, "Keys", "%d: %v", i+1, err)
		}
	}
	field(c.Sealed && !c.sealed(), "Sealed", "backups are to be sealed, but no key is given")
	if err := c.compression().Check(); err != nil {
		field(true, "Compression", "%v", err)
	}
	if len(wrong) == 0 {
		return nil
	}
	return &Error{Op: "configuration", Kind: ErrConfig, Err: errors.Join(wrong...)}
}

// validateAnywhere is Validate for what can be done to a destination, too.
func (c Config) validateAnywhere() error {
	if destination.IsURL(c.BackupDirectory) {
		if err := destination.Check(c.BackupDirectory); err != nil {
			return &Error{Op: "configuration", Kind: ErrConfig, Err: fmt.Errorf("BackupDirectory: %w", err)}
		}
		c.BackupDirectory = ""
	}
	return c.Validate()
}

func (c Config) compression() frame.Compression {
	return frame.Compression{Codec: c.Compression, Level: c.CompressionLevel}
}

// databaseName derives the name of a database's folder from its path.
func databaseName(path string) string {
	if path == "" {
		return ""
	}
	name := filepath.Base(path)
	for _, ext := range []string{".db", ".sqlite", ".sqlite3", ".db3"} {
		if len(name) > len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext) {
			name = name[:len(name)-len(ext)]
			break
		}
	}
	return cleanName(name)
}

// cleanName makes a name fit for a folder on every system: no separators,
// control characters or characters that Windows reserves, no leading dot (such
// folders are not databases'), no trailing dot or space, 200 bytes at most.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) || r == '\uFFFD' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	for len(name) > 200 {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	name = strings.TrimRight(name, ". ")
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	if name == "" {
		name = "_"
	}
	return name
}
