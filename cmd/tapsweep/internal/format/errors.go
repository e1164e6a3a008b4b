package format

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
)

// Error returns the text of an error for people. Errors of the operating system and the network are in plain words,
// without the names of Go functions.
func Error(err error) string {
	text := err.Error()
	for _, plain := range []func(error) (words string, cause error){plainFile, plainName, plainDial, plainCertificate} {
		if words, cause := plain(err); words != "" {
			text = strings.Replace(text, cause.Error(), words, 1)
		}
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok { // the name may now occur twice
		text = strings.Replace(text, "reading "+file.Path+": "+file.Path+" ", file.Path+" ", 1)
		text = strings.Replace(text, file.Path+": "+file.Path+" ", file.Path+" ", 1)
	}
	return text
}

// plainFile is for a file that does not exist: "open NAME: no such file or directory".
func plainFile(err error) (words string, cause error) {
	e, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(e, fs.ErrNotExist) {
		return "", nil
	}
	return e.Path + " does not exist", e
}

// plainName is for a host name without an address. The error of the connection wraps it.
func plainName(err error) (words string, cause error) {
	e, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return "", nil
	}
	words = "the name " + e.Name + " could not be resolved"
	if e.IsNotFound {
		words = "the name " + e.Name + " has no address"
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok {
		return words, dial
	}
	return words, e
}

// plainDial is for a connection that failed: "dial tcp ADDRESS: connect: connection refused".
func plainDial(err error) (words string, cause error) {
	e, ok := errors.AsType[*net.OpError](err)
	number, isNumber := errors.AsType[syscall.Errno](err)
	if !ok || !isNumber {
		return "", nil
	}
	if to, ok := errors.AsType[*net.OpError](e.Err); ok && e.Op == "proxyconnect" && to.Addr != nil {
		return fmt.Sprintf("the proxy at %s: %v", to.Addr, number), e
	}
	if e.Addr == nil {
		return "", nil
	}
	if strings.Contains(strings.Replace(err.Error(), e.Error(), "", 1), e.Addr.String()) {
		return number.Error(), e // the address already exists
	}
	return fmt.Sprintf("%s: %v", e.Addr, number), e
}

// plainCertificate is for a certificate of a server that is not trusted.
func plainCertificate(err error) (words string, cause error) {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate is of an authority that this machine does not trust", e
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is not for the host " + e.Host, e
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "the certificate has expired, or is not valid yet", e
	}
	return "", nil
}
