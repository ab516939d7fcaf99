package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// source is the lines of a file, for excerpts.
type source []string

func newSource(text string) source {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// maxExcerpt is how many characters of a line an excerpt has.
const maxExcerpt = 100

// maxLine is how long a line may be of which an excerpt is made, in bytes.
const maxLine = 4096

// excerpt returns the line at a place with its number, and a marker below; "" for a
// place that is not in the file, or in a line that nobody wrote by hand.
func (s source) excerpt(at place) string {
	if at.line < 1 || at.line > len(s) || len(s[at.line-1]) > maxLine {
		return ""
	}
	line, column := []rune(s.masked(at.line)), max(at.column, 1)
	start := 0
	if len(line) > maxExcerpt {
		start = min(max(column-maxExcerpt/2, 0), len(line)-maxExcerpt)
		line = line[start : start+maxExcerpt]
	}
	column = min(column-start, len(line)+1)
	number := fmt.Sprintf("%4d", at.line)
	marker := strings.Repeat(" ", column-1) + strings.Repeat("^", markerWidth(line, column))
	return number + " | " + printable(line) + "\n" + strings.Repeat(" ", len(number)) + " | " + marker
}

// markerWidth is how many characters a marker has: those of the word at a column,
// counted from 1, or of all that is in quotes.
func markerWidth(line []rune, column int) int {
	rest := line[min(column-1, len(line)):]
	if len(rest) == 0 {
		return 1
	}
	if quote := rest[0]; quote == '"' || quote == '\'' {
		for i, r := range rest[1:] {
			if r == quote {
				return i + 2
			}
		}
	}
	n := 0
	for n < len(rest) && !unicode.IsSpace(rest[n]) && !strings.ContainsRune(",]}", rest[n]) && (rest[n] != ':' || n+1 < len(rest) && !unicode.IsSpace(rest[n+1])) {
		n++
	}
	return max(n, 1)
}

// printable keeps one column for each character.
func printable(line []rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, string(line))
}

// secretKey finds a key whose value may be a secret, also if it is mistyped, and the
// value: to the end of the line, or within braces to the next comma.
var secretKey = regexp.MustCompile(`(?i)["']?\b([a-z_-]*(pas+w|pass|secr|token)[a-z_-]*|(failure_|[a-z]*_)?ur[li])["']?[ \t]*:[ \t]+("(\\.|[^"\\])*"?|'[^']*'?|[^ \t,}][^,}]*)`)

// openSecret finds a key as secretKey does whose value begins on a later line.
var openSecret = regexp.MustCompile(`(?i)["']?\b([a-z_-]*(pas+w|pass|secr|token)[a-z_-]*|(failure_|[a-z]*_)?ur[li])["']?[ \t]*:[ \t]*([|>][-+0-9]*|"[^"]*|'[^']*)?[ \t]*$`)

// masked returns a line with stars in the place of what may be a secret. References
// to secrets are none and stay.
func (s source) masked(number int) string {
	line := s[number-1]
	if s.continuesSecret(number) {
		return indentOf(line) + stars(strings.TrimLeft(line, " \t"))
	}
	var b strings.Builder
	end := 0
	for _, m := range secretKey.FindAllStringSubmatchIndex(line, -1) {
		value := line[m[8]:m[9]]
		b.WriteString(line[end:m[8]])
		if bare := strings.Trim(value, `"' `); !strings.HasPrefix(bare, "file:") && !wholeReference.MatchString(bare) {
			value = stars(value)
		}
		b.WriteString(value)
		end = m[9]
	}
	return b.String() + line[end:]
}

// wholeReference is a value that is a reference to a variable and nothing else.
var wholeReference = regexp.MustCompile(`^\$\{[A-Za-z0-9_]*\}?$`)

// continuesSecret reports whether a line belongs to the value of a key above whose
// value may be a secret.
func (s source) continuesSecret(number int) bool {
	indent := len(indentOf(s[number-1]))
	for i := number - 2; i >= 0; i-- {
		line := s[i]
		if strings.TrimSpace(line) == "" {
			continue
		}
		if openSecret.MatchString(line) {
			return true
		}
		if len(indentOf(line)) < indent || indent == 0 {
			return secretKey.MatchString(line) && !strings.Contains(s[number-1], ":")
		}
	}
	return false
}

func indentOf(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// stars hides text, not its length, so that a marker below it stays right.
func stars(text string) string { return strings.Repeat("*", utf8.RuneCountInString(text)) }
