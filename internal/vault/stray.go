package vault

import (
	"context"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/store"
)

// A Stray is an object without a manifest: its manifest was lost, or a run that wrote
// it was cut off. It is no backup, so nothing lists, verifies or removes it.
type Stray struct {
	Ref
	Size     int64 // bytes
	Modified time.Time
}

// Strays finds the strays of a database, or of all if it is "", in the order of a
// listing: those that were written before a time. A younger one may be one that a run
// is still writing, or that the next run finishes.
func (p *Place) Strays(ctx context.Context, database string, before time.Time) ([]Stray, error) {
	prefix := ""
	if database != "" {
		prefix = database + "/"
	}
	found, err := p.strays(ctx, prefix, before)
	if err != nil {
		return nil, err
	}
	sure := found[:0]
	for _, s := range found {
		// A manifest that got another name meanwhile may have been missed under both.
		again, err := p.strays(ctx, s.Key(), before)
		if err != nil {
			return nil, err
		}
		if slices.Contains(again, s) {
			sure = append(sure, s)
		}
	}
	return sure, nil
}

// strays is Strays with one look, at all keys with a prefix.
func (p *Place) strays(ctx context.Context, prefix string, before time.Time) ([]Stray, error) {
	objects, kept := map[Ref]Stray{}, map[Ref]bool{}
	err := p.eachFile(ctx, prefix, func(ref Ref, suffix string, info store.Info) {
		_, trashed := manifest.ParseTrashedSuffix(suffix)
		switch {
		case suffix == "":
			objects[ref] = Stray{Ref: ref, Size: info.Size, Modified: info.ModTime}
		case trashed || suffix == manifest.Suffix || suffix == manifest.PrunedSuffix:
			kept[ref] = true
		}
	})
	if err != nil {
		return nil, err
	}
	var found []Stray
	for ref, s := range objects {
		if !kept[ref] && s.Modified.Before(before) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b Stray) int { return CompareRefs(a.Ref, b.Ref) })
	return found, nil
}
