//go:build unix

package config

import "golang.org/x/sys/unix"

// mayRead and mayWrite ask the system for the rights of this process on a path. They
// do not open it: closing a database file would drop the locks of this process on it.
func mayRead(path string) error  { return unix.Access(path, unix.R_OK) }
func mayWrite(path string) error { return unix.Access(path, unix.W_OK|unix.X_OK) }
