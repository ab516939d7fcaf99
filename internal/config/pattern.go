package config

import (
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/litekeep/litekeep"
)

// The placeholders that the name of an entry with a pattern can have.
const (
	markName = "{name}" // the file's name up to its last dot
	markDir  = "{dir}"  // the name of its folder
)

// placeholder is what looks like one.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// pattern checks an entry of databases that has a pattern, and makes the pattern
// absolute.
func (d *decoder) pattern(at string, db *Database) {
	path := join(at, "match")
	switch {
	case d.bad[path]:
	case d.has(join(at, "path")):
		d.wrong(path, "path names one file, match a pattern of many", "path and match cannot stand together")
	case db.Match == "":
		d.wrong(path, "", "is empty; want a pattern such as /srv/tenants/*.db")
	case !hasMeta(db.Match):
		d.wrong(path, "path names a single file", "has no *, ? or [ in it")
	case slices.Contains(strings.FieldsFunc(db.Match, isSeparator), "**"):
		d.wrong(path, "write one * for each folder: /srv/*/*.db", "** is not read: a * is for the names in one folder")
	case strings.HasPrefix(db.Match, "~"):
		d.path(path, &db.Match)
	default:
		if _, err := filepath.Match(db.Match, ""); err != nil {
			d.wrong(path, "a [ ends with a ]; a \\ before a sign takes it as it stands", "%.80q is not a pattern", db.Match)
			return
		}
		db.Match = d.absolutePattern(db.Match)
	}
	d.template(join(at, "name"), db)
	for i, text := range db.Except {
		if _, err := filepath.Match(text, ""); err != nil {
			d.wrong(join(join(at, "except"), strconv.Itoa(i)), "", "%.80q is not a pattern", text)
		}
	}
}

// template checks a name with placeholders.
func (d *decoder) template(path string, db *Database) {
	if d.bad[path] || db.Name == "" {
		d.required(path, db.Name, "a name")
		return
	}
	known := false
	for _, mark := range placeholder.FindAllString(db.Name, -1) {
		if mark != markName && mark != markDir {
			d.wrong(path, "known are "+markName+" and "+markDir, "there is no placeholder %.80q", mark)
			return
		}
		known = true
	}
	if !known {
		d.wrong(path, `write name: "`+markName+`", which stands for the name of each file without its ending, or "`+markDir+`" for that of its folder`,
			"all that match brings would be called %.80q", db.Name)
		return
	}
	if wrong := nameProblem(strings.NewReplacer(markName, "x", markDir, "x").Replace(db.Name)); wrong != "" {
		d.wrong(path, "", "%s", wrong)
	}
}

// nameProblem says what is wrong with a name, "" if nothing is.
func nameProblem(name string) string {
	// The default compression makes an encoder to be checked, for each of thousands of names.
	return coreProblem("Name", litekeep.Config{Name: name, Compression: "none"})
}

// nameFor is the name of the database at a path that the entry brings.
func (db *Database) nameFor(path string) string {
	base := filepath.Base(path)
	return strings.NewReplacer(
		markName, strings.TrimSuffix(base, filepath.Ext(base)),
		markDir, filepath.Base(filepath.Dir(path)),
	).Replace(db.Name)
}

// mayBring reports whether a database of a name could come by the entry.
func (db *Database) mayBring(name string) bool {
	var b strings.Builder
	rest := db.Name
	for _, at := range placeholder.FindAllStringIndex(db.Name, -1) {
		done := len(db.Name) - len(rest)
		b.WriteString(regexp.QuoteMeta(db.Name[done:at[0]]) + ".+")
		rest = db.Name[at[1]:]
	}
	b.WriteString(regexp.QuoteMeta(rest))
	fits, err := regexp.MatchString("^(?s:"+b.String()+")$", name)
	return err == nil && fits && !db.excepts(name)
}

// excepts reports whether the entry is not to bring a name.
func (db *Database) excepts(name string) bool {
	return slices.ContainsFunc(db.Except, func(pattern string) bool {
		fits, err := filepath.Match(strings.ToLower(pattern), strings.ToLower(name))
		return strings.EqualFold(pattern, name) || err == nil && fits
	})
}

func isSeparator(r rune) bool { return r == '/' || r == filepath.Separator }

// hasMeta reports whether filepath.Match takes a text for more than itself.
func hasMeta(text string) bool {
	if runtime.GOOS == "windows" {
		return strings.ContainsAny(text, `*?[`)
	}
	return strings.ContainsAny(text, `*?[\`)
}

// absolutePattern is absolute for a pattern: the folder of the file is taken as it
// stands, whatever signs its name has.
func (d *decoder) absolutePattern(pattern string) string {
	if filepath.IsAbs(pattern) {
		return filepath.Clean(pattern)
	}
	quoted := strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`)
	if runtime.GOOS != "windows" {
		quoted = strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`, `\`, `\\`)
	}
	return filepath.Join(quoted.Replace(d.folder), pattern)
}
