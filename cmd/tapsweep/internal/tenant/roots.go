package tenant

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// trustedRoots returns the certificate authorities in SSL_CERT_FILE and SSL_CERT_DIR, and nil if
// both are empty. On Windows and macOS, where Go ignores these variables, they replace the system's
// authorities. elsewhere Go itself lets them replace the system's.
func trustedRoots(file, dirs string) (*x509.CertPool, error) {
	if file+dirs == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		if system, err := x509.SystemCertPool(); err == nil {
			pool = system
		}
	}
	return pool, readRoots(pool, file, dirs)
}

// readRoots adds the certificates in a file and in all files of directories, in PEM, to a pool. It
// leaves out what it cannot read: without an authority no connection is trusted.
func readRoots(pool *x509.CertPool, file, dirs string) error {
	var names []string
	if file != "" {
		names = append(names, file)
	}
	var errs []error
	for _, dir := range filepath.SplitList(dirs) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("SSL_CERT_DIR: %w", err))
		}
		for _, e := range entries {
			if !e.IsDir() {
				names = append(names, filepath.Join(dir, e.Name()))
			}
		}
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
			errs = append(errs, fmt.Errorf("SSL_CERT_FILE, SSL_CERT_DIR: %s is a named pipe",
				name)) // reading it may block
			continue
		}
		pem, err := os.ReadFile(name)
		switch {
		case err != nil && name == file:
			errs = append(errs, fmt.Errorf("SSL_CERT_FILE: %w", err))
		case errors.Is(err, fs.ErrNotExist): // a link to a certificate that was removed
		case err != nil:
			errs = append(errs, fmt.Errorf("SSL_CERT_DIR: %w", err))
		case !pool.AppendCertsFromPEM(pem) && name == file:
			errs = append(errs, fmt.Errorf("SSL_CERT_FILE: no certificate in %s", name))
		}
	}
	return errors.Join(errs...)
}
