package connection

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

const (
	// checkInterval is how often files are looked at, at most.
	checkInterval = time.Second
	// MaxFileBytes is the most that a TLS file may have.
	MaxFileBytes = 4 * 1024 * 1024
)

// TLSFiles are PEM files: `CA` has the certificates that verify the server, `Cert` and `Key` the client's own certificate and key.
type TLSFiles struct {
	CA, Cert, Key string
	// ServerName is the name in the server's certificate, if the address does not have it.
	ServerName string
}

// Validate returns an error if files are missing.
func (f TLSFiles) Validate() error {
	if f.CA == "" {
		return errors.New("TLS needs the file of the CA certificates that verify the server")
	}
	if (f.Cert == "") != (f.Key == "") {
		return errors.New("a client certificate and its key are given together")
	}
	return nil
}

func (f TLSFiles) paths() []string {
	if f.Cert == "" {
		return []string{f.CA}
	}
	return []string{f.CA, f.Cert, f.Key}
}

// reloadingTLS reads the files, and again when one has changed: looked at once a second at most, when it is asked for.
type reloadingTLS struct {
	files    TLSFiles
	log      *slog.Logger
	now      func() time.Time
	contents [][]byte
	versions []os.FileInfo
	lookedAt time.Time
	warned   string
}

func newReloadingTLS(files TLSFiles, log *slog.Logger) (*reloadingTLS, *tls.Config, error) {
	if err := files.Validate(); err != nil {
		return nil, nil, err
	}
	r := &reloadingTLS{files: files, log: log, now: time.Now}
	versions, err := versionsOf(files)
	if err != nil {
		return nil, nil, err
	}
	contents, config, err := readTLS(files)
	if err != nil {
		return nil, nil, err
	}
	r.versions, r.contents, r.lookedAt = versions, contents, r.now()
	return r, config, nil
}

// changed returns the new configuration if a file has changed since it was last returned, and all files are valid.
func (r *reloadingTLS) changed() *tls.Config {
	now := r.now()
	if now.Sub(r.lookedAt) < checkInterval {
		return nil
	}
	r.lookedAt = now
	versions, err := versionsOf(r.files)
	if err == nil && sameVersions(versions, r.versions) {
		return nil
	}
	var contents [][]byte
	var config *tls.Config
	if err == nil {
		contents, config, err = readTLS(r.files)
	}
	if err != nil {
		r.warn(err)
		return nil
	}
	same := equal(contents, r.contents)
	r.warned, r.versions, r.contents = "", versions, contents
	if same {
		return nil
	}
	return config
}

func (r *reloadingTLS) warn(err error) {
	// Files that are being replaced may not fit for a moment: the connection continues with the last valid ones.
	if err.Error() != r.warned {
		r.warned = err.Error()
		r.log.Warn("the TLS files have changed and are not valid; the last valid ones are used", "error", err)
	}
}

// readTLS returns the contents of the files, and the configuration that they make.
func readTLS(files TLSFiles) ([][]byte, *tls.Config, error) {
	var contents [][]byte
	for _, path := range files.paths() {
		content, err := readLimited(path)
		if err != nil {
			return nil, nil, err
		}
		contents = append(contents, content)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(contents[0]) {
		return nil, nil, fmt.Errorf("`%s` has no certificates in PEM form", files.CA)
	}
	config := &tls.Config{RootCAs: pool, ServerName: files.ServerName, MinVersion: tls.VersionTLS12}
	if files.Cert != "" {
		pair, err := tls.X509KeyPair(contents[1], contents[2])
		if err != nil {
			// The cause is not shown: it may have a part of a file that is not what it should be.
			return nil, nil, fmt.Errorf(
				"`%s` and `%s` are not a certificate and its key in PEM form, without a password", files.Cert, files.Key)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return contents, config, nil
}

func readLimited(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err == nil && len(content) > MaxFileBytes {
		err = fmt.Errorf("`%s` has more than %d bytes", path, MaxFileBytes)
	}
	return content, err
}

func versionsOf(files TLSFiles) ([]os.FileInfo, error) {
	var versions []os.FileInfo
	for _, path := range files.paths() {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		versions = append(versions, info)
	}
	return versions, nil
}

func sameVersions(a, b []os.FileInfo) bool {
	for i := range a {
		if !SameVersion(a[i], b[i]) {
			return false
		}
	}
	return true
}

// SameVersion returns whether a file has not changed between two looks at it.
func SameVersion(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func equal(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
