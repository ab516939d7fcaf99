package service

import (
	"context"
	"slices"

	"github.com/litekeep/litekeep/internal/metrics"
)

// Metrics returns what Prometheus is shown. It waits for nothing but folders on
// this machine.
func (s *Service) Metrics(ctx context.Context) metrics.Snapshot {
	m := metrics.Snapshot{StateWritable: s.books.trouble() == ""}
	folders, places := map[string]bool{}, map[string]bool{}
	keepers := s.all()
	s.readAhead(ctx, keepers)
	lasting := s.o.Teller.Troubles()
	for _, k := range keepers {
		st := s.status(ctx, k, lasting)
		l := k.listing(ctx, s.now())
		d := metrics.Database{
			Name: k.name, LastVerified: st.RestorableTo, NextRun: st.Next, Running: st.Running != nil, Copies: map[string]bool{},
		}
		for _, p := range st.Problems {
			d.Troubles = append(d.Troubles, p.Kind)
			d.Overdue = d.Overdue || p.Kind == "overdue"
		}
		for _, b := range l.backups {
			if good(b) {
				d.Backups++
			}
		}
		if !st.RestorableTo.IsZero() && !st.Overdue.IsZero() {
			d.Promise = st.Overdue.Sub(st.RestorableTo)
		}
		if b := l.newestGood(); b != nil {
			d.Duration, d.SizeBytes, d.DocumentBytes = b.Duration, b.SizeBytes, b.DocumentBytes
			d.Rows, d.Tables = b.RecordCount, b.TableCount
			for _, c := range k.copyViews(b) {
				d.Copies[c.Destination] = c.OK
			}
		}
		m.Databases = append(m.Databases, d)
		for _, place := range st.Copies {
			switch {
			case place.Primary && !folders[place.Name]:
				folders[place.Name] = true
				m.Folders = append(m.Folders, metrics.Folder{Path: place.Name, Free: place.FreeBytes})
			case !place.Primary && !places[place.Name]:
				places[place.Name] = true
				m.Destinations = append(m.Destinations, metrics.Destination{Name: place.Name, Up: !k.down(place.Name)})
			}
		}
	}
	for _, c := range s.o.Teller.Status() {
		m.Channels = append(m.Channels, metrics.Channel{Name: c.Name, Pending: c.Pending, Failing: c.Failing})
	}
	return m
}

// down reports whether the last look at a place of the database saw nothing.
func (k *keeper) down(place string) bool {
	if core := k.conf.Load().core; place != core.BackupDirectory && !slices.Contains(core.Copies, place) {
		return false // it was one before
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.looks[place].problem != ""
}
