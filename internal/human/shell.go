package human

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ShellWord writes text so that a POSIX shell reads it as one word. What cannot be shown
// on a terminal is written in the $'…' form that POSIX has since 2024.
func ShellWord(text string) string {
	switch {
	case strings.ContainsFunc(text, unseen):
		return "$'" + escaped(text) + "'"
	case text == "" || strings.ContainsFunc(text, special):
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}

// unseen tells what cannot be shown on one line, as bytes that are no UTF-8 cannot.
func unseen(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// special tells what may mean something to a shell.
func special(r rune) bool {
	return r <= unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:@%,=", r)
}

// escaped writes text for $'…', in ASCII.
func escaped(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c) // \x would swallow digits that follow
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
