package litekeep

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/keys"
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
	// is missing. Default ./backups.
	BackupDirectory string `env:"BACKUP_DIRECTORY"`
	// RetentionDays is how many days a backup is kept. Default 7.
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
	// KeepLast is how many verified backups stay however old they are.
	// Default 1.
	KeepLast int `env:"KEEP_LAST"`
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
	// retention above unless its URL says retention_days or keep_last.
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
	c, err := env.ParseAsWithOptions[Config](env.Options{Prefix: "LITEKEEP_"})
	if err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c.withDefaults(), nil
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
	field(c.RetentionDays < 0, "RetentionDays", "%d is negative", c.RetentionDays)
	field(c.RetentionDays > 36500, "RetentionDays", "%d is more than a hundred years", c.RetentionDays)
	field(c.KeepLast < 0, "KeepLast", "%d is negative", c.KeepLast)
	field(c.BusyTimeout < 0, "BusyTimeout", "%v is negative", c.BusyTimeout)
	field(c.LockTimeout < 0, "LockTimeout", "%v is negative", c.LockTimeout)
	field(c.Name != "" && c.Name != cleanName(c.Name), "Name", "%q cannot name a folder; %q can", c.Name, cleanName(c.Name))
	field(destination.IsURL(c.BackupDirectory), "BackupDirectory",
		"is a URL; a backup goes to a folder first, and from there to the destinations in Copies (--copy)")
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
