package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// superTrailer of a journal, as SQLite writes it.
func superRecord(name string) []byte {
	var sum uint32
	for _, b := range []byte(name) {
		sum += uint32(int32(int8(b)))
	}
	record := binary.BigEndian.AppendUint32(nil, 1<<18+1)
	record = append(record, name...)
	record = binary.BigEndian.AppendUint32(record, uint32(len(name)))
	record = binary.BigEndian.AppendUint32(record, sum)
	return append(record, journalMagic...)
}

// TestSnapshotWithSuperJournal has a hot journal that belongs to a transaction
// over two databases: it is rolled back as long as the super-journal is there,
// and void afterwards. The source's own super-journal stays.
func TestSnapshotWithSuperJournal(t *testing.T) {
	for _, there := range []bool{true, false} {
		source, dest := places(t)
		mustCreate(t, source, fillTable)
		clean, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		startActor(t, "spill", source).kill()
		super := filepath.Join(filepath.Dir(source), "ünder-mj12345678")
		journal, err := os.OpenFile(source+"-journal", os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Write(superRecord(super)); err != nil {
			t.Fatal(err)
		}
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
		if there {
			writeFile(t, super, source+"-journal\x00")
		}
		dirty, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		before := folder(t, filepath.Dir(source))
		if _, err := Snapshot(t.Context(), source, dest, SnapshotOptions{}); err != nil {
			t.Fatal(err)
		}
		if after := folder(t, filepath.Dir(source)); after != before {
			t.Errorf("the source's folder changed:\n%s\nbefore:\n%s", after, before)
		}
		want := clean
		if !there {
			want = dirty // the transaction was committed
		}
		if got, err := os.ReadFile(dest); err != nil || !slices.Equal(got, want) {
			t.Errorf("super-journal there: %v: the snapshot is another state (%v)", there, err)
		}
		if left := folder(t, filepath.Dir(dest)); len(left) == 0 || slices.Contains([]byte(left), '\n') {
			t.Errorf("left behind: %s", left)
		}
	}
}

func TestSnapshotOfAnOldPageCount(t *testing.T) {
	// Versions of SQLite before 3.7.0 did not keep the page count.
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	f, err := os.OpenFile(source, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0, 0, 0, 200, 0, 0, 0, 1}, offsetPageCount); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 8), offsetValidFor); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Snapshot(t.Context(), source, dest, SnapshotOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := immutableRows(t, dest, "SELECT count(*) FROM t"); got[0] != "2000" {
		t.Errorf("rows %v", got)
	}
}

// TestSnapshotOfQuietDatabaseThatAwakes has somebody come in while the files
// are copied: in WAL mode no lock keeps them out.
func TestSnapshotOfQuietDatabaseThatAwakes(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, "PRAGMA journal_mode=WAL", fillTable)
	var writer *Conn
	info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{BusyTimeout: time.Second, Progress: func(int64, int64) {
		if writer == nil {
			writer = mustOpen(t, source, "INSERT INTO t(b) VALUES('new')", "PRAGMA wal_checkpoint", "UPDATE t SET b='later' WHERE b='new'")
		}
	}})
	if err != nil || info.Restarts == 0 || info.Quiet {
		t.Fatalf("info %+v, error %v", info, err)
	}
	checkSnapshot(t, dest, 2001)
	if got := immutableRows(t, dest, "SELECT count(*) FROM t WHERE b='later'"); got[0] != "1" {
		t.Errorf("the change is not there: %v", got)
	}
}

// TestSettle makes sure that a file is not looked at so soon after a change that
// another change would leave no mark.
func TestSettle(t *testing.T) {
	source, _ := places(t)
	mustCreate(t, source, "PRAGMA journal_mode=WAL", fillTable)
	for _, age := range []time.Duration{0, time.Hour, -time.Hour} {
		changed := time.Now().Add(-age).Add(time.Microsecond)
		if err := os.Chtimes(source, changed, changed); err != nil {
			t.Fatal(err)
		}
		s, err := openSource(t.Context(), source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if since := time.Since(s.marks.main.info.ModTime()); since > -time.Minute && since < 49*time.Millisecond {
			t.Errorf("the copy begins %v after the change", since)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCopyMainReplaces copies over the longer file that an attempt before left.
func TestCopyMainReplaces(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	want, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dest, bytes.Repeat([]byte("old"), len(want)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := openSource(t.Context(), source, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.copyMain(t.Context(), dest, nil), s.close()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dest); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy is not the database (%v)", err)
	}
}
