package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"tapsweep/batch/graphsim"
)

// utf16LE encodes a text like Out-File of Windows PowerShell.
func utf16LE(text string) []byte {
	out := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// A certificate and its key are read from PEM and PFX, however the file is named and whichever
// credential reads it. A file that cannot be used is named, with what to do.
func TestCertificateFiles(t *testing.T) {
	cert, key := makeCertificate(t)
	stranger, strangerKey := makeCertificate(t)
	ecKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ec := certificateOf(t, ecKey)
	pfx := func(key any, cert *x509.Certificate, password string) []byte {
		return must(pkcs12.Modern.Encode(key, cert, []*x509.Certificate{ec}, password))
	}
	for _, tt := range []struct {
		name, password string
		data           []byte
		want           string // in the error, empty for a certificate that is good
	}{
		{"PEM", "", pemOf(t, cert, key), ""},
		{"PEM of OpenSSL, with a key in its old form", "",
			append(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), block("CERTIFICATE", cert.Raw)...), ""},
		{"PEM with the issuer first", "", append(block("CERTIFICATE", stranger.Raw), pemOf(t, cert, key)...), ""},
		{"PFX as OpenSSL 3 writes it", "pw", pfx(key, cert, "pw"), ""},
		{"PFX as Windows wrote it", "pw", must(pkcs12.LegacyRC2.Encode(key, cert, nil, "pw")), ""},
		{"PFX without a password", "", pfx(key, cert, ""), ""},
		{"a certificate that is not registered", "", pemOf(t, stranger, strangerKey), "AADSTS700027"},
		{"certificate without its key", "", block("CERTIFICATE", cert.Raw), "found no private key"},
		{"a pair that does not match", "", pemOf(t, cert, strangerKey), "cannot be used"},
		{"elliptic key", "", pemOf(t, ec, ecKey), "cannot be used"},
		{"encrypted key", "pw", append(block("ENCRYPTED PRIVATE KEY", []byte{1}), block("CERTIFICATE", cert.Raw)...),
			"which only a PFX file may encrypt"},
		{"PFX, wrong password", "other", pfx(key, cert, "pw"), "password incorrect"},
		{"a list", "", []byte("user,method\n"), "name a PEM or PFX file"},
	} {
		for _, way := range []string{"--certificate", "certificate", "environment", "default"} {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				clean(t)
				tenant := graphsim.New(graphsim.Options{})
				tenant.Entra.TrustCertificate(cert)
				t.Setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", tt.password)
				o, named := entraOptions(tenant, way), "AZURE_CLIENT_CERTIFICATE_PATH"
				if path := file(t, "app.crt", tt.data); way == "--certificate" {
					o.Method, o.Certificate, named = "", path, way
				} else {
					t.Setenv(named, path)
				}
				claims, err := signIn(t, o)
				checkSignIn(t, claims, err, tt.want)
				if tt.want == "" || strings.HasPrefix(tt.want, "AADSTS") {
					return
				}
				if _, ok := errors.AsType[*UsageError](err); !ok || !strings.Contains(err.Error(), named+" ") {
					t.Errorf("error %v is not about usage, or does not name %s", err, named)
				}
			})
		}
	}
}

// A credential chain without the environment does not read the certificate of the environment.
func TestCertificateOfAnotherChain(t *testing.T) {
	clean(t)
	t.Setenv("PATH", t.TempDir())
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "dev")
	t.Setenv("AZURE_CLIENT_CERTIFICATE_PATH", "nosuch.pem")
	if _, err := New(entraOptions(graphsim.New(graphsim.Options{}), "default")); err != nil {
		t.Errorf("New = %v", err)
	}
}
