package metrics

import "time"

// A Snapshot is what the service knows at a moment.
type Snapshot struct {
	Databases    []Database
	Destinations []Destination
	Folders      []Folder
	Channels     []Channel
	// StateWritable says that the state of the service can be written.
	StateWritable bool
}

// A Database is what is known of one.
type Database struct {
	Name         string
	LastVerified time.Time // of the newest verified backup; zero if there is none
	NextRun      time.Time // zero if none is planned
	Overdue      bool      // no verified success within the promise
	Running      bool
	Promise      time.Duration // how old the newest verified backup may be; 0 for ever
	Backups      int           // that are kept, without those that are damaged

	// These are of the newest verified backup. They are left out without one.
	Duration      time.Duration
	SizeBytes     int64 // of the object
	DocumentBytes int64
	Rows, Tables  int64

	// Copies says for each destination whether it has the newest backup whole.
	Copies map[string]bool
	// Troubles are the kinds of what is wrong now, as in package notify.
	Troubles []string
}

// A Destination is a place of copies, by a name that holds no secret.
type Destination struct {
	Name string
	Up   bool
}

// A Folder is where the service needs room.
type Folder struct {
	Path string
	Free int64 // bytes; -1 where the system cannot tell
}

// A Channel is a way to tell people.
type Channel struct {
	Name    string
	Pending int // stories that wait
	Failing bool
}
