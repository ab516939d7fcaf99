package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	filePrefix = "audit-"
	fileSuffix = ".jsonl"
	fileDigits = 12
)

// fileName is the name of the file that begins with an entry.
func fileName(seq int64) string {
	return fmt.Sprintf("%s%0*d%s", filePrefix, fileDigits, seq, fileSuffix)
}

// firstOf is the number in a file's name.
func firstOf(name string) (seq int64, ok bool) {
	digits, ok := strings.CutPrefix(name, filePrefix)
	digits, ok2 := strings.CutSuffix(digits, fileSuffix)
	seq, err := strconv.ParseInt(digits, 10, 64)
	return seq, ok && ok2 && err == nil && seq > 0 && fileName(seq) == name
}

// list returns the names of the files of a log, oldest first.
func list(dir string) ([]string, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range found {
		if _, ok := firstOf(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { // numbers of more digits come later
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return names, nil
}

// piece is a line of a file, or a part of one that is longer than any entry.
type piece struct {
	raw   []byte // with the line feed; valid until the next piece
	line  int    // counted from 1
	end   int64  // offset behind raw
	ended bool   // raw ends in a line feed
	part  bool   // raw is not a whole line
}

// entry decodes a piece.
func (p piece) entry() (Entry, bool) {
	if p.part {
		return Entry{}, false
	}
	text := p.raw
	if p.ended {
		text = text[:len(text)-1]
	}
	e, err := decode(text)
	return e, err == nil
}

// eachPiece reads a file from its beginning, in bounded memory.
func eachPiece(dir, name string, visit func(piece) error) error {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxLine)
	p := piece{line: 1}
	for {
		raw, err := r.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !tooLong && err != io.EOF {
			return err
		}
		p.raw, p.ended, p.part = raw, err == nil, p.part || tooLong
		p.end += int64(len(raw))
		if len(raw) > 0 {
			if err := visit(p); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if p.ended {
			p.line++
			p.part = false
		}
	}
}
