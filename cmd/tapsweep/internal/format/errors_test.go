package format

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"tapsweep/testdata/assert"
)

func TestError(t *testing.T) {
	_, missing := os.Open("no-such-file")
	name := &net.DNSError{Err: "no such host", Name: "graph.example", Server: "10.0.0.1:53", IsNotFound: true}
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("as it is"), "as it is"},
		{fmt.Errorf("--protect: %w", missing), "--protect: no-such-file does not exist"},
		{fmt.Errorf("reading no-such-file: %w", missing), "no-such-file does not exist"},
		{fmt.Errorf("--token-file no-such-file: %w", missing), "--token-file no-such-file does not exist"},
		{&os.PathError{Op: "open", Path: "l.csv", Err: syscall.EACCES}, "open l.csv: permission denied"},
		{fmt.Errorf("no connection: %w", &net.OpError{Op: "dial", Net: "tcp", Err: name}),
			"no connection: the name graph.example has no address"},
		{name, "the name graph.example has no address"},
		{fmt.Errorf("not sent: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: address,
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), "not sent: 127.0.0.1:443: connection refused"},
		{fmt.Errorf("graph.example: %w", x509.UnknownAuthorityError{}),
			"graph.example: the certificate is of an authority that this machine does not trust"},
	} {
		assert.Same(t, fmt.Sprintf("Error(%q)", tt.err), Error(tt.err), tt.want)
	}
}
