//go:build !unix

package engine

import "syscall"

// isQuota reports whether errno says that the user's share of the disk is
// used up; only Unix has a code of its own for that.
func isQuota(syscall.Errno) bool { return false }
