package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// FederatedSubject is the service account whose federated tokens the app trusts.
const FederatedSubject = "system:serviceaccount:tapsweep:tapsweep"

// The issuer is invented. The audience is the one that Entra expects.
// Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust.
const (
	federatedIssuer   = "https://cluster.example/issuer"
	federatedAudience = "api://AzureADTokenExchange"
)

// TrustCertificate registers a certificate with an RSA key for the app.
func (a *Authority) TrustCertificate(cert *x509.Certificate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.certificates = append(a.certificates, cert)
}

// FederatedToken returns a token that a cluster writes into the token file of a pod. The
// first call makes the app trust the cluster. The app accepts only FederatedSubject as
// subject.
func (a *Authority) FederatedToken(subject string, life time.Duration) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cluster == nil {
		a.cluster, _ = rsa.GenerateKey(rand.Reader, 2048) // it does not fail for this size
	}
	now := time.Now()
	text, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: federatedIssuer, Subject: subject, Audience: jwt.ClaimStrings{federatedAudience},
		NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(life)),
	}).SignedString(a.cluster)
	if err != nil {
		panic(err) // the key is large enough
	}
	return text
}

func badClient(number int, text string) *refusal {
	return &refusal{401, "invalid_client", number, text}
}

const (
	badAssertion = "Assertion failed signature validation."
	unknownKey   = "The certificate with identifier used to sign the client assertion " +
		"is not registered on application."
	skew           = 5 * time.Minute
	assertionType  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	outsideItsTime = "Client assertion is not within its valid time range."
)

// checkAssertion checks the token that an app sends in place of a secret: either it is signed
// with the key of a registered certificate, or it is a federated token. It is called with mu held.
// Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
func (a *Authority) checkAssertion(kind, text, endpoint string) *refusal {
	wrongSignature := badClient(50013, badAssertion)
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(text, &claims, func(t *jwt.Token) (any, error) {
		long, _ := t.Header["x5t#S256"].(string)
		short, _ := t.Header["x5t"].(string)
		if long == "" && short == "" {
			wrongSignature = badClient(700027, unknownKey)
			return a.federatedKey(&claims)
		}
		return a.certificateKey(&claims, long, short, endpoint)
	}, jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithLeeway(skew), jwt.WithExpirationRequired())
	no, isRefusal := errors.AsType[*refusal](err)
	switch {
	case kind != assertionType:
		return badClient(50027, "JWT token is invalid or malformed.")
	case isRefusal:
		return no
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return wrongSignature
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet):
		return badClient(700024, outsideItsTime)
	case err != nil:
		return badClient(50027, "JWT token is invalid or malformed.")
	}
	return nil
}

// federatedKey returns the key of the cluster if the app trusts the token's subject.
func (a *Authority) federatedKey(claims *jwt.RegisteredClaims) (any, error) {
	if a.cluster == nil || claims.Issuer != federatedIssuer || claims.Subject != FederatedSubject ||
		!slices.Equal(claims.Audience, []string{federatedAudience}) {
		return nil, badClient(700213, "No matching federated identity record found for presented assertion subject '"+
			claims.Subject+"'. Check your federated identity credential Subject, Audience and Issuer "+
			"against the presented assertion.")
	}
	return &a.cluster.PublicKey, nil
}

// certificateKey returns the key of the registered certificate with one of the thumbprints.
func (a *Authority) certificateKey(claims *jwt.RegisteredClaims, long, short, endpoint string) (any, error) {
	for _, cert := range a.certificates {
		sha256, sha1 := sha256.Sum256(cert.Raw), sha1.Sum(cert.Raw)
		if !isBase64(long, sha256[:]) && !isBase64(short, sha1[:]) {
			continue
		}
		if !slices.Equal(claims.Audience, []string{endpoint}) || claims.Issuer != a.opts.ClientID ||
			claims.Subject != a.opts.ClientID || claims.ID == "" {
			return nil, badClient(700023, "Client assertion audience claim does not match Realm issuer.")
		}
		return cert.PublicKey, nil
	}
	return nil, badClient(700027, unknownKey)
}

// isBase64 reports whether text is the base64 of a thumbprint, in either alphabet.
// Microsoft's library for Go writes the alphabet with padding.
func isBase64(text string, thumbprint []byte) bool {
	unpadded, padded := base64.RawURLEncoding, base64.StdEncoding
	return text == unpadded.EncodeToString(thumbprint) || text == padded.EncodeToString(thumbprint)
}
