package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep"
)

// A keeper is a database that the service keeps. It outlives a new configuration.
type keeper struct {
	name  string
	since time.Time // when the service began to keep it
	conf  atomic.Pointer[conf]
	deaf  atomic.Int32 // how many wait for a folder that does not answer

	reading chan struct{} // one reads the folder, others wait for what it finds

	mu       sync.Mutex
	back     time.Time // when its file was found again that had been gone
	job      *job      // queued or going on, nil if there is none
	slot     time.Time
	pause    pause
	retry    retry
	last     *Run      // the last backup run that has ended
	failing  time.Time // when the first ended of the runs that failed since one went well; zero if none, or before a start
	begun    bool      // it is known since the start whether there was a backup
	syncDue  bool      // a destination is back, and lacks what was made meanwhile
	list     listing
	plan     plan
	looks    map[string]look // at destinations, by name
	supplied time.Time       // when a destination was last to get what it lacks
	shrunken *shrinkage
	sized    *size // of the last backup that was not small, nil if that is not known
}

// conf is the configuration of a database, and what works by it.
type conf struct {
	spec
	local Core          // looks at the primary folder, and never waits for another place
	blind Core          // does so without a key
	whole Core          // knows all destinations
	deaf  *atomic.Int32 // keeper.deaf of all databases with this first destination
}

// A retry is a run that is to be tried again.
type retry struct {
	at      time.Time // zero for none
	slot    time.Time
	attempt int
}

// A listing is the list of the backups of a database as it was read.
type listing struct {
	backups []*litekeep.Backup
	trash   []litekeep.TrashedBackup
	read    time.Time
	stamp   time.Time // of the folder, when it was read
	err     error
	keys    error // why no key can be used, so that the backups were listed without
}

// listFor is how long a listing counts whose folder has not changed. The size
// of an object, for one, can change without.
const listFor = 5 * time.Minute

// waitFor is how long whoever waits for a listing may have waited for it; if the
// listing is newer by more than that, the clock was set back.
const waitFor = 10 * time.Second

// patience is how long anybody waits for the folder. A file system that is away may
// answer nothing for ever, and the other databases are not to wait for that. Thousands
// may have their folders there: impatience is how long where another one beside it does
// not answer, and where deafFolders do not, no more are asked. Each takes a thread.
const (
	patience    = 20 * time.Second
	impatience  = time.Second
	deafFolders = 50
)

// errFolder is what is wrong with such a folder.
var errFolder = errors.New("the folder does not answer")

// listing returns the backups of the database. They are read anew when the
// folder has changed.
func (k *keeper) listing(ctx context.Context, now time.Time) listing {
	beside := k.conf.Load().deaf
	deaf, wait := beside.Load(), patience
	if k.deaf.Load() > 0 || deaf >= deafFolders {
		return listing{read: now, err: errFolder}
	}
	if deaf > 0 {
		wait = impatience
	}
	read := make(chan listing, 1)
	go func() { read <- k.read(ctx, now) }()
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case l := <-read:
		return l
	case <-late.C:
	}
	k.deaf.Add(1)
	beside.Add(1)
	go func() {
		<-read
		k.deaf.Add(-1)
		beside.Add(-1)
	}()
	return listing{read: now, err: errFolder}
}

