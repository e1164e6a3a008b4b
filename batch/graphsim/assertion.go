package graphsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// assertions are what the app may sign in with in place of a secret.
type assertions struct {
	certificates []*x509.Certificate
	cluster      *rsa.PrivateKey // of the issuer of federated tokens
}

// What federated tokens of the tenant hold. All invented, but the audience.
// Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust.
const (
	federatedIssuer   = "https://cluster.example/issuer"
	FederatedSubject  = "system:serviceaccount:tapsweep:tapsweep"
	federatedAudience = "api://AzureADTokenExchange"
)

// TrustCertificate registers a certificate, with an RSA key, for the app.
func (t *Tenant) TrustCertificate(cert *x509.Certificate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entra.assertions.certificates = append(t.entra.assertions.certificates, cert)
}

// FederatedToken returns what a cluster that the app trusts writes into a pod's
// token file. With another subject than FederatedSubject it is a token of the
// same cluster that the app does not trust.
func (t *Tenant) FederatedToken(subject string, life time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := &t.entra.assertions
	if a.cluster == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // crypto/rand does not fail
		}
		a.cluster = key
	}
	now := time.Now()
	head, _ := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": "cluster"}) // strings always marshal
	body, _ := json.Marshal(map[string]any{"iss": federatedIssuer, "sub": subject, "aud": []string{federatedAudience},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix()}) // and so do these
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.cluster, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // the key is large enough
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// jwt is an assertion taken apart.
type jwt struct {
	head struct {
		Algorithm string `json:"alg"`
		SHA256    string `json:"x5t#S256"`
		SHA1      string `json:"x5t"`
	}
	claims struct {
		Issuer    string          `json:"iss"`
		Subject   string          `json:"sub"`
		Audience  json.RawMessage `json:"aud"` // a string or an array
		ID        string          `json:"jti"`
		NotBefore int64           `json:"nbf"`
		Expires   int64           `json:"exp"`
	}
	signed    string
	signature []byte
}

func parseJWT(text string) (*jwt, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, false
	}
	j := &jwt{signed: parts[0] + "." + parts[1]}
	into := []any{&j.head, &j.claims}
	for i, part := range parts {
		data, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, false
		}
		if i == 2 {
			j.signature = data
		} else if json.Unmarshal(data, into[i]) != nil {
			return nil, false
		}
	}
	return j, true
}

func (j *jwt) verify(key *rsa.PublicKey) bool {
	sum := sha256.Sum256([]byte(j.signed))
	switch j.head.Algorithm {
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], j.signature, nil) == nil
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], j.signature) == nil
	}
	return false
}

func (j *jwt) isFor(audience string) bool {
	quoted, _ := json.Marshal(audience) // strings always marshal
	return string(j.claims.Audience) == string(quoted) || string(j.claims.Audience) == "["+string(quoted)+"]"
}

// checkAssertion checks what an app sends in place of a secret: a token that it
// signed itself with the key of a registered certificate, or one of the cluster.
// Called with mu held.
// Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
func (t *Tenant) checkAssertion(kind, text, endpoint string) *refusal {
	bad := func(number int, text string) *refusal { return &refusal{401, "invalid_client", number, text} }
	j, ok := parseJWT(text)
	if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || !ok {
		return bad(50027, "JWT token is invalid or malformed.")
	}
	now := time.Now().Unix()
	inTime := j.claims.NotBefore <= now+300 && now < j.claims.Expires+300 // five minutes of skew
	const late = "Client assertion is not within its valid time range."
	a := &t.entra.assertions
	if j.head.SHA256 == "" && j.head.SHA1 == "" {
		switch {
		case a.cluster == nil || j.claims.Issuer != federatedIssuer || j.claims.Subject != FederatedSubject || !j.isFor(federatedAudience):
			return bad(700213, "No matching federated identity record found for presented assertion subject '"+j.claims.Subject+
				"'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.")
		case !j.verify(&a.cluster.PublicKey):
			return bad(700027, "The certificate with identifier used to sign the client assertion is not registered on application.")
		case !inTime:
			return bad(700024, late)
		}
		return nil
	}
	for _, cert := range a.certificates {
		long, short := sha256.Sum256(cert.Raw), sha1.Sum(cert.Raw)
		if !names(j.head.SHA256, long[:]) && !names(j.head.SHA1, short[:]) {
			continue
		}
		key, ok := cert.PublicKey.(*rsa.PublicKey)
		switch {
		case !ok || !j.verify(key):
			return bad(50013, "Assertion failed signature validation.")
		case !j.isFor(endpoint) || j.claims.Issuer != t.opts.ClientID || j.claims.Subject != t.opts.ClientID || j.claims.ID == "":
			return bad(700023, "Client assertion audience claim does not match Realm issuer.")
		case !inTime:
			return bad(700024, late)
		}
		return nil
	}
	return bad(700027, "The certificate with identifier used to sign the client assertion is not registered on application.")
}

// names tells whether text is the base64 of a thumbprint, in either alphabet:
// Microsoft's library for Go writes the one with padding.
func names(text string, thumbprint []byte) bool {
	return text == base64.RawURLEncoding.EncodeToString(thumbprint) || text == base64.StdEncoding.EncodeToString(thumbprint)
}
