//go:build race

package litekeep_test

// sparse makes tests that try everything, one thing after the other, try a part
// of it: with the race detector SQLite is twenty times as slow.
const sparse = 5
