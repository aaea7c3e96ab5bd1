//go:build unix

package rolecall

import (
	"os/exec"
	"syscall"
)

// endWithGroup has a command ended together with what it started.
func endWithGroup(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGKILL) }
}
