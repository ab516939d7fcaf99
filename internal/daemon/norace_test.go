//go:build !race

package daemon

const sparse = 1
