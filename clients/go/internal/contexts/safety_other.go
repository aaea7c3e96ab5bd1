//go:build !(linux || darwin || freebsd)

package contexts

import "os"

func openWithoutWaiting(path string) (*os.File, error) { return os.Open(path) }

// requireSafe finds every file safe: this system has other rights.
func requireSafe(string, os.FileInfo) error { return nil }
