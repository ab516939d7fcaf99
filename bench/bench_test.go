package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// TestMain lets the test binary be the child processes of a measurement.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArgument {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestSmoke measures everything that needs no peer, on tiny databases.
func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	c, err := parse([]string{"-size", "1MB", "-memory-sizes", "200kB,1MB", "-runs", "1", "-databases", "1", "-load", "100ms", "-peers", "", "-dir", dir, "-json"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := prepare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if err := b.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	own := map[string]int{}
	for _, w := range b.results.Works {
		for _, x := range w.Contenders {
			if x.Error != "" || x.Median.Wall <= 0 || x.Median.CPU <= 0 || x.Median.Peak <= 0 {
				t.Errorf("%s %s: %+v", w.Shape, x.Name, x)
			}
			if x.Size <= 0 && x.Name != verify {
				t.Errorf("%s %s: no output", w.Shape, x.Name)
			}
			own[x.Name]++
		}
	}
	times := map[string]int{ // for each shape; the vault has some of them too
		backupNone: 1, backupZstd: 2, backupUnproved: 1, restoreProof: 2, restoreNoProof: 1, verify: 1,
		vaultSealed: 1, vaultThree: 1, fromSealed: 1,
	}
	for name, n := range times {
		if own[name] != n*len(allShapes) {
			t.Errorf("%s ran %d times for %d shapes", name, own[name], len(allShapes))
		}
	}
	if len(own) != len(times) {
		t.Errorf("peers ran that were not asked for: %v", own)
	}
	if len(b.results.Memory) != 2*5 {
		t.Errorf("%d figures of memory", len(b.results.Memory))
	}
	for _, w := range b.results.Writer {
		if len(w.Waits) != 1 || w.Waits[0].Commits == 0 || w.Backups[0].Failed != "" {
			t.Errorf("writer beside %s: %+v", w.Name, w)
		}
	}
	if len(b.results.Writer) != 4 { // no backup and litekeep's, each with synchronous off and full
		t.Errorf("%d figures of the writer", len(b.results.Writer))
	}
	for _, as := range []bool{true, false} {
		b.json = as
		var out bytes.Buffer
		if err := b.print(&out); err != nil || !strings.Contains(out.String(), restoreNoProof) || json.Valid(out.Bytes()) != as {
			t.Errorf("report is wrong (%v): %s", err, out.String())
		}
	}
}

func TestGenerateIsDeterministicAndOfTheSizeAskedFor(t *testing.T) {
	for _, shape := range allShapes {
		t.Run(shape, func(t *testing.T) {
			const size = 3_000_000
			var files [2][]byte
			for i := range files {
				path := filepath.Join(t.TempDir(), "a.db")
				if err := generate(t.Context(), path, shape, size); err != nil {
					t.Fatal(err)
				}
				var err error
				if files[i], err = os.ReadFile(path); err != nil {
					t.Fatal(err)
				}
				if i == 0 && scalar(t, path, "PRAGMA integrity_check") != "ok" {
					t.Error("SQLite finds fault with it")
				}
			}
			if !bytes.Equal(files[0], files[1]) {
				t.Error("two databases differ")
			}
			if n := len(files[0]); n < size*85/100 || n > size*115/100 {
				t.Errorf("%d bytes, not about %d", n, size)
			}
		})
	}
	if err := generate(t.Context(), filepath.Join(t.TempDir(), "a.db"), "round", 1); err == nil {
		t.Error("an unknown shape is made")
	}
}

func scalar(t *testing.T, path, sql string) (text string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Query(t.Context(), sql, nil, func(row []value.Value) error {
		text = string(row[0].Bytes)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWriteMeasuresWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := generate(t.Context(), path, "mixed", 100_000); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	in, stop := io.Pipe()
	said, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- write(t.Context(), in, out, path, "OFF", time.Millisecond) }()
	ready := make([]byte, 6)
	if _, err := io.ReadFull(said, ready); err != nil || string(ready) != "ready\n" {
		t.Fatal(err, string(ready))
	}
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{BusyTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const held = 300 * time.Millisecond
	if err := c.Exec(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(held)
	if err := c.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	awaitCommits(t, c, 3)
	stop.Close()
	var w waits
	if err := json.NewDecoder(said).Decode(&w); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if w.Longest < held*9/10 || w.Longest > time.Since(started) || w.Median > w.P99 || w.P99 > w.Longest || w.Commits < 2 {
		t.Errorf("waits are %+v while the lock was held for %v", w, held)
	}
}

// awaitCommits waits until others have committed n times, as c sees it.
func awaitCommits(t *testing.T, c *engine.Conn, n int) {
	t.Helper()
	var last int64
	for deadline := time.Now().Add(time.Minute); n >= 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the writer does not commit")
		}
		err := c.Query(t.Context(), "PRAGMA data_version", nil, func(row []value.Value) error {
			if row[0].Int != last {
				last = row[0].Int
				n--
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMedianAndTargets(t *testing.T) {
	ms := func(n ...int) (list []usage) {
		for _, n := range n {
			list = append(list, usage{Wall: time.Duration(n) * time.Millisecond, Peak: int64(n)})
		}
		return list
	}
	if m := median(ms(9, 1, 5)); m.Wall != 5*time.Millisecond || m.Peak != 5 {
		t.Errorf("median is %+v", m)
	}
	if m := median(nil); m != (usage{}) {
		t.Errorf("median of nothing is %+v", m)
	}
	at := func(name string, wall int, size int64) contenderResult {
		return contenderResult{Name: name, Runs: ms(wall), Median: median(ms(wall)), Size: size}
	}
	mib := func(n int64) usage { return usage{Peak: n << 20} }
	b := &bench{results: results{
		Works: []workResult{
			{Part: "backup", Shape: "mixed", Contenders: []contenderResult{at(backupNone, 100, 9), at(peerJSON, 600, 9), at(backupZstd, 100, 51), at(peerJSONZstd, 250, 50)}},
			{Part: "restore", Shape: "mixed", Contenders: []contenderResult{at(restoreNoProof, 100, 0), at(restoreProof, 300, 0), at(peerRestore, 590, 0)}},
			{Part: "backup", Shape: "text", Contenders: []contenderResult{at(backupNone, 100, 9), {Name: peerJSON, Error: "broke"}}},
		},
		Memory: []memoryResult{{400, "a", mib(60)}, {4000, "a", mib(62)}, {400, "b", mib(60)}, {4000, "b", mib(100)}, {400, "c", mib(129)}, {4000, "c", mib(129)}},
		Writer: []writerResult{
			{backupZstd, "OFF", []waits{{Longest: 3}, {Longest: 9}}, make([]backupTime, 2)},
			{peerBackup, "OFF", []waits{{Longest: 8}, {Longest: 8}}, make([]backupTime, 2)},
		},
	}}
	var got []string
	for _, x := range b.targets() {
		got = append(got, x.Verdict)
	}
	want := []string{"met, and the aim", "met", "missed", "missed", "missed", unknown, unknown, unknown, "met", "missed: grows from 60.0 MiB", "missed", "missed"}
	if !slices.Equal(got, want) {
		t.Errorf("verdicts are %q, want %q", got, want)
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]int64{"400MB": 400e6, "4GB": 4e9, "1.5 GB": 15e8, "64KiB": 65536, "2MiB": 2 << 20, "1GiB": 1 << 30, "10kB": 10000, "7B": 7, "12": 12} {
		if n, err := parseSize(s); err != nil || n != want {
			t.Errorf("size %q is %d (%v), want %d", s, n, err, want)
		}
	}
	for _, s := range []string{"", "MB", "-1MB", "0", "x", "1TB", "9999999999GB", "NaN"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("size %q is %d", s, n)
		}
	}
	for _, args := range [][]string{{"-shapes", "round"}, {"-only", "nothing"}, {"-peers", "sqlite4"}, {"-runs", "0"}, {"-size", "x"}, {"-memory-sizes", "1MB,y"}, {"extra"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	c, err := parse(nil)
	if err != nil || c.size != 400e6 || !slices.Equal(c.memorySizes, []int64{400e6, 4e9}) || c.runs != 3 || !slices.Equal(c.only, allParts) {
		t.Errorf("defaults are %+v (%v)", c, err)
	}
}
