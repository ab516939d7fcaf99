// Package nearest finds the word that somebody probably meant: a key, a flag or the name
// of a table that is a slip of the finger away from one that there is.
package nearest

import "strings"

// Word returns the one of words that text was probably meant to be, "" if none is
// like it. Case, blanks, hyphens and underscores do not count.
func Word(text string, words []string) string {
	if text == "" || len(text) > 100 {
		return ""
	}
	folded := fold(text)
	best, least := "", max(1, len(folded)/3)+1
	for _, w := range words {
		if d := distance(folded, fold(w)); d < least {
			best, least = w, d
		}
	}
	if best != "" {
		return best
	}
	for _, w := range words { // "monday" is none, but "cert" is certificate
		if len(folded) >= 3 && strings.HasPrefix(fold(w), folded) {
			return w
		}
	}
	return ""
}

// fold leaves out what people mix up without meaning another word.
func fold(text string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(text))
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that
// make b of a (optimal string alignment).
func distance(a, b string) int {
	two, one := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one = one, row
	}
	return one[len(b)]
}
