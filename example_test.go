package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep"
)

// A backup of the sample database, verified and listed.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "litekeep-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	config := litekeep.DefaultConfig("examples/bookshop.db")
	config.BackupDirectory = dir
	service := litekeep.New(config)
	backup, err := service.CreateBackup(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("database:", backup.Database)
	fmt.Println("read back:", !backup.Verified.IsZero())
	check, err := service.VerifyBackup(ctx, backup.Path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("whole:", check.OK, check.Rows == backup.RecordCount)
	list, err := service.ListBackups(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("backups:", len(list))
	// Output:
	// database: bookshop
	// read back: true
	// whole: true true
	// backups: 1
}

// A restore over a database backs up first what the database held, so that it
// can be undone.
func ExampleService_RestoreBackup() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "litekeep-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := litekeep.DefaultConfig("examples/bookshop.db")
	config.BackupDirectory = filepath.Join(dir, "backups")
	service := litekeep.New(config)
	backup, err := service.CreateBackup(ctx)
	if err != nil {
		log.Fatal(err)
	}

	target := filepath.Join(dir, "restored.db")
	for range 2 {
		restored, err := service.RestoreBackup(ctx, backup.Path, target, litekeep.RestoreOptions{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("proven:", restored.Proven, "same content:", restored.Digest == backup.Digest)
		fmt.Println("replaced:", restored.Replaced, "can be undone:", restored.SafetyBackup != "")
	}
	// Output:
	// proven: true same content: true
	// replaced: false can be undone: false
	// proven: true same content: true
	// replaced: true can be undone: true
}

// A dry run tells what the retention would remove, and why.
func ExampleService_CleanupOldBackups() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "litekeep-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := litekeep.DefaultConfig("examples/bookshop.db")
	config.BackupDirectory = dir
	config.RetentionDays = 14
	config.NoPrune = true // CreateBackup would remove old backups itself

	now := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)
	service := litekeep.New(config, litekeep.WithClock(func() time.Time { return now }))
	for range 3 {
		if _, err := service.CreateBackup(ctx); err != nil {
			log.Fatal(err)
		}
		now = now.AddDate(0, 0, 10)
	}
	decisions, err := service.CleanupOldBackups(ctx, true)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range decisions {
		fmt.Println(d.Time.Format(time.DateOnly), "keep:", d.Keep, d.Reason)
	}
	// Output:
	// 2026-11-21 keep: true newest verified backup; within 14 days
	// 2026-11-11 keep: false older than 14 days (20 days)
	// 2026-11-01 keep: false older than 14 days (30 days)
}

// An error tells its kind, the file and, where there is one, the way out.
func ExampleError() {
	service := litekeep.New(litekeep.DefaultConfig("examples/no-such.db"))
	_, err := service.CreateBackup(context.Background())
	var e *litekeep.Error
	if errors.Is(err, litekeep.ErrRefused) && errors.As(err, &e) {
		fmt.Println(e.Op, "refused;", e.Hint)
	}
	// Output: backup refused; check the path
}
