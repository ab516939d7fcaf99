package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/testjail"
)

func init() { roles["full disk"] = playFullDisk }

// playFullDisk fills a small file system of its own, byte by byte, and writes to the
// log in it.
func playFullDisk(dir string) error {
	if err := testjail.SmallDisk(dir, 64<<10); err != nil {
		return err
	}
	l := audit.New(filepath.Join(dir, "audit"), audit.Options{Now: time.Now, MaxSize: 9000})
	defer l.Close()
	acknowledged, failures := 0, 0
	for round := range 6 {
		filler := filepath.Join(dir, "filler")
		if err := os.WriteFile(filler, make([]byte, (4+round%3)*4096), 0o600); err != nil {
			return err
		}
		for { // until there is no room for an entry
			if _, err := l.Append(audit.Entry{Detail: strings.Repeat("x", 900)}); err != nil {
				if !errors.Is(err, audit.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
					return err
				}
				failures++
				break
			}
			acknowledged++
		}
		if err := os.Remove(filler); err != nil {
			return err
		}
		if _, err := l.Append(audit.Entry{Detail: "there is room again"}); err != nil {
			return fmt.Errorf("after the disk was full: %w", err)
		}
		acknowledged++
		if err := archive(dir); err != nil {
			return err
		}
	}
	fmt.Println("done", failures, acknowledged > 30)
	return nil
}

// archive verifies the log and takes its older files away.
func archive(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "audit", "audit-*.jsonl"))
	if err != nil {
		return err
	}
	var from int64
	if _, err := fmt.Sscanf(filepath.Base(names[0]), "audit-%d.jsonl", &from); err != nil {
		return err
	}
	r, err := audit.Verify(filepath.Join(dir, "audit"), audit.VerifyOptions{From: from})
	if err != nil {
		return err
	}
	if !r.OK() {
		return fmt.Errorf("%v", r.Problems)
	}
	for _, name := range names[:len(names)-1] {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// TestFullDisk fills a file system. TestFaults needs none: it lets each step fail.
func TestFullDisk(t *testing.T) {
	out, err := testjail.Output(t, roleCommand(t, "full disk", t.TempDir()))
	if err != nil || string(out) != "done 6 true\n" {
		t.Errorf("%v: %s", err, out)
	}
}
