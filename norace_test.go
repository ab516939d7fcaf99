//go:build !race

package litekeep_test

// sparse is 1: try everything.
const sparse = 1
