package entra

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tapsweep/batch/graphsim/internal/wire"
)

// managedID is the xms_mirid claim in tokens of the managed identity.
const managedID = "/subscriptions/3f6f1d5a-0c8b-4f0e-9a55-2b7f6f2f8f10/resourcegroups/jobs" +
	"/providers/Microsoft.Web/sites/tapsweep"

// IdentityHandler is the endpoint that a managed identity has on its machine, in the
// form of App Service: IDENTITY_ENDPOINT holds its URL and IDENTITY_HEADER holds header.
// Source: learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference".
func (a *Authority) IdentityHandler(header string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := a.managedToken(r, header)
		w.Header().Set("Content-Type", wire.JSONType)
		w.WriteHeader(answer.Status)
		w.Write(answer.Body)
	})
}

func (a *Authority) managedToken(r *http.Request, header string) wire.Response {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := r.URL.Query()
	if r.Header.Get("X-IDENTITY-HEADER") != header {
		return respond(401, map[string]any{"statusCode": 401, "message": "The header X-IDENTITY-HEADER is not right."})
	}
	if client := q.Get("client_id"); client != "" && client != a.opts.ClientID || a.appDisabled {
		return respond(400, map[string]any{"statusCode": 400, "message": "No managed identity was found for the client id."})
	}
	a.issued.Tokens++
	resource := strings.TrimSuffix(strings.TrimSuffix(q.Get("resource"), "/.default"), "/")
	token := a.issue(Identity{Permissions: a.roles}, resource, jwt.MapClaims{
		"roles": a.roles, "idtyp": "app", "oid": ServicePrincipal(a.opts.ClientID), "xms_mirid": managedID,
	})
	return respond(200, map[string]string{
		"access_token": token, "expires_on": strconv.FormatInt(time.Now().Add(a.opts.TokenLife).Unix(), 10),
		"resource": resource, "token_type": "Bearer", "client_id": a.opts.ClientID,
	})
}
