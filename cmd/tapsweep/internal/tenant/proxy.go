package tenant

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/status"
)

// proxySchemes are the proxy schemes that net/http supports.
// Source: pkg.go.dev/net/http, Transport.Proxy.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// checkProxies returns an error if a proxy variable cannot be parsed, because net/http would
// then use no proxy. It also registers proxy passwords with safetext.Conceal.
// Source: pkg.go.dev/golang.org/x/net/http/httpproxy, FromEnvironment.
func checkProxies(getenv func(string) string) error {
	proxied := false
	for _, names := range [][]string{{"HTTPS_PROXY", "https_proxy"}, {"HTTP_PROXY", "http_proxy"}} {
		name, value := firstSet(getenv, names...)
		if value == "" {
			continue
		}
		proxied = true
		proxy, err := parseProxy(value)
		concealProxy(value, proxy)
		if err != nil {
			return status.Refuse(fmt.Errorf("%s %q is not a valid proxy: %w", name, withoutUser(value), err),
				"write it as http://HOST:PORT; percent-encode special characters in the user name and password")
		}
	}
	if name, value := firstSet(getenv, "NO_PROXY", "no_proxy"); proxied && value != "" {
		if err := checkNoProxy(value); err != nil {
			return status.Refuse(fmt.Errorf("%s %q: %w", name, withoutUser(value), err),
				"list hosts, domains or networks, separated by commas")
		}
	}
	return nil
}

// firstSet returns the first variable that is set, as net/http does.
func firstSet(getenv func(string) string, names ...string) (name, value string) {
	for _, name := range names {
		if value := getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// parseProxy parses the address of a proxy like net/http, but refuses addresses with which
// net/http would use the wrong host.
func parseProxy(value string) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case strings.Contains(value, "://"):
	case err == nil && slices.Contains(proxySchemes, u.Scheme) && u.Opaque == "":
		return nil, errors.New("two slashes are missing after its scheme")
	default: // a host and a port
		u, err = url.Parse("http://" + value)
	}
	if err != nil {
		return nil, errors.New("it is not an address") // the error of net/url shows the whole value
	}
	switch {
	case !slices.Contains(proxySchemes, u.Scheme):
		return u, fmt.Errorf("its scheme is not one of %s", strings.Join(proxySchemes, ", "))
	case u.Hostname() == "":
		return u, errors.New("it has no host")
	case strings.ContainsAny(u.Hostname(), " \t\r\n\"'<>") || strings.TrimSpace(value) != value:
		return u, errors.New("it contains spaces or quotes")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return u, errors.New("something follows the host and port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return u, errors.New("its port is not between 1 and 65535")
		}
	}
	return u, nil
}

// concealProxy registers the password of a proxy with safetext.Conceal, even if the address
// cannot be parsed.
func concealProxy(value string, proxy *url.URL) {
	if proxy != nil && proxy.User != nil {
		password, _ := proxy.User.Password()
		safetext.Conceal(password, base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password)))
	}
	if at := strings.LastIndexByte(value, '@'); at >= 0 {
		_, user, found := strings.Cut(value[:at], "://")
		if !found {
			user = value[:at]
		}
		if _, password, ok := strings.Cut(user, ":"); ok {
			safetext.Conceal(password)
		}
	}
}

// withoutUser returns the address of a proxy for display, without user and password.
func withoutUser(value string) string {
	at := strings.LastIndexByte(value, '@')
	if at < 0 {
		return safetext.Printable(value)
	}
	scheme, _, found := strings.Cut(value[:at], "://")
	if !found {
		return safetext.Printable("***" + value[at:])
	}
	return safetext.Printable(scheme + "://***" + value[at:])
}

// checkNoProxy returns an error if net/http would ignore an entry. The host in such an entry
// would still be reached through the proxy.
func checkNoProxy(value string) error {
	for entry := range strings.SplitSeq(value, ",") {
		entry = strings.TrimSpace(entry)
		switch {
		case strings.Contains(entry, "://"):
			return fmt.Errorf("the entry %q is an address, not a host", withoutUser(entry))
		case strings.ContainsAny(entry, "; \t\r\n\"'"):
			return fmt.Errorf("the entry %q contains spaces, semicolons or quotes", withoutUser(entry))
		}
	}
	return nil
}
