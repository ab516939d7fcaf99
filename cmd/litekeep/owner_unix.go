//go:build unix

package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// checkOwner refuses to write into a folder of somebody else, which root could: the
// service could not use the files that come of it. A folder that does not exist is
// nobody's.
func checkOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return nil // whoever uses it says why
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	name := strconv.FormatUint(uint64(stat.Uid), 10)
	who := "#" + name
	if u, err := user.LookupId(name); err == nil {
		name, who = u.Username, u.Username
	}
	return &hintedError{
		nil, fmt.Sprintf("%s belongs to %s: the service could not use what anybody else writes there", dir, name),
		"run it as that user: `sudo -u " + shellQuote(who) + " litekeep …`",
	}
}
