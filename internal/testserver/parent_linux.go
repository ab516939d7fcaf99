package testserver

import (
	"os/exec"
	"syscall"
)

// endWithParent has the system kill the server when the tests are killed.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
