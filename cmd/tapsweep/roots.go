//go:debug x509usefallbackroots=1

package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// useCertFiles has SSL_CERT_FILE and SSL_CERT_DIR count on Windows and macOS, too, where
// Go asks the system alone: drills and proxies need them there as well. With the
// setting above, fallback roots go before the system's.
//
// Elsewhere Go reads them itself, and says nothing of what it cannot read: all that is
// seen of that is a certificate that is not trusted.
func useCertFiles() error {
	file, dirs := os.Getenv("SSL_CERT_FILE"), os.Getenv("SSL_CERT_DIR")
	if file+dirs == "" {
		return nil
	}
	pool, err := readRoots(file, dirs)
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		x509.SetFallbackRoots(pool)
	}
	return err
}

// readRoots reads certificates in PEM from a file and from all files of directories. What
// cannot be read is left out: without an authority no connection is trusted.
func readRoots(file, dirs string) (*x509.CertPool, error) {
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
	pool := x509.NewCertPool()
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
			errs = append(errs, fmt.Errorf("SSL_CERT_FILE, SSL_CERT_DIR: %s is a named pipe", name)) // reading it may block
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
	return pool, errors.Join(errs...)
}
