package tenant

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/status"
)

// proxySchemes are the proxy schemes that net/http supports.
// Source: pkg.go.dev/net/http, Transport.Proxy.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// checkProxies refuses a proxy variable that cannot be parsed, because net/http would then use no proxy. The
// message does not quote the value, which may contain a password. The passwords of valid values are masked in
// all later messages.
// Source: pkg.go.dev/golang.org/x/net/http/httpproxy, FromEnvironment.
func checkProxies(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		if !strings.Contains(value, "://") { // the value is HOST:PORT
			value = "http://" + value
		}
		proxy, err := url.Parse(value)
		if err != nil || !slices.Contains(proxySchemes, proxy.Scheme) || proxy.Hostname() == "" ||
			strings.ContainsAny(proxy.Hostname(), " \"'") || strings.Trim(proxy.Path, "/") != "" {
			return status.Refuse(fmt.Errorf("%s is not a valid proxy", name),
				"write it as http://HOST:PORT; percent-encode special characters in the user name and password")
		}
		if password, ok := proxy.User.Password(); ok {
			login := proxy.User.Username() + ":" + password
			safetext.Conceal(password, base64.StdEncoding.EncodeToString([]byte(login)))
		}
	}
	return nil
}

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
