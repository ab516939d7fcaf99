package service

import (
	"context"
	"log/slog"
)

// noteLoop notes beside the backups what a new configuration keeps, so that whoever
// prunes by hand does not take the default. It leaves the copies to the next run of
// the database, since a destination may be slow.
func (s *Service) noteLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.adopted:
		}
		for _, k := range s.all() {
			conf := k.conf.Load()
			if ctx.Err() != nil || k.deaf.Load() > 0 {
				continue
			}
			if err := conf.local.NoteRetention(ctx, s.o.File, conf.prune); err != nil {
				s.log.Warn("what is kept was not noted beside the backups", "database", k.name, "error", err)
			}
		}
	}
}

// note notes it in all places, in a run.
func (s *Service) note(ctx context.Context, k *keeper, j *job, core Core) {
	if err := core.NoteRetention(ctx, s.o.File, k.conf.Load().prune); err != nil {
		j.logf(slog.LevelWarn, "what is kept was not noted beside all copies: %v", err)
	}
}
