package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// bench is one measurement: what it needs and what it found.
type bench struct {
	*config
	self    string   // this program
	env     []string // of all processes
	private []string // folders to remove at the end
	missing []string // programs that are not here or not wanted
	results results
}

// prepare makes the folders, builds litekeep and looks for its peers.
func prepare(ctx context.Context, c *config) (*bench, error) {
	b := &bench{config: c}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, err
	}
	outputs, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	b.private = []string{outputs}
	// Scratch files go to the same file system as everything else.
	b.env = append(os.Environ(), "TMPDIR="+outputs, "SQLITE_TMPDIR="+outputs)
	if b.litekeep == "" {
		b.litekeep = filepath.Join(outputs, "litekeep")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "disable_grpc_modules", "-o", b.litekeep, "github.com/litekeep/litekeep/cmd/litekeep")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := build.CombinedOutput(); err != nil {
			b.close()
			return nil, fmt.Errorf("build litekeep: %w: %s", err, said)
		}
	}
	for _, p := range allPeers {
		if _, err := exec.LookPath(p); err != nil || !slices.Contains(b.peers, p) {
			b.missing = append(b.missing, p)
		}
	}
	b.results.System = b.system(ctx)
	return b, nil
}

func (b *bench) close() {
	for _, d := range b.private {
		os.RemoveAll(d) // what is left is removed with the folder by who owns it
	}
}

// out is the path of something that a contender writes.
func (b *bench) out(name string) string { return filepath.Join(b.private[0], name) }

// note tells a person what goes on.
func (b *bench) note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// available reports whether all programs are here.
func (b *bench) available(programs []string) bool {
	return !slices.ContainsFunc(programs, func(p string) bool { return slices.Contains(b.missing, p) })
}

// measure runs all parts.
func (b *bench) measure(ctx context.Context) error {
	for _, shape := range b.shapes {
		if slices.Contains(b.only, "backup") {
			if err := b.backupPart(ctx, shape); err != nil {
				return err
			}
		}
		if slices.Contains(b.only, "restore") {
			if err := b.restorePart(ctx, shape); err != nil {
				return err
			}
		}
		if slices.Contains(b.only, "vault") {
			if err := b.vaultPart(ctx, shape); err != nil {
				return err
			}
		}
	}
	if slices.Contains(b.only, "memory") {
		if err := b.memoryPart(ctx); err != nil {
			return err
		}
	}
	if slices.Contains(b.only, "writer") {
		if err := b.writerPart(ctx); err != nil {
			return err
		}
	}
	if slices.Contains(b.only, "service") {
		if err := b.servicePart(ctx); err != nil {
			return err
		}
	}
	b.results.Floor = ownPeak()
	b.results.Targets = b.targets()
	return nil
}

// database returns the path of the database of a shape and size; it is made by
// another process, so that this one stays small.
func (b *bench) database(ctx context.Context, shape string, size int64) (string, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("%s-%d-v%d.db", shape, size, generation))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	b.note("making %s, %s", shape, bytesText(size))
	p := pipeline{commands: [][]string{{b.self, childArgument, "generate", path, shape, fmt.Sprint(size)}}}
	_, err := p.run(ctx, b.env)
	return path, err
}

// tables returns the names of the tables of a database.
func tables(ctx context.Context, path string) ([]string, error) {
	c, err := engine.Open(ctx, path, engine.OpenOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	var names []string
	err = c.Query(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", nil, func(row []value.Value) error {
		names = append(names, string(row[0].Bytes))
		return nil
	})
	return names, errors.Join(err, c.Close())
}

func (b *bench) backupPart(ctx context.Context, shape string) error {
	db, err := b.database(ctx, shape, b.size)
	if err != nil {
		return err
	}
	names, err := tables(ctx, db)
	if err != nil {
		return err
	}
	return b.turns(ctx, b.backups(shape, db, names), fileSize(db)())
}

