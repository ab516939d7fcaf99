package service

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
)

// copyViews tells where a backup lies, the primary folder first.
func (k *keeper) copyViews(b *litekeep.Backup) []CopyView {
	conf, file := k.conf.Load(), filepath.Base(b.Path)
	k.mu.Lock()
	defer k.mu.Unlock()
	views := []CopyView{{
		Destination: conf.core.BackupDirectory, OK: good(b), Problem: b.Problem, Looked: b.Checked, Full: !b.Checked.IsZero(),
	}}
	for _, place := range conf.core.Copies {
		l := k.looks[place]
		v := CopyView{Destination: place, Looked: l.at, Full: l.full}
		c, there := l.copies[file]
		switch {
		case l.at.IsZero():
			v.Problem = "not looked at yet"
		case l.problem != "":
			v.Problem = l.problem
		case !there:
			v.Missing = true
		default:
			v.OK, v.Missing, v.Problem = c.OK, c.Missing, c.Problem
		}
		views = append(views, v)
	}
	return views
}

// knowsDamage reports whether a copy of a database is known not to be what was
// written. A synchronisation has to read all copies then: one whose bytes were
// changed is as long as it was.
func (k *keeper) knowsDamage(ctx context.Context, now time.Time) bool {
	l := k.listing(ctx, now)
	if slices.ContainsFunc(l.backups, damaged) {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range k.conf.Load().core.Copies {
		for _, c := range k.looks[place].copies {
			if !c.OK && !c.Missing {
				return true
			}
		}
	}
	return false
}

// destinations sums up the places of a database.
func (k *keeper) destinations(l *listing) []Destination {
	conf := k.conf.Load()
	primary := Destination{
		Name: conf.core.BackupDirectory, Primary: true, OK: l.err == nil, Looked: l.read, Count: len(l.backups),
		FreeBytes: -1,
	}
	if l.err != nil {
		primary.Problem = placeProblem(l.err)
	} else {
		primary.FreeBytes = freeBytes(conf.core.BackupDirectory)
	}
	for _, b := range l.backups {
		primary.SizeBytes += b.SizeBytes
		if damaged(b) {
			primary.OK, primary.Problem = false, filepath.Base(b.Path)+": "+orDamaged(b.Problem)
		}
	}
	if b := l.newestGood(); b != nil {
		primary.Newest = b.Timestamp
	}
	all := []Destination{primary}
	for _, d := range k.sums() {
		// Not under the lock, nor of a place that was away: it may not answer.
		d.FreeBytes = -1
		if d.Problem == "" {
			d.FreeBytes = freeBytes(d.Name)
		}
		all = append(all, d)
	}
	return all
}

// sums sums up the last looks at the other destinations, but for their free room.
func (k *keeper) sums() (all []Destination) {
	conf := k.conf.Load()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range conf.core.Copies {
		all = append(all, k.looks[place].sum(place))
	}
	return all
}

func (l look) sum(place string) Destination {
	out := Destination{
		Name: place, OK: !l.at.IsZero() && l.problem == "", Looked: l.at, Full: l.full,
		Problem: l.problem,
	}
	for file, c := range l.copies {
		switch {
		case c.OK:
			out.Count++
			out.SizeBytes += c.SizeBytes
			if c.Timestamp.After(out.Newest) {
				out.Newest = c.Timestamp
			}
		case c.Missing:
			out.OK = false
			out.Problem = cmp.Or(out.Problem, file+" is missing")
		default:
			out.OK = false
			out.Problem = cmp.Or(out.Problem, file+": "+orDamaged(c.Problem))
		}
	}
	return out
}

func orDamaged(problem string) string { return cmp.Or(problem, "damaged") }

// freeBytes tells how much room a folder has, -1 if that cannot be told.
func freeBytes(place string) int64 {
	if destination.IsURL(place) {
		return -1
	}
	free, err := durable.FreeSpace(place)
	if err != nil {
		return -1
	}
	return free
}
