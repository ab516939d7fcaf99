package seal

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart.
var (
	// ErrNotSealed: the bytes are not a sealed object, or not a header.
	ErrNotSealed = errors.New("not a sealed backup")
	// ErrVersion: sealed by a version of the format that is not known.
	ErrVersion = errors.New("unknown version of a sealed backup")
	// ErrHeader: the header was changed, or cut off.
	ErrHeader = errors.New("the header of the sealed backup is damaged")
	// ErrNoKey: the ring is empty.
	ErrNoKey = errors.New("the backup is sealed, and no key was given")
	// ErrWrongKey: none of the keys opens it, or the passphrase is wrong.
	ErrWrongKey = errors.New("wrong key or passphrase")
	// ErrOtherBackup: a header or a frame belongs to another backup.
	ErrOtherBackup = errors.New("it belongs to another backup")
	// ErrDamaged: bytes are not those that were sealed.
	ErrDamaged = errors.New("damaged: bytes were changed after they were sealed")
	// ErrMisplaced: a frame of this backup stands where another belongs:
	// frames were swapped, dropped or repeated.
	ErrMisplaced = errors.New("frames were swapped, dropped or repeated")
	// ErrCutOff: the object ends before its last frame does, or bytes follow.
	ErrCutOff = errors.New("the sealed backup does not end where it was ended")
	// ErrLimit: what was to be sealed exceeds a limit of the format.
	ErrLimit = errors.New("outside the limits of a sealed backup")
)

// A FrameError says which frame cannot be opened, and why.
type FrameError struct {
	Frame  int // the number of the frame that was to be opened, from 0
	Reason string
	Err    error // one of the errors above, or that of reading
}

// Error names the frame, the reason and the error.
func (e *FrameError) Error() string {
	text := fmt.Sprintf("open frame %d: %v", e.Frame, e.Err)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }
