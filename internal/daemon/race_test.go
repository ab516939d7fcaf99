//go:build race

package daemon

// sparse divides the work of what takes long: SQLite is twenty times as slow
// under the race detector.
const sparse = 5
