package entra

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tapsweep/batch/graphsim/internal/wire"
)

// ClaimsChallenge is a WWW-Authenticate header that asks for a token with certain
// claims. Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
const ClaimsChallenge = challenge + `, error="insufficient_claims", ` +
	`claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTc2ODAwMDAwMCJ9fX0="`

// challenge is a WWW-Authenticate header that asks for any valid token.
const challenge = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", ` +
	`client_id="` + graphAppID + `"`

// An Identity is the user or app of a token, and its permissions.
type Identity struct {
	UserID      string   // the object ID of the signed-in user, empty for an app
	Permissions []string // the roles of an app, or the scopes of a user
}

// IsUser reports whether a user is signed in.
func (id *Identity) IsUser() bool { return id.UserID != "" }

// issuedToken is an issued access token.
type issuedToken struct {
	Identity
	audience string
	expires  time.Time
	revoked  bool
}

// Token issues an app-only token for Graph without a secret. If no roles are given, the
// token has the roles of the app.
func (a *Authority) Token(roles ...string) string {
	if len(roles) == 0 {
		roles = a.roles
	}
	return a.AppToken(a.opts.ClientID, roles...)
}

// AppToken issues an app-only token for Graph to another app, by its client ID.
func (a *Authority) AppToken(clientID string, roles ...string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.issueApp(clientID, roles, graphAppID, nil)
}

// UserToken issues a delegated token for Graph, as a person gets by a sign-in. userID is an
// object ID. The user need not exist.
func (a *Authority) UserToken(userID string, scopes ...string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.issueUser(userID, scopes, graphAppID)
}

// ExpireTokens makes Graph refuse all tokens issued so far, as if their time had passed.
// See Options.Challenge.
func (a *Authority) ExpireTokens() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for text, t := range a.tokens {
		t.revoked = true
		a.tokens[text] = t
	}
}

// issueApp issues a token of an app, with further claims. It is called with mu held, like all functions below.
func (a *Authority) issueApp(clientID string, roles []string, audience string, more jwt.MapClaims) string {
	claims := jwt.MapClaims{"appid": clientID, "roles": roles, "idtyp": "app", "oid": ServicePrincipal(clientID)}
	maps.Copy(claims, more)
	return a.issue(Identity{Permissions: roles}, audience, claims)
}

func (a *Authority) issueUser(userID string, scopes []string, audience string) string {
	claims := jwt.MapClaims{"appid": a.opts.ClientID, "scp": strings.Join(scopes, " "), "idtyp": "user"}
	if u, ok := a.find(userID); ok {
		userID = u.ID
		claims["upn"], claims["unique_name"] = u.UPN, u.UPN
		if len(u.Roles) > 0 {
			claims["wids"] = u.Roles
		}
	}
	claims["oid"] = userID
	return a.issue(Identity{UserID: userID, Permissions: scopes}, audience, claims)
}

// issue creates an access token with the claims that a client may read.
// Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
func (a *Authority) issue(id Identity, audience string, claims jwt.MapClaims) string {
	now := time.Now()
	maps.DeleteFunc(a.tokens, func(_ string, t issuedToken) bool { return now.After(t.expires.Add(a.opts.TokenLife)) })
	expires := now.Add(a.opts.TokenLife)
	maps.Copy(claims, jwt.MapClaims{
		"aud": audience, "tid": a.opts.TenantID,
		"iss": "https://sts.windows.net/" + a.opts.TenantID + "/",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": expires.Unix(),
		"appidacr": "1", "ver": "1.0", "uti": a.variety.NewID(),
	})
	text := a.sign(claims)
	a.tokens[text] = issuedToken{id, audience, expires, false}
	return text
}

func (a *Authority) sign(claims jwt.MapClaims) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(a.key)
	if err != nil {
		panic(err) // these claims can always be marshalled, and the key is valid
	}
	return text
}

// Check returns the identity in the Authorization header of a request to host. If Graph
// would refuse the header, problem is the message of the 401, and wwwAuthenticate is its
// WWW-Authenticate header.
// Source: learn.microsoft.com/graph/resolve-auth-errors.
func (a *Authority) Check(authorization, host string) (id *Identity, problem, wwwAuthenticate string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, ok := strings.CutPrefix(authorization, "Bearer ")
	t, known := a.tokens[text]
	switch {
	case !ok || text == "":
		problem = "Access token is empty."
	case !known:
		problem = "CompactToken parsing failed with error code: 80049217"
	case t.revoked && a.opts.Challenge:
		return nil, "Continuous access evaluation resulted in challenge with result: " +
			"InteractionRequired and code: TokenCreatedWithOutdatedPolicies", ClaimsChallenge
	case t.revoked || !time.Now().Before(t.expires):
		problem = "Lifetime validation failed, the token is expired."
	case t.audience != wire.PublicRoot && t.audience != graphAppID && t.audience != "https://"+host:
		problem = "Access token validation failure. Invalid audience."
	default:
		return &t.Identity, "", ""
	}
	return nil, problem, challenge
}

// managedID is the xms_mirid claim in tokens of the managed identity.
const managedID = "/subscriptions/3f6f1d5a-0c8b-4f0e-9a55-2b7f6f2f8f10/resourcegroups/jobs" +
	"/providers/Microsoft.Web/sites/tapsweep"

// IdentityHandler returns the endpoint of a managed identity, in the form that App Service
// has: IDENTITY_ENDPOINT has its URL and IDENTITY_HEADER has header.
// Source: learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference".
func (a *Authority) IdentityHandler(header string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := a.managedToken(r, header)
		w.Header().Set("Content-Type", wire.JSONType)
		w.WriteHeader(answer.Status)
		w.Write(answer.Body)
	})
}

func (a *Authority) managedToken(r *http.Request, header string) wire.HTTPResponse {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := r.URL.Query()
	if r.Header.Get("X-IDENTITY-HEADER") != header {
		return respond(401, map[string]any{"statusCode": 401, "message": "The header X-IDENTITY-HEADER is not right."})
	}
	if client := q.Get("client_id"); client != "" && client != a.opts.ClientID || a.appDisabled {
		return respond(400, map[string]any{"statusCode": 400,
			"message": "No managed identity was found for the client ID."})
	}
	a.issued++
	resource := strings.TrimSuffix(strings.TrimSuffix(q.Get("resource"), "/.default"), "/")
	token := a.issueApp(a.opts.ClientID, a.roles, resource, jwt.MapClaims{"xms_mirid": managedID})
	return respond(200, map[string]string{
		"access_token": token, "expires_on": strconv.FormatInt(time.Now().Add(a.opts.TokenLife).Unix(), 10),
		"resource": resource, "token_type": "Bearer", "client_id": a.opts.ClientID,
	})
}
