package tenant

import (
	"encoding/base64"
	"fmt"
	"net/url"
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
