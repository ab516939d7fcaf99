package main

import (
	"context"
	"fmt"
	"slices"
)

// memoryPart runs each of litekeep's works once on a database of each size and
// notes the peak of memory.
func (b *bench) memoryPart(ctx context.Context) error {
	shape := b.shapes[0]
	for _, size := range b.memorySizes {
		db, err := b.database(ctx, shape, size)
		if err != nil {
			return err
		}
		object, err := b.backUp(ctx, db, b.out("kept"))
		if err != nil {
			return err
		}
		list := []contender{b.ownBackup(db, backupNone, "--compress", "none"), b.ownBackup(db, backupZstd)}
		for _, c := range b.restores(shape, object, "").contenders {
			if len(c.needs) == 0 {
				list = append(list, c)
			}
		}
		for _, c := range list {
			b.note("memory %s: %s", bytesText(size), c.name)
			u, _, err := b.attempt(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b.results.Memory = append(b.results.Memory, memoryResult{Database: size, Name: c.name, Usage: u})
		}
		if err := removeAll([]string{b.out("kept")}); err != nil {
			return err
		}
	}
	return nil
}

// largestPeaks returns for each work its peaks in the order of the sizes.
func (r *results) largestPeaks() (names []string, peaks map[string][]int64) {
	peaks = map[string][]int64{}
	for _, m := range r.Memory {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
		peaks[m.Name] = append(peaks[m.Name], m.Usage.Peak)
	}
	return names, peaks
}
