package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// pipeline is processes of which each reads what the one before it writes. The
// first reads the file in, the last writes to the file out; where there is no
// file, to and from nowhere.
type pipeline struct {
	commands [][]string
	in, out  string
}

// usage is what a run took.
type usage struct {
	Wall time.Duration `json:"wall"`
	CPU  time.Duration `json:"cpu"`  // user and system, of all processes
	Peak int64         `json:"peak"` // bytes of resident memory, of the largest process
}

// add makes u the usage of both, one after the other.
func (u *usage) add(v usage) {
	u.Wall += v.Wall
	u.CPU += v.CPU
	u.Peak = max(u.Peak, v.Peak)
}

// median returns the median of each figure by itself.
func median(runs []usage) usage {
	return usage{
		Wall: middle(runs, func(u usage) time.Duration { return u.Wall }),
		CPU:  middle(runs, func(u usage) time.Duration { return u.CPU }),
		Peak: middle(runs, func(u usage) int64 { return u.Peak }),
	}
}

func middle[T any, N cmp.Ordered](list []T, of func(T) N) N {
	var zero N
	if len(list) == 0 {
		return zero
	}
	n := make([]N, len(list))
	for i, x := range list {
		n[i] = of(x)
	}
	slices.Sort(n)
	return n[(len(n)-1)/2]
}

// run starts all processes of the pipeline, waits for them and returns what
// they took together. Anything but a clean exit of all is an error that quotes
// what they said.
func (p *pipeline) run(ctx context.Context, env []string) (usage, error) {
	var said strings.Builder
	cmds, ends, err := p.prepare(ctx, env, &said)
	started := time.Now()
	running := cmds[:0:0]
	for _, c := range cmds {
		if err != nil {
			break
		}
		if err = c.Start(); err == nil {
			running = append(running, c)
		}
	}
	for _, f := range ends { // the processes hold their own; a pipe ends when its writer does
		err = errors.Join(err, f.Close())
	}
	total := usage{}
	for _, c := range running {
		if failed := c.Wait(); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", filepath.Base(c.Path), failed))
		}
		cpu, peak := resources(c.ProcessState)
		total.CPU += cpu
		total.Peak = max(total.Peak, peak)
	}
	total.Wall = time.Since(started)
	if err != nil {
		return total, fmt.Errorf("%w: %s", errors.Join(err, context.Cause(ctx)), strings.TrimSpace(said.String()))
	}
	return total, nil
}

// prepare makes the processes and the files between them, which the caller
// closes once the processes run.
func (p *pipeline) prepare(ctx context.Context, env []string, said *strings.Builder) (cmds []*exec.Cmd, ends []*os.File, err error) {
	var stderr sharedWriter
	stderr.to = said
	var from *os.File
	if p.in != "" {
		if from, err = os.Open(p.in); err != nil {
			return nil, nil, err
		}
		ends = append(ends, from)
	}
	for i, argv := range p.commands {
		c := exec.CommandContext(ctx, argv[0], argv[1:]...)
		c.Env, c.Stderr = env, &stderr
		if from != nil {
			c.Stdin = from
		}
		var to *os.File
		switch {
		case i < len(p.commands)-1:
			if from, to, err = os.Pipe(); err == nil {
				ends = append(ends, from, to)
			}
		case p.out != "":
			if to, err = os.Create(p.out); err == nil {
				ends = append(ends, to)
			}
		}
		if err != nil {
			return nil, ends, err
		}
		if to != nil {
			c.Stdout = to
		}
		cmds = append(cmds, c)
	}
	return cmds, ends, nil
}

// sharedWriter lets several processes complain at once.
type sharedWriter struct {
	mu sync.Mutex
	to *strings.Builder
}

func (w *sharedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}
