package destination

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
)

// MarkFile is the name of the file that tells a folder from all others, beside the
// folders of the databases (docs/FORMAT.md, section 5.4). A disk that is not mounted
// leaves an empty folder, or none, under the name of the place: no mark, not the place.
const MarkFile = "litekeep-place.json"

const (
	markVersion = 1
	markBytes   = 16  // of the id
	maxMark     = 512 // bytes of the file
)

// The errors about the identity of a folder.
var (
	// ErrAway: a folder is not the one that held backups before.
	ErrAway = errors.New("not the place that it was")
	// ErrMark: a mark is not what Mark writes.
	ErrMark = errors.New("the mark is damaged")
)

// markFile is the JSON of a mark.
type markFile struct {
	Version int    `json:"litekeep_place"`
	ID      string `json:"id"`
}

// Folder returns the absolute path of the folder that a text names, "" if it names none.
func Folder(text string) string {
	n, err := parse(text, Options{})
	if err != nil || n.folder == "" {
		return ""
	}
	abs, err := filepath.Abs(n.folder)
	if err != nil {
		return "" // the folder that we are in is gone
	}
	return abs
}

// ReadMark returns the id of a folder. The error matches fs.ErrNotExist where there is
// no folder or no mark in it, and ErrMark where it cannot be understood.
func ReadMark(folder string) (id string, err error) {
	f, err := os.Open(filepath.Join(folder, MarkFile))
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMark+1))
	if err != nil {
		return "", err
	}
	var m markFile
	if json.Unmarshal(text, &m) != nil || !bytes.Equal(text, m.encode()) {
		return "", fmt.Errorf("%s: %w", f.Name(), ErrMark)
	}
	return m.ID, nil
}

// encode returns the text of a mark, nil for one that cannot be.
func (m markFile) encode() []byte {
	raw, err := hex.DecodeString(m.ID)
	if err != nil || len(raw) != markBytes || m.Version != markVersion {
		return nil
	}
	return fmt.Appendf(nil, `{"litekeep_place":%d,"id":"%x"}`+"\n", m.Version, raw)
}

// Mark returns the id of a folder that is there, and gives it one where it has none or
// one that cannot be understood.
func Mark(folder string) (id string, err error) {
	id, err = ReadMark(folder)
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrMark) {
		return id, err
	}
	raw := make([]byte, markBytes)
	_, _ = rand.Read(raw) // never fails
	m := markFile{Version: markVersion, ID: hex.EncodeToString(raw)}
	write := durable.Disk{}.WriteFile
	if errors.Is(err, ErrMark) {
		write = durable.Disk{}.ReplaceFile
	}
	err = write(filepath.Join(folder, MarkFile), m.encode(), durable.FilePerm)
	if errors.Is(err, fs.ErrExist) {
		return ReadMark(folder) // another service was faster
	}
	if err != nil {
		return "", fmt.Errorf("mark %s: %w", folder, err)
	}
	return m.ID, nil
}

// Known is what somebody remembers of a folder that they have written backups to.
type Known struct {
	ID    string    `json:"id"`    // of its mark
	Since time.Time `json:"since"` // when that was learnt
}

// Check returns an error that matches ErrAway unless a folder is the one that is known.
// Another error says that it cannot be told.
func (k Known) Check(folder string) error {
	id, err := ReadMark(folder)
	if err == nil && id == k.ID {
		return nil
	}
	away := &AwayError{Folder: folder, Since: k.Since}
	switch _, there := os.Stat(folder); {
	case err == nil:
		away.found = "it has another " + MarkFile
	case errors.Is(there, fs.ErrNotExist):
	case errors.Is(err, fs.ErrNotExist):
		away.found = "it has no " + MarkFile
	case errors.Is(err, ErrMark):
		away.found = "its " + MarkFile + " is damaged"
	default:
		return fmt.Errorf("look whether %s is the folder that it was: %w", folder, err)
	}
	return away
}

// An AwayError says that a folder is not the one that held backups. It matches ErrAway.
type AwayError struct {
	Folder string
	Since  time.Time // when the one that held them was first known
	found  string    // "" where there is none
}

func (e *AwayError) Error() string {
	since := e.Since.UTC().Format(time.DateOnly)
	if e.found == "" {
		return e.Folder + " is not there, but has held backups since " + since + ": is it mounted?"
	}
	return e.Folder + " is not the folder that has held backups since " + since + " (" + e.found + "): is it mounted?"
}

// Is makes it match ErrAway.
func (e *AwayError) Is(target error) bool { return target == ErrAway }
