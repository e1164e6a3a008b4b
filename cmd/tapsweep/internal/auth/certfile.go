package auth

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"unicode/utf8"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

const (
	intoPFX  = "make one with openssl pkcs12 -export -in FILE -out FILE.pfx"
	nameBoth = "name a PEM or PFX file with both"
)

// partsOf returns the certificates and keys in a file of any supported format.
func partsOf(data []byte, password string) ([]*x509.Certificate, []crypto.PrivateKey, error) {
	text, err := decodeText(data)
	if err != nil {
		return nil, nil, err
	}
	if strings.Contains(text, "-----BEGIN") {
		return partsOfPEM([]byte(text))
	}
	// A DER sequence begins with "0", as a text may.
	form, der := "DER", data
	if len(data) == 0 || data[0] != 0x30 || utf8.Valid(data) {
		form = "base64"
		if der, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err != nil {
			der = nil
		}
	}
	_, keyErr := parseKey(der)
	_, certErr := x509.ParseCertificate(der)
	switch {
	case certErr == nil:
		return nil, nil, errors.New("is a certificate in " + form + ", without its key: " + nameBoth)
	case keyErr == nil:
		return nil, nil, errors.New("is a key in " + form + ", without its certificate: " + nameBoth)
	case !isPFX(der):
		return nil, nil, errors.New("is neither PEM nor PFX: name a file with the certificate and its key")
	case form == "base64":
		return nil, nil, errors.New("is a PFX file in base64: decode it first, with base64 -d FILE > FILE.pfx")
	}
	return partsOfPFX(der, password)
}

// isPFX reports whether data begins like a PFX file, which has version 3. Some tools write
// it with indefinite length.
// Source: RFC 7292, 4.
func isPFX(data []byte) bool {
	var head struct{ Version, AuthSafe, MacData asn1.RawValue }
	if len(data) > 4 && data[0] == 0x30 && data[1] == 0x80 {
		return bytes.HasPrefix(data[2:], []byte{2, 1, 3})
	}
	_, err := asn1.Unmarshal(data, &head)
	return err == nil && head.Version.Tag == asn1.TagInteger && bytes.Equal(head.Version.Bytes, []byte{3})
}

// partsOfPFX reads a PFX file. It does not use azidentity, whose library is the frozen
// golang.org/x/crypto/pkcs12.
func partsOfPFX(der []byte, password string) ([]*x509.Certificate, []crypto.PrivateKey, error) {
	key, leaf, others, err := pkcs12.DecodeChain(der, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return nil, nil, errors.New("needs a password: set AZURE_CLIENT_CERTIFICATE_PASSWORD")
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && quoted(password):
		return nil, nil, errors.New("cannot be opened with AZURE_CLIENT_CERTIFICATE_PASSWORD, " +
			"which begins and ends with quotes: remove them")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, nil, errors.New("cannot be opened with the password in AZURE_CLIENT_CERTIFICATE_PASSWORD: " +
			"set the right one")
	case err != nil:
		return nil, nil, errors.New("is a PFX file that does not hold exactly one key with its certificate, " +
			"or has an unsupported format: export the certificate again, with its key")
	}
	return append([]*x509.Certificate{leaf}, others...), []crypto.PrivateKey{key}, nil
}

// partsOfPEM reads all blocks of a PEM file.
func partsOfPEM(data []byte) (certs []*x509.Certificate, keys []crypto.PrivateKey, err error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, nil, errors.New("holds an encrypted key, which is only supported in a PFX file: " + intoPFX)
		case block.Type == "OPENSSH PRIVATE KEY":
			return nil, nil, errors.New("holds an OpenSSH key: name a PEM or PFX file with a certificate and its key")
		case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
			return nil, nil, errors.New("holds a certificate request: " +
				"name a file with the certificate that was issued, and its key")
		case block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" || block.Type == "TRUSTED CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, errors.New("holds a certificate that cannot be read: export it again")
			}
			certs = append(certs, cert)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block.Bytes)
			if err != nil {
				return nil, nil, errors.New("holds a key that cannot be read: export it again, as PKCS #8")
			}
			keys = append(keys, key)
		}
	}
	if len(certs)+len(keys) == 0 && !strings.Contains(string(data), "-----END") {
		return nil, nil, errors.New("is incomplete PEM: copy the whole file")
	}
	return certs, keys, nil
}

// parseKey parses a key in any of the formats used in PEM files.
func parseKey(der []byte) (crypto.PrivateKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParsePKCS8PrivateKey(der)
}
