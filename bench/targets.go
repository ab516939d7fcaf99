package main

import (
	"fmt"
	"slices"
	"time"
)

// target is one line of the table of targets.
type target struct {
	Name     string `json:"name"`
	Measured string `json:"measured"`
	AtLeast  string `json:"at_least"`
	Aim      string `json:"aim"`
	Verdict  string `json:"verdict"` // met, missed, or why it cannot be said
}

// memoryLimit is the bound on peak memory.
const memoryLimit = 128 << 20

// flatness is how much more memory the largest database may take than the
// smallest before the memory counts as growing with it.
const flatness = 1.25

// targets compares what was measured with what is demanded.
func (b *bench) targets() []target {
	var list []target
	for i := range b.results.Works {
		w := &b.results.Works[i]
		switch w.Part {
		case "backup":
			list = append(list, w.faster(backupNone, peerJSON, 3, 5), w.faster(backupZstd, peerJSONZstd, 2, 3), w.noLarger())
		case "restore":
			list = append(list, w.faster(restoreNoProof, peerRestore, 6, 10), w.faster(restoreProof, peerRestore, 3, 5))
		case "vault":
			list = append(list, w.vaultTargets()...)
		}
	}
	list = append(list, b.results.memoryTargets()...)
	return append(list, b.results.writerTargets()...)
}

const unknown = "cannot be said"

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// pair finds two contenders that both have figures.
func (w *workResult) pair(own, peer string) (x, y *contenderResult) {
	for i := range w.Contenders {
		c := &w.Contenders[i]
		if c.Error != "" || len(c.Runs) == 0 {
			continue
		}
		switch c.Name {
		case own:
			x = c
		case peer:
			y = c
		}
	}
	if x == nil || y == nil {
		return nil, nil
	}
	return x, y
}

func (w *workResult) faster(own, peer string, least, aim float64) target {
	t := target{Name: fmt.Sprintf("%s: %s, against %s", w.Shape, own, peer), AtLeast: fmt.Sprintf("%gx", least), Aim: fmt.Sprintf("%gx", aim), Verdict: unknown, Measured: "-"}
	if x, y := w.pair(own, peer); x != nil {
		ratio := y.Median.Wall.Seconds() / x.Median.Wall.Seconds()
		t.Measured, t.Verdict = fmt.Sprintf("%.2fx", ratio), verdict(ratio >= least)
		if ratio >= aim {
			t.Verdict = "met, and the aim"
		}
	}
	return t
}

func (w *workResult) noLarger() target {
	t := target{Name: fmt.Sprintf("%s: size of %s, against %s", w.Shape, backupZstd, peerJSONZstd), AtLeast: "no larger", Verdict: unknown, Measured: "-"}
	if x, y := w.pair(backupZstd, peerJSONZstd); x != nil {
		t.Measured, t.Verdict = fmt.Sprintf("%.3fx", float64(x.Size)/float64(y.Size)), verdict(x.Size <= y.Size)
	}
	return t
}

func (r *results) memoryTargets() []target {
	names, peaks := r.largestPeaks()
	var list []target
	for _, n := range names {
		p := peaks[n]
		least, most := slices.Min(p), slices.Max(p)
		flat := len(p) < 2 || float64(most) <= flatness*float64(least)
		t := target{Name: "peak memory of " + n, Measured: memoryText(most), AtLeast: "under " + memoryText(memoryLimit) + ", flat", Verdict: verdict(most < memoryLimit && flat)}
		if most < memoryLimit && !flat {
			t.Verdict += ": grows from " + memoryText(least)
		}
		if most == 0 {
			t.Verdict = unknown
		}
		list = append(list, t)
	}
	return list
}

// writerTargets judges the worst round of each, and the locks alone: with the
// disk in play the figures are those of the disk.
func (r *results) writerTargets() []target {
	worst := map[string]time.Duration{}
	failed := ""
	for _, x := range r.Writer {
		if x.Synchronous == "OFF" {
			if i := slices.IndexFunc(x.Backups, func(t backupTime) bool { return t.Failed != "" }); i >= 0 && x.Name == backupZstd {
				failed = x.Backups[i].Failed
			}
			worst[x.Name] = slices.MaxFunc(x.Waits, func(a, b waits) int { return int(a.Longest - b.Longest) }).Longest
		}
	}
	own, ok := worst[backupZstd]
	if !ok {
		return nil
	}
	t := target{Name: "a writer's longest wait", Measured: own.Round(time.Millisecond).String(), AtLeast: "no longer than " + peerBackup, Verdict: unknown}
	if peer, ok := worst[peerBackup]; ok {
		t.AtLeast += ": " + peer.Round(time.Millisecond).String()
		t.Verdict = verdict(own <= peer)
	}
	if failed != "" {
		t.Verdict = "missed: the backup failed: " + failed
	}
	return []target{t}
}
