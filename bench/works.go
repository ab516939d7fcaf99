package main

import (
	"os"
	"path/filepath"
)

// contender is one way to do a work.
type contender struct {
	name  string
	base  string     // the contender of litekeep that it is compared with; the first one when empty
	needs []string   // programs that it runs, other than litekeep
	steps []pipeline // one after the other
	clear []string   // files and folders to remove before and after
	size  func() int64
}

// work is a group of contenders that are measured in turns.
type work struct {
	part, name string
	shape      string
	contenders []contender
}

// ours are the names of litekeep's contenders, which the targets refer to.
const (
	backupNone     = "litekeep backup --compress none"
	backupZstd     = "litekeep backup"
	backupUnproved = "litekeep backup --no-verify"
	restoreProof   = "litekeep restore"
	restoreNoProof = "litekeep restore --no-proof"
	verify         = "litekeep verify"
	peerJSON       = "sqlite3 .mode json"
	peerJSONZstd   = "sqlite3 .mode json | zstd -T2"
	peerRestore    = "sqlite3 < dump.sql"
	peerBackup     = "sqlite3 .backup"
)

// fileSize is the length of a file, or of all files under a folder.
func fileSize(path string) func() int64 {
	return func() int64 {
		total := int64(0)
		_ = filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error { // what is missing has no size
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil {
					total += info.Size()
				}
			}
			return nil
		})
		return total
	}
}

// ownBackup is a backup by litekeep into a folder of its own.
func (b *bench) ownBackup(db, name string, flags ...string) contender {
	to := b.out("backups")
	argv := append([]string{b.litekeep, "backup", db, "--dir", to}, flags...)
	c := contender{name: name, base: backupZstd, steps: []pipeline{{commands: [][]string{argv}}}, clear: []string{to}, size: fileSize(to)}
	if name == backupNone {
		c.base = backupNone
	}
	return c
}

// toFile is a peer that is one pipeline and writes one file. One that compresses
// is compared with a backup that does.
func (b *bench) toFile(name string, commands ...[]string) contender {
	to := b.out("peer.out")
	needs := make([]string, len(commands))
	for i, c := range commands {
		needs[i] = c[0]
	}
	base := backupNone
	if len(commands) > 1 {
		base = backupZstd
	}
	return contender{name: name, base: base, needs: needs, steps: []pipeline{{commands: commands, out: to}}, clear: []string{to}, size: fileSize(to)}
}

var zstd = []string{"zstd", "-q", "-T2"}

// thenZstd is a peer that makes a database file, which is compressed then.
func (b *bench) thenZstd(of contender) contender {
	file := of.clear[0]
	to := file + ".zst"
	of.name += ", then zstd -T2"
	of.base = backupZstd
	of.needs = append([]string{"zstd"}, of.needs...)
	of.steps = append(of.steps[:len(of.steps):len(of.steps)], pipeline{commands: [][]string{append(zstd[:len(zstd):len(zstd)], "-f", file, "-o", to)}})
	of.clear, of.size = []string{file, to}, fileSize(to)
	return of
}

func (b *bench) backups(shape, db string, tables []string) work {
	shell := append([]string{"sqlite3", db, ".mode json"}, selects(tables)...)
	dump := []string{"sqlite3", db, ".dump"}
	to := b.out("peer.db")
	copying := func(name, command string) contender {
		return contender{name: name, needs: []string{"sqlite3"}, steps: []pipeline{{commands: [][]string{{"sqlite3", db, command}}}}, clear: []string{to}, size: fileSize(to)}
	}
	shellBackup := copying(peerBackup, ".backup '"+to+"'")
	vacuum := copying("sqlite3 VACUUM INTO", "VACUUM INTO '"+to+"'")
	return work{part: "backup", name: "backup", shape: shape, contenders: []contender{
		b.ownBackup(db, backupNone, "--compress", "none"),
		b.toFile(peerJSON, shell),
		b.ownBackup(db, backupZstd),
		b.toFile(peerJSONZstd, shell, zstd),
		b.ownBackup(db, backupUnproved, "--no-verify"),
		b.toFile("sqlite3 .dump", dump),
		b.toFile("sqlite3 .dump | zstd -T2", dump, zstd),
		shellBackup, b.thenZstd(shellBackup),
		vacuum, b.thenZstd(vacuum),
		b.toFile("python3 sqlite3 + json", append([]string{"python3", "-c", pythonExport, db}, tables...)),
	}}
}

func selects(tables []string) []string {
	list := make([]string, len(tables))
	for i, t := range tables {
		list[i] = `SELECT * FROM "` + t + `"`
	}
	return list
}

// pythonExport writes all tables as JSON, one row a line.
const pythonExport = `
import base64, json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
enc = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=lambda b: {"blob": base64.b64encode(b).decode()}).encode
w = sys.stdout.write
w("{")
for n, t in enumerate(sys.argv[2:]):
    w(("," if n else "") + enc(t) + ":[")
    sep = "\n"
    for row in db.execute('SELECT * FROM "%s"' % t):
        w(sep + enc(row))
        sep = ",\n"
    w("]")
w("}\n")
`

// restores compares the ways back. The backup and the dump that they read were
// made before.
func (b *bench) restores(shape, object, dump string) work {
	to, peer := b.out("restored.db"), b.out("peer.db")
	own := func(name string, flags ...string) contender {
		argv := append([]string{b.litekeep, "restore", object, to, "--no-safety-backup"}, flags...)
		return contender{name: name, steps: []pipeline{{commands: [][]string{argv}}}, clear: []string{to, to + "-wal", to + "-shm", to + "-journal"}, size: fileSize(to)}
	}
	shell := []string{"sqlite3", "-cmd", "PRAGMA journal_mode=OFF", "-cmd", "PRAGMA synchronous=OFF", peer}
	return work{part: "restore", name: "restore", shape: shape, contenders: []contender{
		own(restoreProof),
		{name: peerRestore, needs: []string{"sqlite3"}, steps: []pipeline{{commands: [][]string{shell}, in: dump}}, clear: []string{peer}, size: fileSize(peer)},
		own(restoreNoProof, "--no-proof"),
		{name: "zstd -dc dump.sql.zst | sqlite3", needs: []string{"sqlite3", "zstd"}, steps: []pipeline{{commands: [][]string{{"zstd", "-qdc", dump + ".zst"}, shell}}}, clear: []string{peer}, size: fileSize(peer)},
		{name: verify, steps: []pipeline{{commands: [][]string{{b.litekeep, "verify", object}}}}},
	}}
}