// read is listing, however long it takes.
func (k *keeper) read(ctx context.Context, now time.Time) listing {
	c := k.conf.Load()
	if l, ok := k.known(folderStamp(c.folder()), now); ok {
		return l
	}
	k.reading <- struct{}{}
	defer func() { <-k.reading }()
	stamp := folderStamp(c.folder())
	if l, ok := k.known(stamp, now); ok {
		return l
	}
	l := listing{read: now, stamp: stamp}
	core := c.local
	l.backups, l.err = core.ListBackups(ctx)
	if isKeyError(l.err) { // the backups are there all the same
		core, l.keys = c.blind, l.err
		l.backups, l.err = core.ListBackups(ctx)
	}
	if l.err == nil {
		l.trash, l.err = core.ListTrash(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.err != nil && ctx.Err() != nil {
		return l // whoever asked has gone; that says nothing of the folder
	}
	k.list = l
	return l
}

// known returns the last listing, if it still counts for a folder with a stamp.
func (k *keeper) known(stamp, now time.Time) (listing, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.list
	return l, l.fresh(now) && stamp.Equal(l.stamp)
}

// fresh reports whether the listing counts if the folder has not changed.
func (l *listing) fresh(now time.Time) bool {
	// Whoever waited for another to read has looked at the clock before it did.
	age := now.Sub(l.read)
	return !l.read.IsZero() && l.err == nil && l.keys == nil && age < listFor && age > -waitFor
}

// folderReaders is how many folders are read at once.
const folderReaders = 8

// readAhead reads the folders of databases side by side that have to be read in any
// case: those of all of them, after a start.
func (s *Service) readAhead(ctx context.Context, keepers []*keeper) {
	now := s.now()
	var group errgroup.Group
	group.SetLimit(folderReaders)
	for _, k := range keepers {
		k.mu.Lock()
		fresh := k.list.fresh(now)
		k.mu.Unlock()
		if fresh {
			continue
		}
		group.Go(func() error {
			k.listing(ctx, now) // what is wrong with it is told to whoever asks next
			return nil
		})
	}
	_ = group.Wait()
}

// forget makes the next listing read the folder again.
func (k *keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list.read, k.plan = time.Time{}, plan{}
}

// A plan is what the retention says of the backups of a listing.
type plan struct {
	read, made time.Time // the listing, and when it was asked
	by         map[string]litekeep.Decision
}

// planFor is how long a plan counts: the retention goes by days and hours.
const planFor = time.Minute

// retention returns what the retention says of each backup of a listing, by path.
// What it can say, it says also where there is an error.
func (k *keeper) retention(ctx context.Context, l *listing, now time.Time) (map[string]litekeep.Decision, error) {
	k.mu.Lock()
	p := k.plan
	k.mu.Unlock()
	if age := now.Sub(p.made); p.by != nil && p.read.Equal(l.read) && age >= 0 && age < planFor {
		return p.by, nil
	}
	decisions, err := k.conf.Load().local.CleanupOldBackups(ctx, true)
	p = plan{read: l.read, made: now, by: make(map[string]litekeep.Decision, len(decisions))}
	for _, d := range decisions {
		if d.Destination == "" {
			p.by[d.Path] = d
		}
	}
	if err == nil {
		k.mu.Lock()
		k.plan = p
		k.mu.Unlock()
	}
	return p.by, err
}

func folderStamp(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// good reports whether a backup can be restored as far as is known.
func good(b *litekeep.Backup) bool {
	return !b.Verified.IsZero() && !b.Damaged && b.Problem == ""
}

// maxAhead is how far in the future the time of a backup may lie: clocks are set
// back by hours.
const maxAhead = 24 * time.Hour

// newestGood returns the newest good backup, nil if there is none. The safety
// backup of a restore holds what somebody wanted to be rid of, so it is taken
// only where there is no other. One that a wrong clock dated far into the future
// would hide for so long that all later ones fail.
func (l *listing) newestGood() *litekeep.Backup {
	var safety *litekeep.Backup
	for _, b := range l.backups { // newest first
		switch {
		case !good(b), !l.read.IsZero() && b.Timestamp.Sub(l.read) > maxAhead:
		case !b.Safety:
			return b
		case safety == nil:
			safety = b
		}
	}
	return safety
}

// damaged returns the newest backup that is not what was written, nil if there is
// none.
func (l *listing) damaged() *litekeep.Backup {
	for _, b := range l.backups {
		if damaged(b) {
			return b
		}
	}
	return nil
}

// find returns the backup with that file name, nil if there is none. Names are
// compared, never joined to a path.
func (l *listing) find(file string) *litekeep.Backup {
	for _, b := range l.backups {
		if filepath.Base(b.Path) == file {
			return b
		}
	}
	return nil
}
