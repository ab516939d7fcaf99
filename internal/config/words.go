package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/nearest"
)

// didYouMean is a hint, "" if nothing is like text.
func didYouMean(text string, words []string) string {
	if like := nearest.Word(text, words); like != "" {
		return "did you mean " + like + "?"
	}
	return ""
}

// oneOf lists words: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// sortedKeys returns the keys of m in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
