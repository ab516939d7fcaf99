package sqlitefile

// FoldName returns the form in which SQLite compares names: with the letters of
// ASCII in lower case, and no others. So "ä" and "Ä" name two tables.
func FoldName(name string) string {
	for i := range len(name) {
		if ch := name[i]; ch >= 'A' && ch <= 'Z' {
			b := []byte(name)
			for j := i; j < len(b); j++ {
				if b[j] >= 'A' && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}
