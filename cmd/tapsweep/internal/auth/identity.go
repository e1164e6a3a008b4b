package auth

import (
	"net"
	"net/url"
	"os"
)

// identityAddresses are those that azidentity asks for the token of a managed identity. They
// are http by design, since they are on this machine or on a network of its own.
// Sources: learn.microsoft.com/azure/virtual-machines/instance-metadata-service (the address
// of IMDS), learn.microsoft.com/azure/app-service/overview-managed-identity,
// learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication.
func identityAddresses() (list []*url.URL) {
	for _, text := range []string{"http://169.254.169.254", "http://127.0.0.1:40342", os.Getenv("IDENTITY_ENDPOINT"),
		os.Getenv("MSI_ENDPOINT"), os.Getenv("IMDS_ENDPOINT")} {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			list = append(list, u)
		}
	}
	return list
}

// isIdentity reports whether a URL is one of a managed identity. By plain http that is an
// address which no packet leaves the machine's own network for.
func (l *line) isIdentity(u *url.URL) bool {
	for _, address := range l.identity {
		if u.Scheme == address.Scheme && hostOf(u) == hostOf(address) && u.User == nil {
			return u.Scheme == "https" || u.Scheme == "http" && isNear(u.Hostname())
		}
	}
	return false
}

func isNear(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsPrivate()
}
