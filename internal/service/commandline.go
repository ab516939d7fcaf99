package service

import (
	"net"
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep"
)

// The command lines that people are told to run next. They go to the service where
// it listens: what it does is recorded and knows the keys, the copies and the
// retention. Where it does not, all of that is in the line, and nothing is pruned,
// since the retention of the command line is another one.

// line makes a command line of words.
func line(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return "litekeep " + strings.Join(quoted, " ")
}

// address is the URL of the service for people, "" where it does not listen.
func (s *Service) address() string {
	s.mu.Lock()
	server := s.cfg.Server
	s.mu.Unlock()
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
