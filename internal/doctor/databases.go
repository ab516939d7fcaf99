package doctor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

const (
	// journalAge is how old a journal is that no transaction is at work with any more.
	journalAge = 5 * time.Minute
	// longLog is a write-ahead log that is longer than any checkpoint would leave it:
	// SQLite begins one at about 4 MiB.
	longLog = 256 << 20
)

func (d *doctor) databases() {
	for i := range d.Config.Databases {
		d.database(&d.Config.Databases[i])
	}
}

// database looks at one database and the files beside it.
func (d *doctor) database(db *config.Database) {
	if db.Gone {
		d.add(Fail, db.Name, "its file is gone: "+db.Path, "it is not backed up; the backups that there are stay",
			"if it was deleted on purpose, add "+db.Name+" to except: of "+db.Match+"; if not, mount what it was on, or restore it")
		return
	}
	info, err := os.Stat(db.Path)
	if err != nil {
		d.add(Fail, db.Name, fmt.Sprintf("look at %s: %v", db.Path, bare(err)), "it is not backed up",
			"correct the path, or let the service's user into the folder: chmod g+rx "+d.Quote(filepath.Dir(db.Path)))
		return
	}
	if !info.Mode().IsRegular() {
		d.add(Fail, db.Name, db.Path+" is not a file", "it is not backed up", "name the database file")
		return
	}
	if err := d.Machine.MayRead(db.Path); err != nil {
		d.add(Fail, db.Name, "this user may not read "+db.Path, "it is not backed up", "chmod g+r "+d.Quote(db.Path)+" and put the user into its group")
		return
	}
	h, ok := d.header(db, info)
	if !ok {
		return
	}
	before := len(d.checks)
	d.sidecars(db, info)
	d.home(db, h)
	if h != nil && h.WAL && hasWALReset(h.SQLiteVersion) {
		d.add(Warn, db.Name, "SQLite "+sqliteVersion(h.SQLiteVersion)+" wrote to it last, which has the WAL-reset bug",
			"in WAL mode a commit can be lost or the database damaged, in a rare moment; backups find damage, and cannot undo it",
			"update the SQLite of the application to 3.51.3 or newer ("+walResetAbout+")")
	}
	if len(d.checks) > before {
		return
	}
	if f := d.failures(db.Name); f != nil && f.refused {
		d.add(Fail, db.Name, "it was refused when it was last backed up: "+f.cause, notSafe, f.fix(d, db))
		return
	}
	d.sound(db, info, h)
}

// header reads the header of a database; nil is that of an empty file. ok is false if
// it is no database. See the comment of the package on opening the file.
func (d *doctor) header(db *config.Database, info fs.FileInfo) (h *sqlitefile.Header, ok bool) {
	if info.Size() == 0 {
		return nil, true
	}
	f, err := os.Open(db.Path)
	if err != nil {
		d.add(Fail, db.Name, fmt.Sprintf("read %s: %v", db.Path, bare(err)), "it is not backed up", "")
		return nil, false
	}
	defer f.Close()
	first := make([]byte, sqlitefile.HeaderSize)
	n, err := io.ReadFull(f, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		d.add(Fail, db.Name, fmt.Sprintf("read %s: %v", db.Path, bare(err)), "it is not backed up", "look at the disk: journalctl -k")
		return nil, false
	}
	h, err = sqlitefile.ParseHeader(first[:n])
	if err != nil {
		d.add(Fail, db.Name, db.Path+" is no SQLite database, or is encrypted or damaged", "it is not backed up", "name the right file, or restore a backup: litekeep list --dir "+d.Quote(db.Core().BackupDirectory))
		return nil, false
	}
	return h, true
}

// sidecars looks at the -journal, -wal and -shm of a database.
func (d *doctor) sidecars(db *config.Database, info fs.FileInfo) {
	wal, walErr := os.Stat(db.Path + "-wal")
	if walErr == nil && wal.Size() > longLog && wal.Size() > info.Size() {
		d.add(Warn, db.Name, fmt.Sprintf("its write-ahead log has %s, more than the database", human.Bytes(wal.Size())),
			"checkpoints do not get through: a program reads without an end, or none is made; backups grow slow",
			"look for a reader that does not finish: fuser -v "+d.Quote(db.Path))
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		name := db.Path + suffix
		if _, err := os.Stat(name); err != nil {
			continue
		}
		if err := d.Machine.MayRead(name); err != nil {
			d.add(Fail, db.Name, "this user may not read "+name, "the database cannot be read while it is in use", "chmod g+r "+d.Quote(name))
		}
	}
	journal, err := os.Stat(db.Path + "-journal")
	if err == nil && journal.Size() > 0 && d.now().Sub(journal.ModTime()) > journalAge && hot(journal, db.Path+"-journal") {
		d.add(Warn, db.Name, "there is a journal of a transaction that was cut off "+human.Span(d.now().Sub(journal.ModTime()))+" ago",
			"a program crashed; whoever opens the database next takes the half transaction back. A backup does so in its copy",
			"open it once with the application. Never delete "+d.Quote(db.Path+"-journal"))
	}
}

// hot tells whether a journal was not ended: SQLite ends one by making it empty, by
// removing it, or by overwriting its first bytes with zeros.
func hot(info fs.FileInfo, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var first [1]byte
	_, err = f.Read(first[:])
	return err == nil && info.Size() > 0 && first[0] != 0
}

// home looks at where a database lies.
func (d *doctor) home(db *config.Database, h *sqlitefile.Header) {
	f, err := d.Machine.FileSystem(db.Path)
	if err != nil || !f.Network {
		return
	}
	if h != nil && h.WAL {
		d.add(Warn, db.Name, "is a WAL database on "+f.Name, "WAL works on one machine only; a backup that is made on another one than the application's may be wrong",
			"run litekeep on the machine of the application, or move the database to a local disk")
		return
	}
	d.add(Warn, db.Name, "lies on "+f.Name, "locks on network file systems often do not hold, and two writers damage the database", "move it to a local disk")
}

// sound says what a database is with which nothing is wrong.
func (d *doctor) sound(db *config.Database, info fs.FileInfo, h *sqlitefile.Header) {
	if h == nil {
		d.add(Warn, db.Name, db.Path+" is an empty file", "a backup of it holds nothing", "")
		return
	}
	mode := "a rollback journal"
	if h.WAL {
		mode = "a write-ahead log"
	}
	restorable := "can be restored into"
	if d.Machine.MayWrite(db.Path) != nil || d.Machine.MayWrite(filepath.Dir(db.Path)) != nil {
		restorable = "can be read only, which is enough for backups; a restore into it is for another user"
	}
	d.ok(db.Name, "%s, %s, last written by SQLite %s; %s", human.Bytes(info.Size()), mode, sqliteVersion(h.SQLiteVersion), restorable)
}
