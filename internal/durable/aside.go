package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// AsidePath returns a path beside path, where nothing lies, for a file that is
// damaged and is to be kept: path.damaged-TIME, with now in UTC, and a number where
// that is taken.
func AsidePath(path string, now time.Time) (string, error) {
	base := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	aside := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, nil
		} else if err != nil {
			return "", err
		}
		aside = fmt.Sprintf("%s-%d", base, n)
	}
}
