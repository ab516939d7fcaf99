package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
)

// playDefault uses the default service as a program would, and changes the
// environment afterwards.
func playDefault(ctx context.Context, args []string) error {
	b, err := litekeep.CreateBackup(ctx)
	if err != nil {
		fmt.Println("backup:", errors.Is(err, litekeep.ErrConfig), err)
		_, err = litekeep.RestoreBackup(ctx, "a", "b", litekeep.RestoreOptions{})
		fmt.Println("restore:", errors.Is(err, litekeep.ErrConfig), err)
		_, err = litekeep.CleanupOldBackups(ctx, true)
		fmt.Println("cleanup:", errors.Is(err, litekeep.ErrConfig), err)
		return nil
	}
	if err := os.Setenv("LITEKEEP_DATABASE_PATH", "/nowhere.db"); err != nil {
		return err
	}
	r, err := litekeep.RestoreBackup(ctx, b.Path, args[0], litekeep.RestoreOptions{})
	if err != nil {
		return err
	}
	d, err := litekeep.CleanupOldBackups(ctx, true)
	if err != nil {
		return err
	}
	first, err := litekeep.Default()
	if err != nil {
		return err
	}
	second, err := litekeep.Default()
	fmt.Println(b.Path, r.RecordCount, len(d), first == second, err)
	return err
}

func TestDefaultService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	target := filepath.Join(w.dir, "restored.db")
	cmd := roleCommand(t, "default", target)
	cmd.Env = append(cmd.Env, "LITEKEEP_DATABASE_PATH="+w.db, "LITEKEEP_BACKUP_DIRECTORY="+w.backups)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list := w.list()
	if len(list) != 1 {
		t.Fatalf("%d backups: %s", len(list), out)
	}
	if want := fmt.Sprintf("%s 5 1 true <nil>\n", list[0].Path); string(out) != want {
		t.Errorf("got %s want %s", out, want)
	}
	same(t, w.db, target)
}

func TestDefaultServiceOfWrongEnvironment(t *testing.T) {
	t.Parallel()
	cmd := roleCommand(t, "default")
	cmd.Env = append(cmd.Env, "LITEKEEP_RETENTION_DAYS=soon")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, call := range []string{"backup: true ", "restore: true ", "cleanup: true "} {
		if !strings.Contains(string(out), call) {
			t.Errorf("want %q in:\n%s", call, out)
		}
	}
	if strings.Count(string(out), "RetentionDays") != 3 {
		t.Errorf("the field is not named each time:\n%s", out)
	}
}
