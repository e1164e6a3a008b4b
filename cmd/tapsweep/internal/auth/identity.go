package auth

import (
	"net"
	"net/url"
)

// identityAddresses returns the addresses that azidentity asks for the token of a managed
// identity. They use http by design, because they are on this machine or its own network.
// Sources: learn.microsoft.com/azure/virtual-machines/instance-metadata-service (the address
// of IMDS), learn.microsoft.com/azure/app-service/overview-managed-identity,
// learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication.
func identityAddresses(getenv func(string) string) (list []*url.URL) {
	for _, text := range []string{"http://169.254.169.254", "http://127.0.0.1:40342", getenv("IDENTITY_ENDPOINT"),
		getenv("MSI_ENDPOINT"), getenv("IMDS_ENDPOINT")} {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			list = append(list, u)
		}
	}
	return list
}

// isIdentity reports whether a URL is an address of a managed identity. With plain http, only
// addresses on this machine or a private network are accepted.
func (l *issuerTransport) isIdentity(u *url.URL) bool {
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
