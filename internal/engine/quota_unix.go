//go:build unix

package engine

import "syscall"

// isQuota reports whether errno says that the user's share of the disk is
// used up.
func isQuota(errno syscall.Errno) bool { return errno == syscall.EDQUOT }
