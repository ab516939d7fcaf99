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

func watchJournal(_, _ string) (*journalWatch, error) { return nil, errors.ErrUnsupported }

func (*journalWatch) close()                         {}
func (*journalWatch) wait(limit time.Duration)       { time.Sleep(limit) }
func (*journalWatch) read()                          {}
func (*journalWatch) take() (deletions int, ok bool) { return 0, false }
func deleted(fs.FileInfo) bool                       { return false }

func openJournal(path string) (*os.File, error) { return os.Open(path) }
