package config

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// The bounds of patterns. A service lists the backups of each database, and does that
// for some thousands in a few seconds.
const (
	maxMatches = 10_000  // databases by patterns
	maxEntries = 200_000 // names in folders that one pattern looks at
	maxMisfits = 100     // told one by one
)

// Misfit is what a pattern could not make a database of.
type Misfit struct {
	Match   string // of the entry
	Path    string // the file, the folder that cannot be read, or the pattern itself where not all was looked at
	Message string // does not begin with the path
	Hint    string // the way out, "" if there is none
}

// Member is a database that a pattern has brought before.
type Member struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// Expand is Finder.Expand for somebody who looks once.
func (c *Config) Expand(ctx context.Context, members []Member) *Config {
	return new(Finder).Expand(ctx, c, members)
}

// Expand returns the configuration with a database for each file that the patterns
// match, behind those with an entry of their own, which win. What cannot be one is in
// Misfits. Members stay, also where their files are gone or nobody can tell: an
// entry that still stands for one is all that it takes. Where two files have one
// name, a member keeps it; else the first path does. It waits for folders no longer
// than ctx lasts, and for none that did not answer before and still does not.
func (x *Finder) Expand(ctx context.Context, c *Config, members []Member) *Config {
	out := *c
	out.Misfits = nil
	out.Databases = slices.DeleteFunc(slices.Clone(c.Databases), func(db Database) bool { return db.Match != "" })
	if len(c.Patterns) == 0 {
		return &out
	}
	f := &fleet{Config: &out, names: map[string]string{}, paths: map[string]bool{}}
	own := map[string][]string{}
	for _, db := range out.Databases {
		f.names[strings.ToLower(db.Name)], f.paths[db.Path] = db.Path, true
		base := filepath.Base(db.Path)
		own[base] = append(own[base], db.Path)
	}
	known := make([][]Member, len(c.Patterns))
	answers := make([]<-chan found, len(c.Patterns))
	for i := range c.Patterns { // side by side: one that does not answer takes no time from the others
		p := &c.Patterns[i]
		known[i] = slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return !p.stillBrings(m) })
		answers[i] = x.begin(ctx, p.Match, &searcher{ctx: ctx, state: c.State, own: own}, known[i])
	}
	for i := range c.Patterns {
		p := &c.Patterns[i]
		f.expand(p, known[i], x.wait(ctx, p.Match, answers[i]))
	}
	return &out
}

// A fleet is one Expand.
type fleet struct {
	*Config
	brought int               // databases by patterns
	names   map[string]string // of databases in small letters, and their paths
	paths   map[string]bool   // that have a database
}

// expand adds what one entry brings: the members that it still brings, and what was found.
func (f *fleet) expand(p *Database, known []Member, found found) {
	if len(found.files) > maxMatches-f.brought {
		found = found.withoutFiles(p.Match, errMatches)
	}
	for _, m := range found.misfits {
		f.misfit(p, m)
	}
	for _, m := range known {
		if !f.paths[m.Path] {
			f.add(p, m.Name, m.Path, found.gone[m.Path])
		}
	}
	for _, path := range found.files {
		f.join(p, path)
	}
}

// stillBrings reports whether the entry would bring a member if its file is there.
func (db *Database) stillBrings(m Member) bool {
	fits, err := filepath.Match(db.Match, m.Path)
	return err == nil && fits && !notDatabase(filepath.Base(m.Path)) && db.nameFor(m.Path) == m.Name && !db.excepts(m.Name)
}

// join adds the database of a file that was found.
func (f *fleet) join(p *Database, path string) {
	name := p.nameFor(path)
	if f.paths[path] || p.excepts(name) {
		return
	}
	misfit := Misfit{Path: path, Hint: "rename the file, or give it an entry of its own with name and path; except: [" + quote(name) + "] leaves it out"}
	if wrong := nameProblem(name); wrong != "" {
		misfit.Message = "its name cannot be that of a database: " + wrong
		f.misfit(p, misfit)
		return
	}
	if other, taken := f.names[strings.ToLower(name)]; taken {
		misfit.Message = fmt.Sprintf("the name %q is that of another database, %s", name, other)
		f.misfit(p, misfit)
		return
	}
	f.add(p, name, path, false)
	f.Misfits = slices.DeleteFunc(f.Misfits, func(m Misfit) bool { return m.Path == path }) // of a pattern before
}

// add adds a database that an entry brings.
func (f *fleet) add(p *Database, name, path string, gone bool) {
	if other, taken := f.names[strings.ToLower(name)]; taken {
		f.misfit(p, Misfit{Path: path, Message: fmt.Sprintf("the name %q is that of another database, %s", name, other)})
		return
	}
	db := *p
	db.Settings = p.clone()
	db.Name, db.Path, db.Except, db.Gone = name, path, nil, gone
	f.names[strings.ToLower(name)], f.paths[path] = path, true
	f.Databases = append(f.Databases, db)
	f.brought++
}

// misfit notes what an entry could not make a database of, once for several patterns
// that match it.
func (f *fleet) misfit(p *Database, m Misfit) {
	m.Match = p.Match
	switch {
	case slices.ContainsFunc(f.Misfits, func(known Misfit) bool { return known.Path == m.Path }):
	case len(f.Misfits) < maxMisfits:
		f.Misfits = append(f.Misfits, m)
	case len(f.Misfits) == maxMisfits:
		f.Misfits = append(f.Misfits, Misfit{Match: p.Match, Path: p.Match, Message: "there are more files that cannot be databases than are told"})
	}
}

// split takes the entries with a pattern out of the databases.
func (c *Config) split() {
	for _, db := range c.Databases {
		if db.Match != "" {
			c.Patterns = append(c.Patterns, db)
		}
	}
	c.Databases = slices.DeleteFunc(c.Databases, func(db Database) bool { return db.Match != "" })
}

// Members are the databases that patterns have brought.
func (c *Config) Members() []Member {
	var list []Member
	for _, db := range c.Databases {
		if db.Match != "" {
			list = append(list, Member{db.Name, db.Path})
		}
	}
	return list
}
