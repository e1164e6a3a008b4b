package graphsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

// ServerName is a further name in each Server's certificate. DNS does not know it, so a
// client can reach it only through a proxy or with its own dialer.
const ServerName = "graphsim.example"

// A Server is a tenant behind TLS, for other processes and for real sockets.
type Server struct {
	URL    string // such as https://127.0.0.1:40123; it has no slash at the end
	CAPEM  []byte // the certificate, for clients to trust; it is valid for this server only
	CAFile string // a file with CAPEM; Close removes it

	server *http.Server
	done   chan struct{}
}

// Start listens on a free port of the loopback interface. See StartAt.
func (t *Tenant) Start() (*Server, error) { return t.StartAt("127.0.0.1:0") }

// StartAt serves HTTPS on addr, including HTTP/2. Its certificate is valid for the host of
// addr, for localhost and for the loopback addresses. The caller closes the Server.
func (t *Tenant) StartAt(addr string) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated tenant: %w", err)
	}
	ca, cert, err := certify(host)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated tenant: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	s := &Server{
		URL:   "https://" + net.JoinHostPort(host, fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)),
		CAPEM: ca,
		done:  make(chan struct{}),
	}
	if s.CAFile, err = writeTemporary(ca); err != nil {
		listener.Close()
		return nil, err
	}
	s.server = &http.Server{
		Handler:           t,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // faults break connections
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				t.mu.Lock()
				t.stats.Connections++
				t.mu.Unlock()
			}
		},
	}
	go func() {
		defer close(s.done)
		s.server.ServeTLS(listener, "", "") // returns when Close is called
	}()
	return s, nil
}

// writeTemporary writes text to a new file that only its owner can read.
func writeTemporary(text []byte) (path string, err error) {
	f, err := os.CreateTemp("", "graphsim-*.pem")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

// Client returns a new client that trusts the server. It has no timeout.
func (s *Server) Client() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CAPEM)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
	}}
}

// Close stops listening and ends all connections, even those with requests under way.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.done
	os.Remove(s.CAFile)
	return err
}

// Environment returns the environment variables with which a process uses the server as
// its cloud, with the tenant's credential. The process must turn instance discovery off,
// as for any private cloud.
func (t *Tenant) Environment(serverURL, caFile string) []string {
	opts := t.Entra.Options()
	return []string{
		"AZURE_AUTHORITY_HOST=" + serverURL,
		"AZURE_TENANT_ID=" + opts.TenantID,
		"AZURE_CLIENT_ID=" + opts.ClientID,
		"AZURE_CLIENT_SECRET=" + opts.Secret,
		"SSL_CERT_FILE=" + caFile,
	}
}

// certify creates a certificate that signs itself, and is no authority for any other host.
func certify(host string) (certPEM []byte, cert tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, cert, err
	}
	now := time.Now()
	leaf := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "graphsim"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(30 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost", ServerName},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	} else if host != "" {
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key)
	if err != nil {
		return nil, cert, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
