package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/state"
)

// backups looks at the folders that backups are written to first, and those of snapshots.
func (d *doctor) backups() {
	var seen []string
	for i := range d.Config.Databases {
		db := &d.Config.Databases[i]
		if folder := db.Core().BackupDirectory; !slices.Contains(seen, folder) {
			seen = append(seen, folder)
			d.folder(folder)
		}
		if db.Temp != "" && !slices.Contains(seen, db.Temp) {
			seen = append(seen, db.Temp)
			d.temp(db)
		}
	}
}

// folder looks at one folder of backups.
func (d *doctor) folder(path string) {
	if d.away(path) {
		return
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		d.add(Skip, path, "is not there yet", "the first backup makes it", "")
		d.room(path)
		return
	}
	if err != nil || !info.IsDir() {
		d.add(Fail, path, "is no folder that this user can see", "no backup can be made", "correct destinations: in "+d.Quote(d.File))
		return
	}
	before := len(d.checks)
	if err := try(path); err != nil {
		d.add(Fail, path, "cannot be written to: "+err.Error(), "no backup can be made", "make it writable for the user of the service, or make room: litekeep trash empty --dir "+d.Quote(path))
	}
	d.private(path, info, 0o077, "backups hold all that the databases do")
	d.room(path)
	d.apart(path, info)
	if f, err := d.Machine.FileSystem(path); err == nil && f.Passing {
		d.add(Warn, path, "lies on "+f.Name, "backups are gone with the machine's memory or the container", "use a disk or a volume")
	}
	d.unlisted(path)
	if len(d.checks) == before {
		d.ok(path, "can be written to, and has room")
	}
}

// unlisted tells of objects without a manifest.
func (d *doctor) unlisted(path string) {
	found, err := litekeep.New(litekeep.Config{BackupDirectory: path}, litekeep.WithClock(d.now)).UnlistedObjects(d.ctx)
	if err != nil || len(found) == 0 {
		return // what cannot be read is told of by promises
	}
	d.add(Warn, path, human.Plural(len(found), "object")+" without a manifest, the first "+found[0].Path,
		"it is no backup: it is neither listed nor pruned", "litekeep restore "+d.Quote(found[0].Path)+" NEW.db, which restores it all the same; or remove it")
}

// away tells of a folder that is not the one in which the service has made backups before.
func (d *doctor) away(path string) bool {
	err := d.place(path)
	if err == nil {
		return false
	}
	d.add(Fail, path, strings.TrimPrefix(err.Error(), destination.Folder(path)+" "), "no backup is made there, and those that were cannot be seen",
		"mount it, or have what is there now used: litekeep destinations accept "+d.Quote(destination.Folder(path))+" --config "+d.Quote(d.File))
	return true
}

// place compares a folder with what the service remembers of it. What cannot be
// compared is looked at as it is.
func (d *doctor) place(text string) error {
	if d.places == nil {
		d.places = map[string]state.Place{}
		if known, err := state.ReadPlaces(d.ctx, daemon.StatePath(d.Config.State)); err == nil { // or another area tells
			d.places = known
		}
	}
	folder := destination.Folder(text)
	p, ok := d.places[folder]
	if !ok {
		return nil
	}
	return destination.Known{ID: p.ID, Since: p.Since}.Check(folder)
}

// largest returns the size of the largest of the databases that a folder is for, and
// its name. What cannot be read counts nothing here.
func (d *doctor) largest(path string) (size int64, name string) {
	for i := range d.Config.Databases {
		db := &d.Config.Databases[i]
		if db.Core().BackupDirectory != path {
			continue
		}
		if plan, err := litekeep.New(db.Core()).PlanBackup(d.ctx); err == nil && plan.SourceBytes >= size {
			size, name = plan.SourceBytes, db.Name
		}
	}
	return size, name
}

// room compares what is free with what a run takes: a snapshot as large as the database,
// and an object that is as large in the worst case.
func (d *doctor) room(path string) {
	free, err := d.Machine.FreeSpace(path)
	if err != nil {
		return // not every system can tell
	}
	size, name := d.largest(path)
	switch {
	case free < size:
		d.add(Fail, path, fmt.Sprintf("%s free, and %s has %s", human.Bytes(free), name, human.Bytes(size)), "its snapshot has no room", "litekeep trash empty --dir "+d.Quote(path)+", or a larger disk")
	case free < 2*size:
		d.add(Warn, path, fmt.Sprintf("%s free, and %s has %s", human.Bytes(free), name, human.Bytes(size)), "its snapshot and a backup that does not compress may not have room", "litekeep prune --dry-run --dir "+d.Quote(path))
	case free < int64(d.Config.Notifications.DiskLow):
		d.add(Warn, path, fmt.Sprintf("%s free, less than disk_low", human.Bytes(free)), "the disk will be full some day", "litekeep prune --dry-run --dir "+d.Quote(path))
	}
}

// apart warns where the only copy of a backup lies on the disk of its database.
func (d *doctor) apart(path string, folder fs.FileInfo) {
	mine, ok := d.Machine.Device(folder)
	if !ok {
		return
	}
	for i := range d.Config.Databases {
		db := &d.Config.Databases[i]
		info, err := os.Stat(db.Path)
		if err != nil || db.Core().BackupDirectory != path || d.elsewhere(db, mine) {
			continue
		}
		if its, ok := d.Machine.Device(info); ok && its == mine {
			d.add(Warn, path, "is on the same file system as "+db.Name+", and there is no copy elsewhere", "one broken disk takes the database and all of its backups",
				"add a bucket or another disk to destinations: in "+d.Quote(d.File))
			return // once is enough
		}
	}
}

