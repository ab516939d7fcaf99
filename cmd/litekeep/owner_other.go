//go:build !unix

package main

// checkOwner has nothing to check where files have no single owner by number.
func checkOwner(string) error { return nil }
