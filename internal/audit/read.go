package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Filter says which entries to read. The zero Filter takes all.
type Filter struct {
	Since, Until time.Time // from Since on, before Until; zero for no bound
	// Actor is the name or the id of who did it.
	Actor    string
	Action   string
	Database string
	// Databases, if not nil, keeps to entries of these databases.
	Databases []string
	Outcome   Outcome
	Request   string
	// Before keeps to entries with a smaller number, to read on from a page.
	Before int64
	// Limit is how many entries to return at most; 0 for all.
	Limit int
}

func (f Filter) takes(e Entry) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return (f.Since.IsZero() || !e.Time.Before(f.Since)) &&
		(f.Until.IsZero() || e.Time.Before(f.Until)) &&
		(is(f.Actor, e.Actor) || f.Actor == e.ActorID) &&
		is(f.Action, e.Action) && is(f.Database, e.Database) && is(f.Request, e.Request) &&
		(f.Databases == nil || slices.Contains(f.Databases, e.Database)) &&
		is(string(f.Outcome), string(e.Outcome)) &&
		(f.Before == 0 || e.Seq < f.Before)
}

// ErrSkipped says that a log has bytes that are no entry; Verify tells more.
var ErrSkipped = errors.New("bytes that are no entry were left out")

// Entries reads the log in the folder dir, newest entries first, in the memory of a
// few lines. It does not check the chain. Bytes that are no entry are left out, and
// the sequence ends with an error that matches ErrSkipped then; any other error ends
// it at once. Reading stops behind a file whose entries are all older than f.Since.
// A folder that does not exist, or is empty, has no entries.
func Entries(dir string, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		names, err := list(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			yield(Entry{}, err)
			return
		}
		s := selection{filter: f, yield: yield}
		for i, name := range slices.Backward(names) {
			if first, _ := firstOf(name); f.Before > 0 && first >= f.Before {
				continue
			}
			s.recent, s.old = false, false
			if err := eachLineBackwards(filepath.Join(dir, name), i == len(names)-1, s.visit); err != nil {
				if !errors.Is(err, errEnough) {
					yield(Entry{}, err)
				}
				return
			}
			if s.old && !s.recent {
				break
			}
		}
		if s.skipped > 0 {
			yield(Entry{}, fmt.Errorf("%d lines: %w", s.skipped, ErrSkipped))
		}
	}
}

// errEnough ends reading.
var errEnough = errors.New("enough")

// selection gives away the entries that a filter takes.
type selection struct {
	filter  Filter
	yield   func(Entry, error) bool
	given   int
	skipped int
	// recent and old say that an entry of this file is as new as filter.Since, and that
	// one is not. A file can be without any: the disk was full when it was begun.
	recent, old bool
}

func (s *selection) visit(line []byte) error {
	e, err := decode(line)
	if err != nil {
		s.skipped++
		return nil
	}
	if e.Time.Before(s.filter.Since) {
		s.old = true
	} else {
		s.recent = true
	}
	if !s.filter.takes(e) {
		return nil
	}
	if !s.yield(e, nil) {
		return errEnough
	}
	if s.given++; s.given == s.filter.Limit {
		return errEnough
	}
	return nil
}

// eachLineBackwards reads the lines of a file from the last to the first, without
// their line feeds. What follows the last line feed is left out if partial is set:
// somebody may be writing it. A line that is longer than any entry is cut.
func eachLineBackwards(path string, partial bool, visit func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	block := make([]byte, maxLine)
	var rest []byte // the beginning of a line that ends behind the block
	ended := !partial
	for end := info.Size(); end > 0; {
		n := min(end, int64(len(block)))
		end -= n
		if _, err := io.ReadFull(io.NewSectionReader(file, end, n), block[:n]); err != nil {
			return err
		}
		text := block[:n]
		for {
			i := bytes.LastIndexByte(text, '\n')
			if i < 0 {
				break
			}
			line := slices.Concat(text[i+1:], rest)
			text, rest = text[:i], nil
			if ended && len(line) > 0 {
				if err := visit(line); err != nil {
					return err
				}
			}
			ended = true
		}
		rest = slices.Concat(text, rest)
		rest = rest[:min(len(rest), maxLine)] // more is no entry anyway
	}
	if !ended || len(rest) == 0 {
		return nil
	}
	return visit(rest)
}