// elsewhere tells whether a database has a destination off a file system.
func (d *doctor) elsewhere(db *config.Database, device uint64) bool {
	for _, text := range db.Destinations {
		if path, ok := strings.CutPrefix(text, "file://"); ok {
			text, _, _ = strings.Cut(path, "?")
		} else if destination.IsURL(text) {
			return true
		}
		info, err := os.Stat(text)
		if err != nil {
			continue
		}
		if its, ok := d.Machine.Device(info); ok && its != device {
			return true
		}
	}
	return false
}

// temp looks at a folder of snapshots.
func (d *doctor) temp(db *config.Database) {
	if err := try(db.Temp); err != nil {
		d.add(Fail, db.Temp, "cannot be written to: "+err.Error(), db.Name+" is not backed up", "make it writable for the user of the service")
		return
	}
	free, err := d.Machine.FreeSpace(db.Temp)
	size, name := d.largest(db.Core().BackupDirectory)
	if err == nil && free < size {
		d.add(Fail, db.Temp, fmt.Sprintf("%s free, and %s has %s", human.Bytes(free), name, human.Bytes(size)), "its snapshot has no room", "name a larger disk with temp: in "+d.Quote(d.File))
		return
	}
	d.ok(db.Temp, "can be written to, and has room for a snapshot")
}

// destinations tries the places for copies, with small objects.
func (d *doctor) destinations() {
	var seen []string
	for i := range d.Config.Databases {
		for n, text := range d.Config.Databases[i].Destinations {
			if n == 0 && !destination.IsURL(text) || slices.Contains(seen, text) {
				continue // the first is a folder of backups
			}
			seen = append(seen, text)
			d.destination(text)
		}
	}
	if len(seen) == 0 {
		d.add(Skip, "", "there are none but the folders of backups", "", "")
	}
}

func (d *doctor) destination(text string) {
	if d.away(text) {
		return
	}
	if folder := destination.Folder(text); folder != "" { // one that has held backups is told of by away
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			d.add(Skip, text, "is not there yet", "the first backup makes it", "")
			return
		}
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.Timeout)
	defer cancel()
	report, err := litekeep.CheckDestination(ctx, text)
	check := "litekeep destinations check " + d.Quote(text)
	if err != nil {
		d.add(Fail, text, err.Error(), "no copy is made there", check)
		return
	}
	d.skew = append(d.skew, skew{text, report.Skew})
	lacks := 0
	for _, c := range report.Checks {
		switch c.Status {
		case "failed":
			d.add(Fail, text, c.Name+": "+c.Detail, "copies there may not be made or may not last", check)
		case "missing":
			lacks++
		}
	}
	switch {
	case !report.OK:
	case lacks > 0:
		d.ok(text, "works; it lacks %s that litekeep does without", human.Plural(lacks, "thing"))
	default:
		d.ok(text, "works")
	}
}

// backupLine backs a database up as the service would: under its keys, and without
// pruning by the retention of the command line, which is another one.
func (d *doctor) backupLine(core *litekeep.Config) string {
	run := "litekeep backup " + d.Quote(core.DatabasePath) + " --name " + d.Quote(core.Name) + " --dir " + d.Quote(core.BackupDirectory) + " --no-prune"
	for _, key := range core.Keys {
		run += " --key " + d.Quote(key)
	}
	return run
}

// promises compares the age of the newest verified backup with what was promised.
func (d *doctor) promises() {
	for i := range d.Config.Databases {
		db := &d.Config.Databases[i]
		core := db.Core()
		if d.place(core.BackupDirectory) != nil {
			d.add(Fail, db.Name, "its backups cannot be seen: "+core.BackupDirectory+" is not the place that it was", "what can be restored is not known", "mount it; see backups above")
			continue
		}
		b, err := litekeep.LatestBackup(d.ctx, filepath.Join(core.BackupDirectory, core.Name))
		run := d.backupLine(&core)
		switch {
		case errors.Is(err, litekeep.ErrNoBackup) || errors.Is(err, fs.ErrNotExist):
			d.add(Warn, db.Name, "has no backup yet", "nothing can be restored", run)
			continue
		case err != nil:
			d.add(Fail, db.Name, "its backups cannot be read: "+err.Error(), "what can be restored is not known", "")
			continue
		}
		age, future := d.now().Sub(b.Timestamp), b.Future
		if age < -time.Minute {
			future = b.Timestamp
		}
		switch due := db.OverdueAt(b.Timestamp); {
		case db.Gone: // which is told of the database
		case !future.IsZero():
			d.add(Fail, db.Name, "its newest backup is from the future: "+future.Format(time.RFC3339), "the clock of this machine is wrong, or was", "timedatectl")
		case b.Verified.IsZero():
			d.add(Warn, db.Name, "its newest backup was never verified", "whether it can be restored is not known", "litekeep verify "+d.Quote(b.Path))
		case !due.IsZero() && d.now().After(due):
			d.add(Fail, db.Name, "its newest verified backup is "+human.Span(age)+" old; there should have been one by "+due.In(db.Zone()).Format("Mon 2006-01-02 15:04 MST"),
				notSafe, run)
		case d.failures(db.Name) != nil:
			f := d.failures(db.Name)
			d.add(Warn, db.Name, "can be restored to "+human.Span(age)+" ago, but "+f.words(), notSafe, f.fix(d, db))
		default:
			d.ok(db.Name, "can be restored to %s ago", human.Span(age))
		}
	}
}
