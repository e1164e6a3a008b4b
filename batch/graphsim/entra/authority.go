package entra

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"sync"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// These are the names of the tenant and its app unless Options set others. All are invented.
const (
	DefaultTenantID = "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913"
	DefaultClientID = "7c2e94d1-58af-4b06-8d3e-1f90a6c4b725"
	DefaultSecret   = "graphsim-secret"
	DefaultDomain   = "contoso.example"
)

// graphAppID is the application ID of Microsoft Graph, in any cloud.
const graphAppID = "00000003-0000-0000-c000-000000000000"

// Options set who may get a token, and the properties of the token.
type Options struct {
	// TenantID, ClientID and Secret belong to the tenant and its app. Empty means
	// DefaultTenantID, DefaultClientID and DefaultSecret.
	TenantID, ClientID, Secret string

	// ReaderID is the client ID of a second app, with the same secret and with ReaderRoles. Empty means
	// that there is no second app.
	ReaderID    string
	ReaderRoles []string

	// Domain is a second name of the tenant. Empty means DefaultDomain.
	Domain string

	// TokenLife is how long a token is valid. Zero means an hour. If it is negative,
	// every token has expired.
	TokenLife time.Duration

	// Challenge adds a claims challenge to the 401 for a token that was expired by
	// ExpireTokens, as continuous access evaluation does.
	Challenge bool
}

// A SignInUser is a user as Entra knows it.
type SignInUser struct {
	ID, UPN string
	Roles   []string // the directory roles, by template ID; tokens name them
}

// An Authority issues tokens and checks them. It is safe for concurrent use.
type Authority struct {
	opts  Options
	roles []string                                     // the roles of the app
	find  func(name string) (user SignInUser, ok bool) // finds a user by object ID or user principal name

	mu            sync.Mutex // guards the fields below
	variety       *wire.Variety
	key           []byte // signs tokens
	tokens        map[string]issuedToken
	secret        string
	secretExpired bool
	appDisabled   bool
	certificates  []*x509.Certificate
	cluster       *rsa.PrivateKey // signs federated tokens; nil until FederatedToken
	signIn        SignIn
	deviceCodes   map[string]*deviceCode
	challenges    map[string]string // the PKCE challenges, by authorization code
	refreshTokens map[string]SignIn
	issued        int // tokens that clients asked for and got
	byClaims      int // those of them that answered a claims challenge
}

// New returns an Authority whose app has the given roles. find finds its users.
func New(opts Options, roles []string, find func(name string) (SignInUser, bool)) *Authority {
	opts.TenantID = cmp.Or(opts.TenantID, DefaultTenantID)
	opts.ClientID = cmp.Or(opts.ClientID, DefaultClientID)
	opts.Secret = cmp.Or(opts.Secret, DefaultSecret)
	opts.Domain = cmp.Or(opts.Domain, DefaultDomain)
	opts.TokenLife = cmp.Or(opts.TokenLife, time.Hour)
	return &Authority{
		opts: opts, roles: roles, find: find,
		variety: wire.NewVariety(1), key: []byte(rand.Text()),
		secret: opts.Secret, tokens: make(map[string]issuedToken),
		deviceCodes: make(map[string]*deviceCode), challenges: make(map[string]string),
		refreshTokens: make(map[string]SignIn),
	}
}

// Options returns the options, with defaults in place of empty fields.
func (a *Authority) Options() Options { return a.opts }

// Issued returns the number of tokens that clients asked for and got, and how many of them answered a claims challenge.
func (a *Authority) Issued() (tokens, byClaims int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.issued, a.byClaims
}

// ReplaceSecret makes the token endpoint accept secret in place of the previous one.
func (a *Authority) ReplaceSecret(secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secret, a.secretExpired = secret, false
}

// ExpireSecret makes the token endpoint refuse the secret as expired.
func (a *Authority) ExpireSecret() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secretExpired = true
}

// DisableApp makes Entra refuse all new tokens for the app.
func (a *Authority) DisableApp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.appDisabled = true
}

// isTenant reports whether name, from a URL, is this tenant.
func (a *Authority) isTenant(name string) bool {
	return strings.EqualFold(name, a.opts.TenantID) || strings.EqualFold(name, a.opts.Domain)
}

// ServicePrincipal returns the object ID of an app in the tenant.
func ServicePrincipal(appID string) string { return wire.GUID("service principal", appID) }
