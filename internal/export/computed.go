package export

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// computed is an index whose entries SQLite computes of the rows.
type computed struct {
	engine.Computed
	made  *made // its columns alone
	want  tally
	found found
	err   error // of reading it
}

// uncomputed returns those of the unsure indexes of the snapshot at path whose entries are
// not, or not surely, what SQLite computes of the rows. That takes six tenths of the time in
// which it builds an index, and no copy of the snapshot.
func uncomputed(ctx context.Context, path string, d *engine.Description, unsure []*engine.Object) ([]*engine.Object, error) {
	f, file, err := openPages(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if f.Header().Encoding != sqlitefile.UTF8 {
		return unsure, nil // a query gives text in UTF-8, an index has it as it is stored
	}
	all := computedOf(d, unsure)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var read sync.WaitGroup
	read.Go(func() {
		w := &indexWalker{cur: f.NewCursor(), enc: f.Header().Encoding}
		for _, x := range all {
			x.found, x.err = w.walk(ctx, f.Index(uint32(x.Index.RootPage)), x.made, &atomic.Bool{})
		}
	})
	var asked []*engine.Computed
	for _, x := range all {
		asked = append(asked, &x.Computed)
	}
	err = engine.ComputeEntries(ctx, path, d, asked)
	if err != nil {
		cancel()
	}
	read.Wait()
	if err != nil {
		return nil, err
	}
	var rest []*engine.Object
	for _, x := range all {
		if x.Err != nil || x.err != nil || x.found.order != "" || x.found.tally != x.want {
			rest = append(rest, x.Index)
		}
	}
	return rest, nil
}

func computedOf(d *engine.Description, unsure []*engine.Object) []*computed {
	tables := d.Tables()
	var all []*computed
	for _, o := range unsure {
		table := tables[sqlitefile.FoldName(o.Index.Table)]
		x := &computed{made: &made{}}
		for _, c := range o.Index.Columns {
			collation, _ := indexsort.ParseCollation(c.Collation) // unknown ones are carried
			x.made.columns = append(x.made.columns, indexsort.Column{Desc: c.Desc, Collation: collation})
			x.made.real = append(x.made.real, c.Column >= 0 && table.Table.Columns[c.Column].RealAffinity)
			if o.Index.Unique && c.Key {
				x.made.unique++ // SQLite does not build it of rows that are alike
			}
		}
		x.Computed = engine.Computed{Index: o, Table: table, Each: func(entry []value.Value) error {
			h := newEntryHash()
			for i := range entry {
				h = h.add(wordOf(&entry[i]), x.made.real[i])
			}
			x.want.add(tally{1, h.sum()})
			return nil
		}}
		all = append(all, x)
	}
	return all
}
