package auth

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// environment returns the credential of the app that the environment names, by a secret or else by
// a certificate, and nil if it names none. azidentity would read the certificate with its own
// library, which cannot read the files that OpenSSL 3 and Windows write today.
func (o *Options) environment() (azcore.TokenCredential, error) {
	if o.Method == "default" && !slices.Contains([]string{"", "prod", "environmentcredential"},
		strings.ToLower(o.Getenv("AZURE_TOKEN_CREDENTIALS"))) {
		return nil, nil // its chain does not use the environment
	}
	switch {
	case o.Tenant == "" || o.ClientID == "":
		return nil, nil
	case o.Getenv("AZURE_CLIENT_SECRET") != "":
		return o.secret()
	case o.Certificate != "":
		return o.certificate()
	}
	return nil, nil
}

func (o *Options) certificate() (azcore.TokenCredential, error) {
	data, err := readFile(o.Certificate)
	if err != nil {
		return nil, usage("%s: %w", o.certificateFrom, err)
	}
	certs, key, err := parseCertificate(data, o.Getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	if err != nil {
		return nil, o.unusable(err)
	}
	chain := o.Getenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
	c, err := azidentity.NewClientCertificateCredential(o.Tenant, o.ClientID, certs, key,
		&azidentity.ClientCertificateCredentialOptions{
			ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery,
			SendCertificateChain: chain == "1" || strings.EqualFold(chain, "true")})
	if err != nil {
		return nil, o.unusable(err)
	}
	return c, nil
}

func (o *Options) unusable(err error) error {
	return usage("%s %s cannot be used: %w: name a PEM or PFX file with a certificate and its RSA key, "+
		"which only a PFX file may encrypt; its password is in AZURE_CLIENT_CERTIFICATE_PASSWORD",
		o.certificateFrom, o.Certificate, err)
}

// parseCertificate reads a certificate and its key from PEM or PFX.
func parseCertificate(data []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	if bytes.Contains(data, []byte("-----BEGIN")) {
		return azidentity.ParseCertificates(data, nil)
	}
	key, leaf, others, err := pkcs12.DecodeChain(data, password)
	return append([]*x509.Certificate{leaf}, others...), key, err
}
