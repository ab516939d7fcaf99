package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
)

// VerifyOptions say what to hold a log against. The zero value checks all of it
// against its own head.
type VerifyOptions struct {
	// From is the first entry that has to be there; older files were archived,
	// or what is wrong with them is known. 0 stands for 1.
	From int64
	// Anchors are heads that were kept elsewhere.
	Anchors []Head
}

// ErrNoLog says that a folder holds no audit log: no file of it, and no head.
var ErrNoLog = errors.New("there is no audit log here")

// maxProblems bounds the list in a Report.
const maxProblems = 100

// Report says what Verify has found.
type Report struct {
	Files    int
	Entries  int64 // that were checked
	First    int64 // number of the first entry that was checked, 0 if there is none
	Head     Head  // the last entry
	Problems []Problem
	// Unlisted counts the problems that are left out of Problems, which has 100
	// at most.
	Unlisted int
	// Crashes are the places where a crash left bytes that are no entry. They are
	// nothing to worry about: nothing that was acknowledged is missing.
	Crashes []Problem
}

const noLineFeed = "the line feed at the end is missing"

// OK reports whether the log is what was written, as far as can be told.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Problem is one thing that is wrong, and where.
type Problem struct {
	File string // name in the folder; "" for what concerns the log as a whole
	Line int    // counted from 1; 0 for what concerns the file as a whole
	What string
}

// String writes file:line: what.
func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.What
	case p.Line == 0:
		return p.File + ": " + p.What
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
}

// Verify reads the log in the folder dir from end to end and reports everything in
// it that is not as it was written. It changes nothing and takes no lock; beside a
// writer it sees the log as of its beginning or later. The error is that of reading:
// a log with problems is none. It matches ErrNoLog where there is no log.
func Verify(dir string, o VerifyOptions) (Report, error) {
	head, headErr := ReadHead(dir) // first: the log only grows
	if headErr != nil && !errors.Is(headErr, fs.ErrNotExist) && !errors.Is(headErr, errHead) {
		return Report{}, headErr
	}
	names, err := list(dir)
	if err != nil {
		return Report{}, err
	}
	if len(names) == 0 && errors.Is(headErr, fs.ErrNotExist) {
		return Report{}, &fs.PathError{Op: "verify", Path: dir, Err: ErrNoLog}
	}
	v := &verifier{from: max(o.From, 1), junk: sha256.New(), anchors: map[Head]bool{}}
	v.last.Seq = v.from - 1
	for _, a := range o.Anchors {
		v.anchors[a] = a.Seq == 0
	}
	if headErr == nil {
		v.anchors[head] = head.Seq == 0
	}
	for i, name := range names {
		if i+1 < len(names) && v.skips(names[i+1]) {
			continue
		}
		if err := v.readFile(dir, name); err != nil {
			return Report{}, err
		}
	}
	v.finish()
	switch {
	case headErr == nil:
	case errors.Is(headErr, fs.ErrNotExist):
		v.add(Problem{headName, 0, "is missing, so nobody can tell whether the end of the log was cut off"})
	default:
		v.add(Problem{headName, 0, "is not what was written, so nobody can tell whether the end of the log was cut off"})
	}
	v.holdAnchors(head, headErr == nil)
	return v.r, nil
}

// verifier walks along the chain.
type verifier struct {
	r       Report
	from    int64
	anchors map[Head]bool // whether its entry was seen

	file  string
	first bool // no entry of this file was seen yet
	last  Head // where the chain has come to; goes on after a break
	skip  int  // lines that are no entries since last
	// badLine is the last of them, 0 in a file that has none.
	badLine int
	unended bool // the last piece has no line feed
	torn    bool // and is no entry

	// Bytes since good that are not part of the chain, for the case that an entry
	// explains them.
	good    Head
	pending []Problem
	bytes   int64
	junk    hash.Hash
}

// skips reports whether all entries of a file are before those to check, given the
// name of the next one.
func (v *verifier) skips(next string) bool {
	first, _ := firstOf(next)
	return first <= v.from
}

func (v *verifier) readFile(dir, name string) error {
	v.r.Files++
	if v.unended && !v.torn {
		v.add(Problem{v.file, 0, noLineFeed})
	}
	v.file, v.first, v.badLine, v.unended, v.torn = name, true, 0, false, false
	return eachPiece(dir, name, func(p piece) error {
		v.visit(p)
		return nil
	})
}

func (v *verifier) visit(p piece) {
	e, ok := p.entry()
	v.unended, v.torn = !p.ended, !p.ended && !ok
	if !ok {
		if p.line != v.badLine { // a long line comes in parts
			v.badLine = p.line
			v.skip++
			v.suspect(p.line, "this line is not an entry as it was written")
		}
		v.keep(p.raw)
		return
	}
	if v.r.Entries == 0 && e.Seq <= v.from && v.from > 1 {
		v.forget() // what is before the first entry to check
		if e.Seq < v.from {
			return
		}
	}
	what := v.breach(e)
	if what == "" && v.skip == 0 {
		v.checkName(p, e)
	}
	switch {
	case v.explains(e):
		v.r.Crashes = append(v.r.Crashes, Problem{v.file, p.line - 1, e.Detail})
		v.settle(e)
	case e.Action == ActionDamaged:
		v.report()
		if what != "" {
			v.add(Problem{v.file, p.line, what})
		}
		v.add(Problem{v.file, p.line, "damage was found when the log was opened: " + e.Detail})
		v.settle(e)
	case what == "" && v.bytes == 0:
		v.settle(e)
	default:
		if what != "" {
			v.suspect(p.line, what)
		}
		v.count(e)
		v.keep(p.raw)
	}
}