// restorePart makes a backup and a dump, and compares the ways back.
func (b *bench) restorePart(ctx context.Context, shape string) error {
	db, err := b.database(ctx, shape, b.size)
	if err != nil {
		return err
	}
	object, err := b.backUp(ctx, db, b.out("kept"))
	if err != nil {
		return err
	}
	dump := strings.TrimSuffix(db, ".db") + ".sql"
	if b.available([]string{"sqlite3"}) {
		if err := b.once(ctx, dump, pipeline{commands: [][]string{{"sqlite3", db, ".dump"}}, out: dump + ".part"}); err != nil {
			return err
		}
	}
	if b.available([]string{"sqlite3", "zstd"}) {
		p := pipeline{commands: [][]string{append(zstd[:len(zstd):len(zstd)], "-f", dump, "-o", dump+".zst.part")}}
		if err := b.once(ctx, dump+".zst", p); err != nil {
			return err
		}
	}
	if err := b.turns(ctx, b.restores(shape, object, dump), fileSize(db)()); err != nil {
		return err
	}
	return os.RemoveAll(b.out("kept"))
}

// once makes a file that is kept for later runs.
func (b *bench) once(ctx context.Context, path string, p pipeline) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	b.note("making %s", filepath.Base(path))
	if _, err := p.run(ctx, b.env); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// backUp makes a backup with litekeep and returns the path of its object.
func (b *bench) backUp(ctx context.Context, db, dir string, flags ...string) (string, error) {
	out := b.out("backup.json")
	p := pipeline{commands: [][]string{append([]string{b.litekeep, "backup", db, "--dir", dir, "--json"}, flags...)}, out: out}
	if _, err := p.run(ctx, b.env); err != nil {
		return "", fmt.Errorf("backup %s: %w", db, err)
	}
	said, err := os.ReadFile(out)
	if err != nil {
		return "", err
	}
	var r struct {
		Success bool   `json:"success"`
		Path    string `json:"backup_path"`
	}
	if err := json.Unmarshal(said, &r); err != nil || !r.Success {
		return "", fmt.Errorf("backup %s: %w: litekeep said %s", db, errors.Join(err, errors.New("no success")), said)
	}
	return r.Path, nil
}

// turns lets all contenders of a work run in turns.
func (b *bench) turns(ctx context.Context, w work, dbBytes int64) error {
	r := workResult{Part: w.part, Work: w.name, Shape: w.shape, Database: dbBytes}
	var able []contender
	for _, c := range w.contenders {
		if b.available(c.needs) {
			able = append(able, c)
		}
	}
	found := make([]contenderResult, len(able))
	for round := range b.runs {
		for i, c := range able {
			if found[i].Error != "" {
				continue
			}
			b.note("%s %s %d/%d: %s", w.shape, w.name, round+1, b.runs, c.name)
			u, size, err := b.attempt(ctx, c)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.note("  %v", err)
				found[i].Error = err.Error()
				continue
			}
			found[i].Runs = append(found[i].Runs, u)
			found[i].Size = size
		}
	}
	for i, c := range able {
		found[i].Name = c.name
		found[i].Base = cmp.Or(c.base, able[0].name)
		found[i].Median = median(found[i].Runs)
		r.Contenders = append(r.Contenders, found[i])
	}
	r.ratios()
	b.results.Works = append(b.results.Works, r)
	return nil
}

// attempt runs a contender once, on a clean ground.
func (b *bench) attempt(ctx context.Context, c contender) (usage, int64, error) {
	if err := removeAll(c.clear); err != nil {
		return usage{}, 0, err
	}
	flushDisks()
	limited, stop := context.WithTimeoutCause(ctx, b.limit, fmt.Errorf("given up after %v", b.limit))
	defer stop()
	var total usage
	for _, p := range c.steps {
		u, err := p.run(limited, b.env)
		if err != nil {
			return total, 0, errors.Join(err, removeAll(c.clear))
		}
		total.add(u)
	}
	size := int64(0)
	if c.size != nil {
		size = c.size()
	}
	return total, size, removeAll(c.clear)
}

func removeAll(paths []string) error {
	var errs []error
	for _, p := range paths {
		errs = append(errs, os.RemoveAll(p))
	}
	return errors.Join(errs...)
}
