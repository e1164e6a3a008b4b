package auth

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// environment returns the credential of the app that environment variables name, with a secret or else a certificate.
// It returns nil if they name none. azidentity would read the certificate with its own library, which cannot read the
// files that OpenSSL 3 and Windows write today.
func (o *Options) environment() (azcore.TokenCredential, error) {
	if o.Method == "default" && !slices.Contains([]string{"", "prod", "environmentcredential"},
		strings.ToLower(o.getenv("AZURE_TOKEN_CREDENTIALS"))) {
		return nil, nil // the chain of azidentity does not use the environment
	}
	switch {
	case o.Tenant == "" || o.ClientID == "":
		return nil, nil
	case o.getenv("AZURE_CLIENT_SECRET") != "":
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
	certs, key, err := parseCertificate(data, o.getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	if err != nil {
		return nil, usage("%s %s %w", o.certificateFrom, o.Certificate, err)
	}
	chain := o.getenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
	return azidentity.NewClientCertificateCredential(o.Tenant, o.ClientID, certs, key,
		&azidentity.ClientCertificateCredentialOptions{
			ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery,
			SendCertificateChain: chain == "1" || strings.EqualFold(chain, "true")})
}

// parseCertificate reads a certificate and its key from PEM or PFX. The certificate that fits the key is the first. The
// errors show what the file contains and what to do; they follow the name of the file.
func parseCertificate(data []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	certs, keys, err := partsOf(data, password)
	if err != nil {
		return nil, nil, err
	}
	var rsaKeys []*rsa.PrivateKey
	for _, key := range keys {
		if key, is := key.(*rsa.PrivateKey); is {
			rsaKeys = append(rsaKeys, key)
		}
	}
	switch {
	case len(certs) == 0 && len(keys) == 0:
		return nil, nil, errors.New("holds no certificate: name a PEM or PFX file with the certificate and its key")
	case len(keys) == 0:
		return nil, nil, errors.New("holds a certificate without its key: name a file with both")
	case len(certs) == 0:
		return nil, nil, errors.New("holds a key without its certificate: name a file with both")
	case len(rsaKeys) == 0:
		return nil, nil, errors.New("holds a key that is not RSA, and Entra requires RSA: " +
			"make a certificate with an RSA key")
	}
	for _, key := range rsaKeys {
		i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return key.PublicKey.Equal(c.PublicKey) })
		if i >= 0 {
			certs[0], certs[i] = certs[i], certs[0]
			return certs, key, nil
		}
	}
	return nil, nil, errors.New("holds a key that does not match the certificate: " +
		"name a file with a certificate and its own key")
}
