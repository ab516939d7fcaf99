//go:build race

package service

// sparse divides the work of simulations, which take ten times as long under the
// race detector.
const sparse = 10
