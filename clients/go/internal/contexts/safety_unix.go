//go:build linux || darwin || freebsd

package contexts

import (
	"os"
	"syscall"
)

const othersWrite = 0o022

// openWithoutWaiting opens a file; a named pipe would never be read.
func openWithoutWaiting(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
}

// requireSafe returns an error unless only this user and root can change the file: its token commands are programs that run.
func requireSafe(path string, info os.FileInfo) error {
	if !isOwn(info) {
		return errorIn(path, "the file belongs to another user", "its token commands would run as you; copy it")
	}
	if info.Mode().Perm()&othersWrite != 0 {
		return writable(path, path)
	}
	around, err := folders(path)
	if err != nil {
		return errorIn(path, "cannot read the file: "+reasonOf(err), "")
	}
	for _, folder := range around {
		replaceable, err := othersCanReplaceIn(folder)
		if err != nil {
			return errorIn(path, "cannot read the file: "+reasonOf(err), "")
		}
		if replaceable {
			return writable(path, folder)
		}
	}
	return nil
}

func othersCanReplaceIn(folder string) (bool, error) {
	var system syscall.Statfs_t
	if err := syscall.Statfs(folder, &system); err != nil {
		return false, err
	}
	const readOnly = 1                      // ST_RDONLY, MNT_RDONLY
	if uint64(system.Flags)&readOnly != 0 { // such as a mounted ConfigMap, whose folder has every right
		return false, nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return false, err
	}
	if !isOwn(info) {
		return true, nil
	}
	return info.Mode().Perm()&othersWrite != 0 && info.Mode()&os.ModeSticky == 0, nil
}

func isOwn(info os.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && (status.Uid == 0 || int(status.Uid) == os.Geteuid())
}
