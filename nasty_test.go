package litekeep_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/testdb"
)

// TestNasty backs up and restores every database that testdb knows how to make
// hard to keep: it must come back the same, or be refused.
func TestNasty(t *testing.T) {
	t.Parallel()
	for _, c := range testdb.Nasty() {
		t.Run(c.Name, func(t *testing.T) { testNasty(t, c, false) })
		t.Run(c.Name+" at rest", func(t *testing.T) { testNasty(t, c, true) })
	}
}

func testNasty(t *testing.T, c testdb.Case, atRest bool) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	source, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db")
	if err := c.Build(ctx, source); err != nil {
		t.Fatal(err)
	}
	if atRest { // and read in place, where that can be
		rest(t, source)
	}
	cfg := litekeep.DefaultConfig(source)
	cfg.BackupDirectory = filepath.Join(dir, "backups")
	svc := litekeep.New(cfg)
	b, err := svc.CreateBackup(ctx)
	if c.Refused {
		if !errors.Is(err, litekeep.ErrRefused) {
			t.Fatalf("not refused: %v", err)
		}
		if list, err := svc.ListBackups(ctx); err != nil || len(list) != 0 {
			t.Fatalf("a refused database has backups: %v, %v", list, err)
		}
		t.Log(err)
		return
	}
	if c.MayRefuse && errors.Is(err, litekeep.ErrRefused) {
		t.Log(err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.VerifyBackup(ctx, b.Path); err != nil {
		t.Fatal(err)
	}
	r, err := svc.RestoreBackup(ctx, b.Path, target, litekeep.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(b.Warnings, r.Warnings)
	differences, _, err := testdb.Compare(ctx, source, target)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}
