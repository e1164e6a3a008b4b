package auth

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

func (o *Options) certificate() (azcore.TokenCredential, error) {
	data, err := readNow(o.Certificate)
	if err != nil {
		return nil, usage("--certificate: %w", err)
	}
	certs, key, err := parseCertificate(data, os.Getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	if err != nil {
		return nil, usage("--certificate %s: %w", o.Certificate, err)
	}
	chain := os.Getenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
	return azidentity.NewClientCertificateCredential(o.Tenant, o.ClientID, certs, key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery,
		SendCertificateChain: chain == "1" || strings.EqualFold(chain, "true")})
}

// parseCertificate reads a certificate and its key, the certificate first. PFX
// goes to a library of its own: azidentity's is the frozen golang.org/x/crypto/pkcs12,
// which cannot read what OpenSSL 3 and Windows write today.
func parseCertificate(data []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		key, leaf, others, err := pkcs12.DecodeChain(data, password)
		switch {
		case errors.Is(err, pkcs12.ErrIncorrectPassword):
			return nil, nil, errors.New("the password in AZURE_CLIENT_CERTIFICATE_PASSWORD does not open it")
		case err != nil:
			return nil, nil, errors.New("neither PEM nor a PFX file with one key: " + err.Error())
		}
		return append([]*x509.Certificate{leaf}, others...), key, nil
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, nil, errors.New("its key is encrypted, which only PFX files may be here: " +
				"openssl pkcs12 -export -in FILE -out FILE.pfx makes one")
		}
	}
	return azidentity.ParseCertificates(data, nil)
}
