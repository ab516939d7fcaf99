package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
)

// results are all figures of a measurement. Durations are in nanoseconds,
// sizes in bytes.
type results struct {
	System  system          `json:"system"`
	Works   []workResult    `json:"works"`
	Memory  []memoryResult  `json:"memory"`
	Writer  []writerResult  `json:"writer"`
	Service []serviceResult `json:"service,omitzero"`
	Floor   int64           `json:"memory_floor"` // the least peak that can be seen
	Targets []target        `json:"targets"`
}

type system struct {
	OS, Arch, FileSystem string
	CPUs                 int
	Go, SQLite           string            // what litekeep is built with
	Peers                map[string]string // version of each
	Missing              []string          // peers that are not measured
}

type workResult struct {
	Part       string            `json:"part"`
	Work       string            `json:"work"`
	Shape      string            `json:"shape"`
	Database   int64             `json:"database"`
	Contenders []contenderResult `json:"contenders"`
}

type contenderResult struct {
	Name   string  `json:"name"`
	Runs   []usage `json:"runs"`
	Median usage   `json:"median"`
	Size   int64   `json:"size"`
	Base   string  `json:"base"`  // the contender of litekeep that it is compared with
	Ratio  float64 `json:"ratio"` // its median wall time by that of the base; 0 if one is missing
	Error  string  `json:"error,omitzero"`
}

type memoryResult struct {
	Database int64  `json:"database"`
	Name     string `json:"name"`
	Usage    usage  `json:"usage"`
}

// backupTime is how long a backup beside a writer took.
type backupTime struct {
	Wall   time.Duration `json:"wall"`
	Failed string        `json:"failed,omitzero"` // why it did not end well
}

type writerResult struct {
	Name        string       `json:"name"`
	Synchronous string       `json:"synchronous"`
	Waits       []waits      `json:"waits"`
	Backups     []backupTime `json:"backups"`
}

func (r *results) addWaits(name, synchronous string, w waits, took backupTime) {
	i := slices.IndexFunc(r.Writer, func(x writerResult) bool { return x.Name == name && x.Synchronous == synchronous })
	if i < 0 {
		i = len(r.Writer)
		r.Writer = append(r.Writer, writerResult{Name: name, Synchronous: synchronous})
	}
	r.Writer[i].Waits = append(r.Writer[i].Waits, w)
	r.Writer[i].Backups = append(r.Writer[i].Backups, took)
}

// system describes where the measurement runs.
func (b *bench) system(ctx context.Context) system {
	s := system{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(), SQLite: engine.Version(), Peers: map[string]string{}, Missing: b.missing, FileSystem: "unknown"}
	if out, err := exec.CommandContext(ctx, "df", "-PT", b.dir).Output(); err == nil {
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); len(lines) == 2 {
			if f := strings.Fields(lines[1]); len(f) > 1 {
				s.FileSystem = f[1]
			}
		}
	}
	for _, p := range allPeers {
		if !b.available([]string{p}) {
			continue
		}
		if out, err := exec.CommandContext(ctx, p, versionArgument(p)).CombinedOutput(); err == nil {
			first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			s.Peers[p] = first
		}
	}
	return s
}

func (b *bench) print(w io.Writer) error {
	if b.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(b.results)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	r := &b.results
	fmt.Fprintf(t, "%s/%s, %d CPUs, file system %s, %s, SQLite %s in litekeep\n", r.System.OS, r.System.Arch, r.System.CPUs, r.System.FileSystem, r.System.Go, r.System.SQLite)
	for _, p := range allPeers {
		if v, ok := r.System.Peers[p]; ok {
			fmt.Fprintf(t, "%s: %s\n", p, v)
		} else {
			fmt.Fprintf(t, "%s: not measured\n", p)
		}
	}
	fmt.Fprintf(t, "%d rounds, medians; peaks below %s cannot be told apart\n", b.runs, memoryText(r.Floor))
	for _, x := range r.Works {
		x.print(t)
	}
	r.printMemory(t)
	r.printWriter(t)
	r.printService(t)
	if len(r.Targets) > 0 {
		fmt.Fprintf(t, "\ntarget\tmeasured\tat least\taim\t\n")
	}
	for _, x := range r.Targets {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", x.Name, x.Measured, x.AtLeast, x.Aim, x.Verdict)
	}
	return t.Flush()
}

// ratios fills in how many times as long as its base each contender takes.
func (x *workResult) ratios() {
	base := map[string]time.Duration{}
	for _, c := range x.Contenders {
		base[c.Name] = c.Median.Wall
	}
	for i := range x.Contenders {
		c := &x.Contenders[i]
		if by := base[c.Base]; by > 0 {
			c.Ratio = c.Median.Wall.Seconds() / by.Seconds()
		}
	}
}

// print writes a table of a work. Peers are compared with litekeep's contender
// that does the same: compressed with compressed.
func (x *workResult) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s, %s, database of %s\nwall\tratio\tCPU\tpeak memory\toutput\t\n", x.Work, x.Shape, bytesText(x.Database))
	for _, c := range x.Contenders {
		if c.Error != "" {
			fmt.Fprintf(w, "failed\t\t\t\t\t%s: %.200s\n", c.Name, c.Error)
			continue
		}
		ratio := "-"
		if c.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", c.Ratio)
		}
		fmt.Fprintf(w, "%.2f s\t%s\t%.2f s\t%s\t%s\t%s\n", c.Median.Wall.Seconds(), ratio, c.Median.CPU.Seconds(), memoryText(c.Median.Peak), bytesText(c.Size), c.Name)
	}
}

func (r *results) printMemory(w io.Writer) {
	if len(r.Memory) == 0 {
		return
	}
	fmt.Fprintf(w, "\nmemory\ndatabase\tpeak memory\twall\tCPU\t\n")
	for _, m := range r.Memory {
		fmt.Fprintf(w, "%s\t%s\t%.2f s\t%.2f s\t%s\n", bytesText(m.Database), memoryText(m.Usage.Peak), m.Usage.Wall.Seconds(), m.Usage.CPU.Seconds(), m.Name)
	}
}

func (r *results) printWriter(w io.Writer) {
	if len(r.Writer) == 0 {
		return
	}
	fmt.Fprintf(w, "\na writer beside a backup, rollback journal\nsynchronous\tlongest wait of each round\tmedian commit\tbackup took\t\n")
	for _, x := range r.Writer {
		var longest, took []string
		for i, y := range x.Waits {
			longest = append(longest, fmt.Sprintf("%.0f ms", y.Longest.Seconds()*1000))
			t := fmt.Sprintf("%.1f s", x.Backups[i].Wall.Seconds())
			if x.Backups[i].Failed != "" {
				t += " (failed)"
			}
			took = append(took, t)
		}
		usual := middle(x.Waits, func(w waits) time.Duration { return w.Median })
		fmt.Fprintf(w, "%s\t%s\t%.2f ms\t%s\t%s\n", x.Synchronous, strings.Join(longest, ", "), usual.Seconds()*1000, strings.Join(took, ", "), x.Name)
	}
}

func memoryText(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func bytesText(n int64) string {
	switch f := float64(n); {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", f/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", f/1e6)
	default:
		return fmt.Sprintf("%.1f kB", f/1e3)
	}
}

// versionArgument makes a program print its version.
func versionArgument(program string) string {
	if program == "restic" {
		return "version"
	}
	return "--version"
}
