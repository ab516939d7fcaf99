package doctor

import (
	"io/fs"

	"github.com/litekeep/litekeep/internal/durable"
)

// Machine is what the checks ask about the machine. A member that is nil asks the
// system; tests put others in its place.
type Machine struct {
	// FreeSpace is durable.FreeSpace.
	FreeSpace func(path string) (int64, error)
	// FileSystem returns what a path lies on.
	FileSystem func(path string) (FileSystem, error)
	// Device tells the file systems of two files apart; ok is false where the system has
	// no numbers for them.
	Device func(fs.FileInfo) (number uint64, ok bool)
	// Owner returns the id of the user that a file belongs to; ok is false where there are none.
	Owner func(fs.FileInfo) (id int, ok bool)
	// User is the id of who runs this, -1 where there are none.
	User func() int
	// MayRead and MayWrite tell whether this user has the right to, without opening the path.
	MayRead, MayWrite func(path string) error
	// Synchronised tells whether something keeps the clock right; ok is false where
	// the system cannot tell.
	Synchronised func() (yes, ok bool)
	// OpenFiles returns how many files this process may have open, 0 where there is no limit.
	OpenFiles func() uint64
}

// FileSystem is what a path lies on.
type FileSystem struct {
	Name string // nfs, cifs, ext4 …; "" if it is not known
	// Network file systems have locks and memory maps that do not work between machines.
	Network bool
	// Passing is gone with the machine's memory, or with a container.
	Passing bool
}

func (m Machine) filled() Machine {
	if m.FreeSpace == nil {
		m.FreeSpace = durable.FreeSpace
	}
	if m.FileSystem == nil {
		m.FileSystem = fileSystem
	}
	if m.Device == nil {
		m.Device = device
	}
	if m.Owner == nil {
		m.Owner = owner
	}
	if m.User == nil {
		m.User = user
	}
	if m.MayRead == nil {
		m.MayRead = mayRead
	}
	if m.MayWrite == nil {
		m.MayWrite = mayWrite
	}
	if m.Synchronised == nil {
		m.Synchronised = synchronised
	}
	if m.OpenFiles == nil {
		m.OpenFiles = openFiles
	}
	return m
}
