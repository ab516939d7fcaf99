package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/litekeep/litekeep/internal/durable"
)

// A Head is the number and the hash of an entry, at first that of the last one.
// Kept where nobody can change it, it is an anchor: it holds all entries up to its
// own. The zero Head is that of an empty log.
type Head struct {
	Seq  int64
	Hash Hash
}

// String writes a head so that ParseHead reads it: "12:<64 digits>".
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// ParseHead reads what String writes.
func ParseHead(s string) (Head, error) {
	number, digits, _ := strings.Cut(s, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	hash, ok := parseHash(digits)
	h := Head{seq, hash}
	if err != nil || !ok || seq < 0 || h.String() != s {
		return Head{}, fmt.Errorf("%q is not the head of an audit log, such as 12:%s…", s, strings.Repeat("0a", 4))
	}
	return h, nil
}

// headName is the file that has the head.
const headName = "audit.head"

// headJSON is the content of the file, on one line.
type headJSON struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// errHead says that the file of the head is not what writeHead writes.
var errHead = errors.New("not the head of an audit log")

func (h Head) encode() ([]byte, error) {
	b, err := json.Marshal(headJSON{h.Seq, h.Hash.String()})
	return append(b, '\n'), err
}

func writeHead(disk durable.Disk, dir string, h Head) error {
	b, err := h.encode()
	if err != nil {
		return err
	}
	return disk.ReplaceFile(filepath.Join(dir, headName), b, durable.FilePerm)
}

// ReadHead returns the head that is stored in the folder of a log. The error
// matches fs.ErrNotExist where there is none.
func ReadHead(dir string) (Head, error) {
	path := filepath.Join(dir, headName)
	text, err := os.ReadFile(path)
	if err != nil {
		return Head{}, err
	}
	var j headJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return Head{}, &fs.PathError{Op: "read", Path: path, Err: errHead}
	}
	hash, ok := parseHash(j.Hash)
	h := Head{j.Seq, hash}
	again, err := h.encode()
	if err != nil || !ok || h.Seq < 0 || !bytes.Equal(again, text) {
		return Head{}, &fs.PathError{Op: "read", Path: path, Err: errHead}
	}
	return h, nil
}
