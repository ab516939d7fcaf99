// Package litekeep backs up live SQLite databases to JSON that anyone can read,
// proves by reading back and by restoring that a backup is good, keeps backups
// for as long as a policy says, and restores safely.
//
// A Service does everything; make one with New. CreateBackup, RestoreBackup and
// CleanupOldBackups of the package use a Service that is made once from the
// environment (see ConfigFromEnv).
//
// # Words
//
// A snapshot is a private page copy of the live database. The document is the
// JSON text of one backup; it is stored in compressed frames as the object, and
// the manifest beside it says what it holds and how to check it. docs/FORMAT.md
// specifies all of them.
//
// # Databases that are open in this process
//
// SQLite's locks belong to the process. A program that has the database open
// through another SQLite library (a cgo driver, say) loses that library's locks
// when this package closes the file. Such a program runs the litekeep command
// as a process of its own instead. Programs that use modernc.org/sqlite share
// one library with this package and are safe.
package litekeep

import (
	"io"
	"log/slog"
	"runtime"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
)

// Version is the version of this package and of the command.
const Version = "0.1.0"

// A Service backs up, verifies, restores, lists and prunes. Its methods may be
// called concurrently; two that would change the same database's backups at the
// same time wait for each other as Config.LockTimeout says.
type Service struct {
	cfg      Config
	log      *slog.Logger
	now      func() time.Time
	progress func(Progress)
	disk     durable.Disk
	keys     *keyring
	allow    func(folder string) error // says what is wrong with a folder of backups
}

// An Option changes a Service when it is made.
type Option func(*Service)

// WithLogger makes the Service log to l. By default it logs nothing.
func WithLogger(l *slog.Logger) Option { return func(s *Service) { s.log = l } }

// WithClock makes the Service take the time from now.
func WithClock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// WithProgress makes the Service report how far a run has come. report is
// called often, and by one goroutine at a time for each run; it must be quick.
func WithProgress(report func(Progress)) Option { return func(s *Service) { s.progress = report } }

// WithPlaceCheck makes the Service ask check for the absolute path of every folder of
// backups, BackupDirectory and the Copies, before it reads from it or writes to it. An
// error is what is wrong with that place, and nothing is done there: a folder that
// is missing is not made. A backup whose BackupDirectory is refused is made in a folder
// below TempDirectory, or the system's, and goes to the Copies from there.
func WithPlaceCheck(check func(folder string) error) Option {
	return func(s *Service) { s.allow = check }
}

// Progress says how far a run has come.
type Progress struct {
	Phase string // wait (for the locks of others), snapshot (not of a database at rest), export, verify, build, prove, publish
	Rows  int64  // rows so far, where the phase counts them
	Bytes int64  // bytes so far
	Total int64  // bytes in all, 0 if that is not known; a guess while it is an export
}

// pages returns what reports the progress of a copy of size bytes that counts pages.
func (s *Service) pages(phase string, size int64) func(done, total int64) {
	return func(done, total int64) {
		p := Progress{Phase: phase, Total: size}
		if total > 0 {
			p.Bytes = int64(float64(size) * float64(done) / float64(total))
		}
		s.progress(p)
	}
}

// New returns a Service. The Config is checked when a method uses it.
func New(c Config, options ...Option) *Service {
	s := &Service{
		cfg:      c.resolved(),
		log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
		now:      time.Now,
		progress: func(Progress) {},
		keys:     &keyring{},
		allow:    func(string) error { return nil },
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// Config returns the configuration with its defaults filled in.
func (s *Service) Config() Config { return s.cfg }

// workers is how many goroutines share the work of a run.
func workers() int { return max(runtime.GOMAXPROCS(0), 1) }
