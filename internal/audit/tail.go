package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
)

// tail is how a log ends, and so where the next entry goes.
type tail struct {
	name string  // of the last file, "" where there is none
	size int64   // of that file
	head Head    // of the entry that the next one goes on from
	next int64   // number of the next entry
	mend []Entry // what has to be recorded before anything else
	// unended says that the last line has no line feed yet.
	unended bool
	// fresh says that there is nothing at all, not even a head.
	fresh bool
}

// findTail looks at the end of a log, and at its head. It changes nothing.
func findTail(dir string) (tail, error) {
	names, err := list(dir)
	if err != nil {
		return tail{}, err
	}
	head, headErr := ReadHead(dir)
	if headErr != nil && !errors.Is(headErr, fs.ErrNotExist) && !errors.Is(headErr, errHead) {
		return tail{}, headErr
	}
	w := newWalk(head)
	for i := len(names) - 1; i >= 0 && !w.enough(headErr == nil); i-- {
		w = newWalk(head)
		if err := w.files(dir, names[i:]); err != nil {
			return tail{}, err
		}
	}
	t := tail{size: w.size, unended: w.unended}
	if len(names) == 0 {
		t.fresh = errors.Is(headErr, fs.ErrNotExist)
	} else {
		t.name = names[len(names)-1]
	}
	damage := w.damage(headErr)
	if damage == "" {
		t.head, t.next = w.chain, w.chain.Seq+1
		if w.junk > 0 {
			if t.unended {
				w.skip([]byte{'\n'}) // which the next write begins with
			}
			t.record(ActionRecovered, recoveredDetail(w.junk, w.junkHash()))
		}
		return t, nil
	}
	t.head, t.next = w.last, max(w.last.Seq, head.Seq)+1
	t.record(ActionDamaged, damage)
	return t, nil
}

func (t *tail) record(action, detail string) {
	t.mend = append(t.mend, Entry{Actor: selfActor, Action: action, Outcome: Done, Detail: detail})
}

// recoveredDetail describes bytes that are no entry. Verify compares the text.
func recoveredDetail(n int64, sum Hash) string {
	return fmt.Sprintf("a crash left %d bytes that are no entry, SHA-256 %s", n, sum)
}

// walk is what a look at the last files finds.
type walk struct {
	want   Head // the head as it is stored
	found  bool // the entry of want is there, or is named by the one after it
	before Head // entry before the first one
	chain  Head // last entry of the unbroken chain
	last   Head // last entry of all
	broken bool
	// junk and sum are of the bytes behind chain.
	junk    int64
	sum     hash.Hash
	size    int64 // of the last file
	unended bool
}

func newWalk(want Head) *walk {
	return &walk{want: want, sum: sha256.New(), found: want.Seq == 0}
}

// files looks at some files, the last ones of a log.
func (w *walk) files(dir string, names []string) error {
	for _, name := range names {
		if w.junk > 0 {
			w.broken = true // a crash leaves junk in the last file only
		}
		w.size, w.unended = 0, false
		err := eachPiece(dir, name, func(p piece) error {
			w.visit(p)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// enough reports whether the files reach back to the head, and to an entry. Mostly
// the last one does.
func (w *walk) enough(knownHead bool) bool {
	return w.chain.Seq > 0 && (!knownHead || w.before.Seq <= w.want.Seq)
}

func (w *walk) visit(p piece) {
	w.size, w.unended = p.end, !p.ended
	e, ok := p.entry()
	if !ok {
		w.skip(p.raw)
		return
	}
	if w.last.Seq == 0 && w.junk == 0 { // the first one: nothing to compare it with
		w.before = Head{e.Seq - 1, e.Prev}
		w.chain = w.before
		w.see(w.chain)
	}
	follows := e.Seq == w.chain.Seq+1 && e.Prev == w.chain.Hash
	if w.junk > 0 {
		follows = follows && e.Action == ActionRecovered && e.Detail == recoveredDetail(w.junk, w.junkHash())
	}
	// Where damage was recorded, the chain goes on behind it.
	follows = follows || e.Action == ActionDamaged && e.Prev == w.last.Hash && e.Seq > w.last.Seq
	w.last = e.head()
	if !follows {
		w.skip(p.raw)
		return
	}
	w.chain = w.last
	w.junk = 0
	w.sum.Reset()
	w.see(w.chain)
}

func (w *walk) see(h Head) { w.found = w.found || h == w.want }

func (w *walk) skip(raw []byte) {
	w.junk += int64(len(raw))
	w.sum.Write(raw)
}

func (w *walk) junkHash() (h Hash) {
	w.sum.Sum(h[:0])
	return h
}

// damage says what a crash cannot have done; "" if there is nothing.
func (w *walk) damage(headErr error) string {
	switch {
	case errors.Is(headErr, fs.ErrNotExist):
		if w.last.Seq == 0 && w.junk == 0 {
			return "" // a new log
		}
		return headName + " is missing, so nobody can tell whether the end of the log was cut off"
	case headErr != nil:
		return headName + " is damaged, so nobody can tell whether the end of the log was cut off"
	case w.want.Seq > w.chain.Seq:
		return fmt.Sprintf("the head is entry %d, but the log is whole only as far as entry %d", w.want.Seq, w.chain.Seq)
	case !w.found:
		return fmt.Sprintf("entry %d is not the one that the head names", w.want.Seq)
	case w.unended && w.junk == 0 && w.chain == w.want && w.want.Seq > 0:
		return noLineFeed
	case w.broken:
		return fmt.Sprintf("bytes that are no entry follow entry %d", w.chain.Seq)
	}
	return ""
}

// sizeOf returns the size of an open file, if path still names it.
func sizeOf(f *os.File, dir, name string) (int64, bool) {
	mine, err := f.Stat()
	if err != nil {
		return 0, false
	}
	named, err := os.Lstat(filepath.Join(dir, name))
	if err != nil || !os.SameFile(mine, named) {
		return 0, false
	}
	return mine.Size(), true
}
