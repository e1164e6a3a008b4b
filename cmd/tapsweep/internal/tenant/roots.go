package tenant

import (
	"crypto/x509"
	"fmt"
	"os"
	"runtime"
)

// trustedRoots returns the certificate authorities in the file that SSL_CERT_FILE names, nil if the variable
// is empty. On Windows and macOS, where Go ignores the variable, they replace those of the system. On other
// systems Go itself reads the variable. If the file cannot be read, no connection is trusted.
func trustedRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		if system, err := x509.SystemCertPool(); err == nil {
			pool = system
		}
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return pool, fmt.Errorf("SSL_CERT_FILE: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return pool, fmt.Errorf("SSL_CERT_FILE: no certificate in %s", file)
	}
	return pool, nil
}
