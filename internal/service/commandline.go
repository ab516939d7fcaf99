package service

import (
	"errors"
	"net"
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
)

// The command lines that people are told to run next. They go to the service where
// it listens: what it does is recorded and knows the keys, the copies and the
// retention. Where it does not, all of that is in the line, and nothing is pruned,
// since the retention of the command line is another one.

// line makes a command line of words.
func line(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = human.ShellWord(w)
	}
	return "litekeep " + strings.Join(quoted, " ")
}

// address is the URL of the service for people, "" where it does not listen.
func (s *Service) address() string {
	server := s.config().Server
	if server.PublicURL != "" {
		return server.PublicURL
	}
	host, port, err := net.SplitHostPort(server.Listen)
	if err != nil {
		return "" // off
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http://"
	if server.TLS.Certificate != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port)
}

// asking is the line of a command that the service does, or that of local.
func (s *Service) asking(words []string, local func() string) string {
	if url := s.address(); url != "" {
		return line(append(words, "--server", url)...)
	}
	return local()
}

// backupLine backs a database up.
func (s *Service) backupLine(k *keeper) string {
	c := k.conf.Load()
	return s.asking([]string{"backup", c.name}, func() string {
		words := []string{"backup", c.path, "--name", c.name, "--dir", c.core.BackupDirectory, "--no-prune"}
		return line(append(words, c.places()...)...)
	})
}

// placeLine says what is wrong with a place.
func (s *Service) placeLine(place string) string {
	words := []string{"destinations", "check", place}
	if s.o.File != "" && destination.Folder(place) != "" {
		words = append(words, "--config", s.o.File) // which leads to what is remembered of it
	}
	return line(words...)
}

// nextLine is what to run next after the last backup run of a database, which may be
// nil: where another backup can only fail again, it is what mends the database.
func (s *Service) nextLine(k *keeper, last *Run, l *listing) string {
	if errors.Is(l.err, destination.ErrAway) { // a backup by hand would be made where the disk is not
		return s.placeLine(k.conf.Load().core.BackupDirectory)
	}
	if last == nil || last.Kind != KindBackup {
		return s.backupLine(k)
	}
	switch sourceOf(last) {
	case sourceDamaged:
		return s.restoreLine(k, l)
	case sourceMissing, sourceNoKey:
		return s.checkLine()
	}
	return s.backupLine(k)
}

// restoreLine restores the newest good backup over a damaged database. Without one it
// saves what SQLite can still read of it.
func (s *Service) restoreLine(k *keeper, l *listing) string {
	c := k.conf.Load()
	reason := "the database is damaged"
	if c.database.Gone {
		reason = "its file is gone"
	}
	b := l.newestGood()
	switch {
	case b == nil && c.database.Gone:
		return s.checkLine() // there is nothing to restore
	case b == nil:
		return "sqlite3 " + human.ShellWord(c.path) + " .recover"
	}
	return s.asking([]string{"restore", fileOf(b), "--database", c.name, "--reason", reason}, func() string {
		return line(append([]string{"restore", b.Path, c.path}, c.keys()...)...)
	})
}

// checkLine checks the configuration that the service was started with.
func (s *Service) checkLine() string {
	words := []string{"config", "check"}
	if s.o.File != "" {
		words = append(words, "--config", s.o.File)
	}
	return line(words...)
}

// mendLine makes damaged and missing copies of a database anew, or looks at them
// where there is nothing to make them of.
func (s *Service) mendLine(k *keeper) string {
	c := k.conf.Load()
	if len(c.core.Copies) == 0 {
		return line(append([]string{"verify", c.folder()}, c.keys()...)...)
	}
	return s.asking([]string{"sync", "--database", c.name}, func() string {
		words := []string{"sync", "--full", "--database", c.name, "--dir", c.core.BackupDirectory}
		return line(append(words, c.copies()...)...)
	})
}

// hint is the way out that an error of a run tells, as it is for the service: the
// library names commands without what they need, and flags that are keys here.
func (s *Service) hint(k *keeper, err error) string {
	text := strings.ReplaceAll(hintOf(err), "--busy-timeout", "`busy_timeout:` in litekeep.yaml")
	c := k.conf.Load()
	dir := []string{"--dir", c.core.BackupDirectory}
	parts := strings.Split(text, "`")
	for i := 1; i < len(parts); i += 2 {
		switch parts[i] {
		case "litekeep sync", "litekeep sync --full":
			parts[i] = s.mendLine(k)
		case "litekeep list":
			parts[i] = s.asking([]string{"list", "--database", c.name}, func() string { return line(append([]string{"list"}, dir...)...) })
		case "litekeep verify":
			parts[i] = line(append([]string{"verify", c.folder()}, c.keys()...)...)
		case "litekeep prune":
			parts[i] = s.asking([]string{"prune", "--database", c.name}, func() string { return line(append([]string{"prune", "--dry-run"}, dir...)...) })
		case "litekeep key list", "litekeep trash list":
			parts[i] += " --dir " + human.ShellWord(c.core.BackupDirectory)
		case "litekeep destinations check":
			parts[i] = s.placeLine(c.core.BackupDirectory)
		}
	}
	return strings.Join(parts, "`")
}

// undoLine takes a restore back, whose target's content is in the safety backup.
func (s *Service) undoLine(k *keeper, safety string) string {
	c := k.conf.Load()
	return s.asking([]string{"restore", fileName(safety), "--database", c.name, "--reason", "undo a restore"}, func() string {
		return line(append([]string{"restore", safety, c.path}, c.keys()...)...)
	})
}

// infoLine shows what a backup in the first destination holds.
func (c *conf) infoLine(file string) string {
	return line(append([]string{"info", filepath.Join(c.folder(), file)}, c.keys()...)...)
}

// keys are the flags for the keys, copies those for the copies, and places both.
func (c *conf) keys() []string   { return flags("--key", c.core.Keys) }
func (c *conf) copies() []string { return flags("--copy", c.core.Copies) }
func (c *conf) places() []string { return append(c.copies(), c.keys()...) }

func flags(name string, values []string) (words []string) {
	for _, v := range values {
		words = append(words, name, v)
	}
	return words
}

// damaged reports whether a backup is known not to be what was written.
func damaged(b *litekeep.Backup) bool { return b.Damaged || b.Problem != "" }
