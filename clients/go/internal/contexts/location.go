package contexts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	fileVariable = "ROLECALL_CONFIG"
	maxFileBytes = 256 * 1024
)

// lookup returns the value of a variable, or an empty text.
type lookup = func(string) string

// location returns the path of the file, whether it exists or not.
func location(variable lookup) string {
	if named := variable(fileVariable); named != "" {
		return expanded(named)
	}
	// The specification of XDG ignores relative paths.
	folder := variable("XDG_CONFIG_HOME")
	if !filepath.IsAbs(folder) {
		folder = expanded("~/.config")
	}
	return filepath.Join(folder, "rolecall", "config.yaml")
}

// expanded returns a path in which `~` is the home of the user. A user without a home, as in some containers, has `/`.
func expanded(text string) string {
	if !strings.HasPrefix(text, "~") {
		return text
	}
	name, rest, _ := strings.Cut(text[1:], "/")
	home, err := os.UserHomeDir()
	if name != "" {
		var found *user.User
		if found, err = user.Lookup(name); err == nil {
			home = found.HomeDir
		}
	}
	if err != nil {
		home = "/"
	}
	return filepath.Join(home, rest)
}

// readSafely returns the text of the file. Refused is a file that others can write, that is too large, or that is not UTF-8 text.
func readSafely(path string) (string, error) {
	opened, err := openWithoutWaiting(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err != nil {
		return "", errorIn(path, "cannot read the file: "+reasonOf(err), "")
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return "", errorIn(path, "cannot read the file: "+reasonOf(err), "")
	}
	if !info.Mode().IsRegular() {
		return "", errorIn(path, "this is not a regular file", "")
	}
	if err := requireSafe(path, info); err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(opened, maxFileBytes+1))
	switch {
	case err != nil:
		return "", errorIn(path, "cannot read the file: "+reasonOf(err), "")
	case len(data) > maxFileBytes:
		return "", errorIn(path, "the file is longer than "+grouped(maxFileBytes)+" bytes, which is the limit", "")
	case !utf8.Valid(data):
		return "", errorIn(path, "the file is not UTF-8 text", "")
	}
	return string(data), nil
}

func reasonOf(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return strings.ToLower(err.Error())
}

// folders returns the folder of the file, and of what it links to.
func folders(path string) ([]string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	target, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return nil, err
	}
	found := []string{filepath.Dir(absolute)}
	if folder := filepath.Dir(target); folder != found[0] {
		found = append(found, folder)
	}
	return found, nil
}

func writable(path, what string) error {
	kind := "the file"
	if what != path {
		kind = fmt.Sprintf("the folder `%s`", what)
	}
	return errorIn(path, "other users can write "+kind+", and its token commands run as you", "chmod go-w "+what)
}
