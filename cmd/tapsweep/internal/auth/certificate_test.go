package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"unicode/utf16"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

// utf16LE encodes a text like Out-File of Windows PowerShell.
func utf16LE(text string) []byte {
	out := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// A certificateTest is a file with a certificate.
type certificateTest struct {
	name, password string
	data           []byte
	want           string // in the error, empty for a certificate that is good
}

// A keyring is the keys and certificates of which the files are made.
type keyring struct {
	cert, stranger, ec *x509.Certificate // the app may sign in with cert; Entra does not accept ec
	key, strangerKey   *rsa.PrivateKey
	ecKey              *ecdsa.PrivateKey
}

func newKeyring(t *testing.T) (k keyring) {
	k.cert, k.key = makeCertificate(t)
	k.stranger, k.strangerKey = makeCertificate(t)
	k.ecKey = assert.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	k.ec = certificateOf(t, k.ecKey)
	return k
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (k *keyring) pemTests(t *testing.T) []certificateTest {
	both, pkcs8 := pemOf(t, k.cert, k.key), assert.Must(x509.MarshalPKCS8PrivateKey(k.key))
	return []certificateTest{
		{"PEM", "", both, ""},
		{"PEM with a byte order mark", "", append([]byte("\ufeff"), both...), ""},
		{"PEM in UTF-16", "", utf16LE(string(both)), ""},
		{"PEM with the line ends of Windows", "", bytes.ReplaceAll(both, []byte("\n"), []byte("\r\n")), ""},
		{"PEM of OpenSSL, with a key in its old form", "",
			append(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k.key)), block("CERTIFICATE", k.cert.Raw)...),
			""},
		{"PEM with the issuer first", "", append(block("CERTIFICATE", k.stranger.Raw), both...), ""},
		{"PEM with another key as well", "", append(pemOf(t, k.ec, k.ecKey), both...), ""},
		{"a certificate that is not registered", "", pemOf(t, k.stranger, k.strangerKey), "AADSTS700027"},
		{"certificate without its key", "", block("CERTIFICATE", k.cert.Raw), "holds a certificate without its key"},
		{"key without its certificate", "", block("PRIVATE KEY", pkcs8), "holds a key without its certificate"},
		{"a pair that does not match", "", pemOf(t, k.cert, k.strangerKey),
			"holds a key that does not match the certificate"},
		{"elliptic key", "", pemOf(t, k.ec, k.ecKey), "holds a key that is not RSA"},
		{"encrypted key", "pw", append(block("ENCRYPTED PRIVATE KEY", []byte{1}), block("CERTIFICATE", k.cert.Raw)...),
			"holds an encrypted key"},
		{"key encrypted in the old form", "pw", append(block("CERTIFICATE", k.cert.Raw),
			"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n"+
				"-----END RSA PRIVATE KEY-----\n"...), "holds an encrypted key"},
		{"key of OpenSSH", "", block("OPENSSH PRIVATE KEY", []byte{1}), "holds an OpenSSH key"},
		{"request for a certificate", "", block("CERTIFICATE REQUEST", []byte{1}), "holds a certificate request"},
		{"certificate that is broken", "", block("CERTIFICATE", []byte{1}), "holds a certificate that cannot be read"},
		{"key that is broken", "", append(block("PRIVATE KEY", []byte{1}), block("CERTIFICATE", k.cert.Raw)...),
			"holds a key that cannot be read"},
		{"PEM without its end", "", both[:100], "is incomplete PEM"},
		{"a public key", "", block("PUBLIC KEY", []byte{1}), "holds no certificate"},
	}
}

func (k *keyring) packedTests() []certificateTest {
	pfx := func(key any, cert *x509.Certificate, password string) []byte {
		return assert.Must(pkcs12.Modern.Encode(key, cert, []*x509.Certificate{k.ec}, password))
	}
	wrapped := base64.StdEncoding.EncodeToString(pfx(k.key, k.cert, ""))
	wrapped = wrapped[:64] + "\r\n" + wrapped[64:] + "\n"
	anchors := assert.Must(pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{k.cert}, "pw"))
	pkcs8 := assert.Must(x509.MarshalPKCS8PrivateKey(k.key))
	return []certificateTest{
		{"PFX as OpenSSL 3 writes it", "pw", pfx(k.key, k.cert, "pw"), ""},
		{"PFX as Windows wrote it", "pw", assert.Must(pkcs12.LegacyRC2.Encode(k.key, k.cert, nil, "pw")), ""},
		{"PFX without a password", "", pfx(k.key, k.cert, ""), ""},
		{"PFX in base64", "", []byte(wrapped), "is a PFX file in base64: decode it first"},
		{"certificate in base64", "", []byte(base64.StdEncoding.EncodeToString(k.cert.Raw)),
			"is a certificate in base64, without its key"},
		{"certificate in DER", "", k.cert.Raw, "is a certificate in DER, without its key"},
		{"key in DER", "", pkcs8, "is a key in DER, without its certificate"},
		{"a pair that does not match, in PFX", "", pfx(k.strangerKey, k.cert, ""),
			"holds a key that does not match the certificate"},
		{"elliptic key in PFX", "", pfx(k.ecKey, k.ec, ""), "holds a key that is not RSA"},
		{"PFX, wrong password", "other", pfx(k.key, k.cert, "pw"),
			"cannot be opened with the password in AZURE_CLIENT_CERTIFICATE_PASSWORD"},
		{"PFX, quoted password", `"pw"`, pfx(k.key, k.cert, "pw"), "which begins and ends with quotes"},
		{"PFX, no password", "", pfx(k.key, k.cert, "pw"), "needs a password: set AZURE_CLIENT_CERTIFICATE_PASSWORD"},
		{"PFX without a key", "pw", anchors, "is a PFX file that does not hold exactly one key"},
		{"PFX that is cut", "pw", pfx(k.key, k.cert, "pw")[:900], "is neither PEM nor PFX"},
		{"a list", "", []byte("0user,method\n"), "is neither PEM nor PFX"},
		{"nothing", "", nil, "is neither PEM nor PFX"},
	}
}

// The error of a certificate file that cannot be used is one plain sentence, whatever names the file
// and whatever credential reads it.
func TestCertificateFiles(t *testing.T) {
	keys := newKeyring(t)
	for _, tt := range append(keys.pemTests(t), keys.packedTests()...) {
		for _, way := range []string{"--certificate", "certificate", "environment", "default"} {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				clean(t)
				tenant := graphsim.New(graphsim.Options{})
				tenant.Entra.TrustCertificate(keys.cert)
				t.Setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", tt.password)
				o, named := entraOptions(tenant, way), "AZURE_CLIENT_CERTIFICATE_PATH"
				if way == "--certificate" {
					o.Method, named = "", way
					o.Certificate = file(t, "app.crt", tt.data)
				} else {
					t.Setenv(named, file(t, "app.crt", tt.data))
				}
				claims, err := signIn(t, o)
				checkSignIn(t, claims, err, tt.want)
				if tt.want == "" || strings.HasPrefix(tt.want, "AADSTS") {
					return
				}
				assert.As[*UsageError](t, "the error", err)
				assert.Holds(t, "the error", err.Error(), named+" ")
				assert.Lacks(t, "the error, in plain language,", err.Error(), "x509", "asn1", "pkcs12:",
					"NewClientCertificateCredential", "module")
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
	assert.Must(New(entraOptions(graphsim.New(graphsim.Options{}), "default")))
}
