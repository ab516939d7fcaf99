package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/litekeep/litekeep/internal/destination"
)

// usualWidth is that of a terminal that does not tell its own.
const usualWidth = 80

// terminalWidth is how many columns the terminal f has.
func terminalWidth(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w <= 0 {
		return usualWidth
	}
	return w
}

// fits reports whether lines fit on the terminal that they are for. What is not
// printed on a terminal always does.
func (a *app) fits(lines string) bool {
	if a.width == nil {
		return true
	}
	width := a.width()
	for line := range strings.Lines(lines) {
		if text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")) > width {
			return false
		}
	}
	return true
}

// rows are the lines of a table. Where a terminal is too narrow for it, they are
// shown in another way.
type rows struct {
	header []string // as for newTable
	lines  [][]any
}

func (r *rows) add(cells ...any) { r.lines = append(r.lines, cells) }

func (r *rows) render() string {
	t := newTable(r.header...)
	for _, line := range r.lines {
		t.AppendRow(line)
	}
	return t.Render()
}

// printPaths prints a table whose column at has paths. On a terminal that is too narrow
// the column has the names of the files only, below a line for each folder.
func (a *app) printPaths(r *rows, at int) error {
	whole := r.render()
	if len(r.lines) == 0 || a.fits(whole) {
		return a.printf("%s\n", whole)
	}
	short, folders := r.short(at)
	return a.printUnder(short.render(), folders)
}

// printFiles is printPaths for tables that may be too wide even then: each line of it
// becomes a block of lines, headed by the name of the file.
func (a *app) printFiles(r *rows, at int) error {
	whole := r.render()
	if len(r.lines) == 0 || a.fits(whole) {
		return a.printf("%s\n", whole)
	}
	short, folders := r.short(at)
	if lines := short.render(); a.fits(lines) {
		return a.printUnder(lines, folders)
	}
	var b strings.Builder
	for i, line := range short.lines {
		if i == 0 || folders[i] != folders[i-1] {
			fmt.Fprintf(&b, "%s:\n", folders[i])
		}
		fmt.Fprintf(&b, "%v\n", line[at])
		for j, cell := range line {
			if j != at {
				a.addField(&b, r, j, fmt.Sprint(cell))
			}
		}
	}
	return a.printf("%s", b.String())
}

// short is the table with the names of files alone in the column at, and the folder of
// each.
func (r *rows) short(at int) (short *rows, folders []string) {
	short = &rows{header: r.header}
	for _, line := range r.lines {
		cells := append([]any{}, line...)
		folder, file := splitPath(fmt.Sprint(line[at]))
		cells[at] = file
		folders = append(folders, folder)
		short.add(cells...)
	}
	return short, folders
}

// printUnder prints the lines of a table of files, each folder once.
func (a *app) printUnder(table string, folders []string) error {
	lines := strings.Split(table, "\n")
	out := lines[0] + "\n"
	for i, line := range lines[1:] {
		if i == 0 || folders[i] != folders[i-1] {
			out += folders[i] + ":\n"
		}
		out += line + "\n"
	}
	return a.printf("%s", out)
}

// printBlocks prints a table whose first column has names. On a terminal that is too
// narrow each line of it becomes a block of lines.
func (a *app) printBlocks(r *rows) error {
	whole := r.render()
	if a.fits(whole) {
		return a.printf("%s\n", whole)
	}
	var b strings.Builder
	for _, line := range r.lines {
		fmt.Fprintf(&b, "%v\n", line[0])
		for i, cell := range line[1:] {
			a.addField(&b, r, i+1, fmt.Sprint(cell))
		}
	}
	return a.printf("%s", b.String())
}

// printTailed is printBlocks for a table whose last column has texts that few lines
// have: on a narrow terminal they stand below their lines, if the rest fits then.
func (a *app) printTailed(r *rows) error {
	last := len(r.header) - 1
	rest := &rows{header: r.header[:last]}
	for _, line := range r.lines {
		rest.add(line[:last]...)
	}
	table := rest.render()
	if a.fits(r.render()) || !a.fits(table) {
		return a.printBlocks(r)
	}
	var b strings.Builder
	for i, line := range strings.Split(table, "\n") {
		fmt.Fprintln(&b, line)
		if i == 0 {
			continue // the header
		}
		if tail := fmt.Sprint(r.lines[i-1][last]); tail != "" {
			fmt.Fprintf(&b, "  %s\n", a.wrapped(tail, 2))
		}
	}
	return a.printf("%s", b.String())
}

// addField adds a value of the column at of a table to a block of lines, beside the
// header, unless there is none.
func (a *app) addField(b *strings.Builder, r *rows, at int, value string) {
	if value == "" {
		return
	}
	indent := 12
	for _, h := range r.header {
		indent = max(indent, len("  "+strings.TrimPrefix(h, ">")+" "))
	}
	label := "  " + strings.ToLower(strings.TrimPrefix(r.header[at], ">"))
	fmt.Fprintf(b, "%-*s%s\n", indent, label, a.wrapped(value, indent))
}

// wrapped is text as it fits on the terminal, cut at spaces, where all lines but the
// first are indented. A word that is too long by itself stays whole, to be copied.
func (a *app) wrapped(words string, indent int) string {
	if a.width == nil {
		return words
	}
	var b strings.Builder
	at := indent
	for i, word := range strings.Split(words, " ") {
		n := text.StringWidthWithoutEscSequences(word)
		switch {
		case i == 0:
		case at+1+n > a.width():
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// printPath prints a line about a path: before it, the path and after it. On a terminal
// that is too narrow the path is the name of the file, below a line with its folder
// where that is not the one of the line before.
func (a *app) printPath(before, path, after string) error {
	path = oneLine(path)
	line := before + path + after + "\n"
	if a.fits(line) {
		return a.printf("%s", line)
	}
	folder, file := splitPath(path)
	if folder != a.heading {
		if err := a.printf("%s:\n", folder); err != nil {
			return err
		}
		a.heading = folder
	}
	return a.printf("%s%s%s\n", before, file, after)
}

// splitPath cuts a path or the URL of a backup into its folder and the name of the file.
func splitPath(path string) (folder, file string) {
	if !destination.IsURL(path) {
		return filepath.Dir(path), filepath.Base(path)
	}
	path, query, found := strings.Cut(path, "?")
	i := strings.LastIndexByte(path, '/')
	if folder = path[:i]; found {
		folder += "?" + query
	}
	return folder, path[i+1:]
}
