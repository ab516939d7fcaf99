//go:build !linux

package engine

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// journalWatch is there on Linux only.
type journalWatch struct{}

func watchJournal(string) (*journalWatch, error) { return nil, errors.ErrUnsupported }

func (*journalWatch) close()                        {}
func (*journalWatch) wait(limit time.Duration)      { time.Sleep(limit) }
func (*journalWatch) deletions() (n int, ok bool)   { return 0, false }
func deletedAt(fs.FileInfo) (at time.Time, ok bool) { return at, false }

func openJournal(path string) (*os.File, error) { return os.Open(path) }