// checkName compares the name of the file with its first entry.
func (v *verifier) checkName(p piece, e Entry) {
	first, _ := firstOf(v.file)
	if v.first && first != e.Seq && e.Seq > v.from {
		v.add(Problem{v.file, p.line, fmt.Sprintf("the file begins with entry %d", e.Seq)})
	}
}

// explains reports whether an entry records all that is between it and the last
// good one.
func (v *verifier) explains(e Entry) bool {
	return v.bytes > 0 && e.Action == ActionRecovered && e.Seq == v.good.Seq+1 && e.Prev == v.good.Hash &&
		e.Detail == recoveredDetail(v.bytes, v.junkHash())
}

func (v *verifier) junkHash() (h Hash) {
	v.junk.Sum(h[:0])
	return h
}

// breach says why an entry does not go on from the one before; "" if it does.
func (v *verifier) breach(e Entry) string {
	expected := v.last.Seq + 1 + int64(v.skip)
	switch {
	case e.Seq <= v.last.Seq:
		return fmt.Sprintf("entry %d comes after entry %d", e.Seq, v.last.Seq)
	case e.Seq > expected:
		return missing(expected, e.Seq-1)
	case e.Seq < expected && v.skip == 1:
		return fmt.Sprintf("there is a line too many before entry %d", e.Seq)
	case e.Seq < expected:
		return fmt.Sprintf("there are %d lines too many before entry %d", expected-e.Seq, e.Seq)
	case v.skip > 0, v.r.Entries == 0 && v.from > 1:
		return "" // what it goes on from is not known
	case e.Prev != v.last.Hash && e.Seq == 1:
		return "entry 1 names an entry before it"
	case e.Prev != v.last.Hash:
		return fmt.Sprintf("entry %d does not go on from the entry %d before it: one of them was exchanged", e.Seq, v.last.Seq)
	}
	return ""
}

func missing(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d is missing", from)
	}
	return fmt.Sprintf("entries %d to %d are missing", from, to)
}

// settle makes e the end of a good chain again.
func (v *verifier) settle(e Entry) {
	v.forget()
	v.count(e)
	v.good = v.last
}

// forget drops what a later entry could have explained.
func (v *verifier) forget() {
	v.pending, v.bytes, v.skip = nil, 0, 0
	v.junk.Reset()
}

func (v *verifier) count(e Entry) {
	if v.r.Entries == 0 {
		v.r.First = e.Seq
	}
	v.r.Entries++
	v.last, v.skip, v.first = e.head(), 0, false
	if _, ok := v.anchors[v.last]; ok {
		v.anchors[v.last] = true
	}
}

// suspect notes a problem that a later entry may explain.
func (v *verifier) suspect(line int, what string) {
	v.pending = append(v.pending, Problem{v.file, line, what})
	if len(v.pending) > maxProblems {
		v.report()
	}
}

// keep adds bytes to those that an entry may explain.
func (v *verifier) keep(raw []byte) {
	v.bytes += int64(len(raw))
	v.junk.Write(raw)
}

// report makes problems of what nothing explained.
func (v *verifier) report() {
	for _, p := range v.pending {
		v.add(p)
	}
	v.pending = nil
}

func (v *verifier) add(p Problem) {
	if len(v.r.Problems) == maxProblems {
		v.r.Unlisted++
		return
	}
	v.r.Problems = append(v.r.Problems, p)
}

// finish looks at what is behind the last good entry. One line that does not end
// is what a crash leaves, or a write that is going on.
func (v *verifier) finish() {
	if n := len(v.pending); n > 0 && v.torn && v.skip == 1 && n == 1 {
		v.r.Crashes = append(v.r.Crashes, Problem{v.file, v.pending[0].Line, fmt.Sprintf("%d bytes at the end are no entry (yet)", v.bytes)})
		v.pending = nil
	}
	v.report()
	if v.r.Entries > 0 {
		v.r.Head = v.last
	}
}

// holdAnchors checks that the log has the entries that the head and the anchors
// name.
func (v *verifier) holdAnchors(head Head, known bool) {
	if known && head.Seq > 0 && v.last == head && v.unended && !v.torn {
		v.add(Problem{v.file, 0, noLineFeed})
	}
	for a, seen := range v.anchors {
		name := "the anchor " + a.String()
		if known && a == head {
			name = headName
		}
		switch {
		case seen || a.Seq < v.r.First && a.Seq < v.from:
		case a.Seq > v.last.Seq:
			v.add(Problem{"", 0, fmt.Sprintf("the end was cut off: %s names entry %d, and the log ends with entry %d", name, a.Seq, v.last.Seq)})
		default:
			v.add(Problem{"", 0, fmt.Sprintf("%s names an entry %d that is not in the log: the log was rewritten, or this is the head of another one", name, a.Seq)})
		}
	}
}
