package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/litekeep/litekeep/internal/durable"
)

// found is what a pattern matches.
type found struct {
	files   []string        // sorted; none where there are too many
	gone    map[string]bool // the paths of members where no file is any more
	misfits []Misfit
}

// A Finder looks for the files that patterns match. It remembers which of them have
// folders that do not answer, and does not look for these again before the look that
// nobody waits for any more has ended: with a file system that is away for days, looks
// would pile up. The zero value knows of none.
type Finder struct {
	mu   sync.Mutex
	deaf map[string]int // looks that nobody waits for, by pattern
}

// begin begins to look for the files that a pattern matches, and whether those of
// members are there. The channel is closed without an answer where that is not to be done.
func (x *Finder) begin(ctx context.Context, pattern string, s *searcher, members []Member) <-chan found {
	answer := make(chan found, 1)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.deaf[pattern] > 0 {
		close(answer)
		return answer
	}
	go func() {
		s.found.gone = map[string]bool{}
		s.search(pattern)
		for _, m := range members {
			s.found.gone[m.Path] = ctx.Err() == nil && isGone(m.Path)
		}
		answer <- s.found
	}()
	return answer
}

// wait waits for an answer as long as ctx lasts. Without one nothing is known of
// members, and so none is gone.
func (x *Finder) wait(ctx context.Context, pattern string, answer <-chan found) found {
	f, ok := found{}, false
	select {
	case f, ok = <-answer:
	case <-ctx.Done():
		select {
		case f, ok = <-answer: // while others were waited for
		default:
			x.leave(pattern, answer)
		}
	}
	if ok {
		return f
	}
	return found{misfits: []Misfit{{Path: pattern, Message: "the folders do not answer", Hint: "new databases are not found until they do"}}}
}

// leave notes that nobody waits for an answer any more, until it comes.
func (x *Finder) leave(pattern string, answer <-chan found) {
	count := func(by int) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.deaf == nil {
			x.deaf = map[string]int{}
		}
		if x.deaf[pattern] += by; x.deaf[pattern] == 0 {
			delete(x.deaf, pattern)
		}
	}
	count(1)
	go func() {
		<-answer
		count(-1)
	}()
}

// isGone reports whether there is no file at a path, and nothing but that.
func isGone(path string) bool {
	_, err := os.Stat(path)
	return notThere(err)
}

func notThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

type searcher struct {
	ctx     context.Context
	state   string              // folder of the service's own, in which nothing matches
	own     map[string][]string // paths with an entry of their own, by base name
	entries int                 // names that were looked at
	found   found
}

// The errors that end a search.
var (
	errTooMany = errors.New("too many")
	errMatches = fmt.Errorf("it matches %w files: more than %d databases by patterns", errTooMany, maxMatches)
	errEntries = fmt.Errorf("it has to look through %w files: more than %d", errTooMany, maxEntries)
)

// search fills found.
func (s *searcher) search(pattern string) {
	volume := filepath.VolumeName(pattern)
	parts := strings.FieldsFunc(pattern[len(volume):], func(r rune) bool { return r == filepath.Separator })
	if err := s.below(volume+string(filepath.Separator), parts); err != nil {
		s.found = s.found.withoutFiles(pattern, err)
	}
	slices.Sort(s.found.files)
}

// withoutFiles is what is left of a search that ended before its end.
func (f found) withoutFiles(pattern string, why error) found {
	m := Misfit{Path: pattern, Message: "the search was ended: " + why.Error()}
	if errors.Is(why, errTooMany) {
		m.Message, m.Hint = why.Error(), "no new ones are taken: name fewer by a narrower pattern, or divide them among several services"
	}
	f.files, f.misfits = nil, append(f.misfits, m)
	return f
}

// below looks at what the parts of a pattern match in a folder. The error is that the
// search has to end.
func (s *searcher) below(folder string, parts []string) error {
	for len(parts) > 0 && !hasMeta(parts[0]) {
		folder, parts = filepath.Join(folder, parts[0]), parts[1:]
	}
	if len(parts) == 0 {
		return s.file(folder)
	}
	f, err := os.Open(folder)
	if err != nil {
		s.unreadable(folder, err)
		return nil
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(1024)
		for _, e := range entries {
			if err := s.entry(folder, e, parts); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			s.unreadable(folder, err)
			return nil
		}
	}
}

// entry looks at one name in a folder.
func (s *searcher) entry(folder string, e fs.DirEntry, parts []string) error {
	if s.entries++; s.entries > maxEntries {
		return errEntries
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	fits, err := filepath.Match(parts[0], e.Name())
	path := filepath.Join(folder, e.Name())
	isLink := e.Type()&fs.ModeSymlink != 0
	switch {
	case err != nil || !fits || strings.HasPrefix(e.Name(), "."):
		return nil
	case len(parts) > 1 && (e.IsDir() || isLink):
		return s.below(path, parts[1:])
	case len(parts) == 1 && e.Type().IsRegular():
		return s.take(path)
	case len(parts) == 1 && isLink:
		return s.file(path)
	}
	return nil
}

// file takes a path if there is a file.
func (s *searcher) file(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		s.unreadable(path, err)
		return nil
	case !info.Mode().IsRegular():
		return nil
	}
	return s.take(path)
}

func (s *searcher) take(path string) error {
	if notDatabase(filepath.Base(path)) || filepath.Dir(path) == s.state || s.hasOwn(path) {
		return nil
	}
	if len(s.found.files) >= maxMatches {
		return errMatches
	}
	s.found.files = append(s.found.files, path)
	return nil
}

// hasOwn reports whether a file has an entry of its own, be it by another path.
func (s *searcher) hasOwn(path string) bool {
	own := s.own[filepath.Base(path)]
	if len(own) == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && slices.ContainsFunc(own, func(other string) bool {
		known, err := os.Stat(other)
		return err == nil && os.SameFile(info, known)
	})
}

// unreadable notes what could not be looked at. What is not there matches nothing.
func (s *searcher) unreadable(path string, err error) {
	if !notThere(err) {
		s.found.misfits = append(s.found.misfits, Misfit{Path: path, Message: "cannot be looked at: " + cause(err).Error(), Hint: "let the user of the service read it"})
	}
}

// beside is what SQLite and litekeep put beside a database, by its ending: the files of
// a transaction that goes on, and a file that was kept because it was damaged.
var beside = regexp.MustCompile(`(-(wal|shm|journal|mj[0-9A-F]{6,})|\.damaged-\d{8}T\d{6}Z(-\d+)?(-(wal|shm|journal))?|` + regexp.QuoteMeta(durable.TempSuffix) + `)$`)

// notDatabase reports whether a file is none that a pattern can mean, by its name.
func notDatabase(base string) bool {
	return strings.HasPrefix(base, ".") || beside.MatchString(base)
}
