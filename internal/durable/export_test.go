package durable

import "errors"

// LockAround is one attempt to lock path, with something done between opening
// the file and locking it. It tells whether the attempt noticed.
func LockAround(path string, between func()) (noticed bool, err error) {
	l, err := openLock(path)
	if err != nil {
		return false, err
	}
	between()
	err = l.take(path)
	if errors.Is(err, errMoved) {
		noticed, err = true, nil
	}
	return noticed, errors.Join(err, l.release())
}
