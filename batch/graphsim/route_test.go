package graphsim

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim/internal/wire"
)

// cast are the users of TestRoutes.
func cast() []User {
	return []User{
		{ID: danaID, UPN: "Dana@contoso.example", Passes: []Pass{{ID: passID}}},
		{UPN: "o'neil@contoso.example", Passes: []Pass{{ID: passID}}},
		{UPN: "lee_fabrikam.com#EXT#@contoso.example", Guest: true},
		{UPN: "root@contoso.example", Privileged: true, Passes: []Pass{{ID: passID}}},
		{UPN: "$x@contoso.example", Disabled: true},
	}
}

const (
	danaPasses  = "/users/" + danaID + passesPath
	guestPasses = "/users/lee_fabrikam.com%23EXT%23@contoso.example" + passesPath
	rootPasses  = "/users/root@contoso.example" + passesPath
	reportPath  = "/reports/authenticationMethods/userRegistrationDetails"
	auditsPath  = "/auditLogs/directoryAudits"

	notFound     = "Request_ResourceNotFound"
	noPermission = "Authentication_MSGraphPermissionMissing"
)

// routeTests are requests to a tenant with the users of cast, and their answers.
var routeTests = []struct {
	name, method, path, body string
	status                   int
	code                     string // of the error; empty for any
	holds                    string // part of the body
}{
	{"list by id", "GET", danaPasses, "", 200, "", `"temporaryAccessPass":null`},
	{"list by UPN in another case", "GET", "/users/DANA@contoso.example" + passesPath, "", 200, "", passID},
	{"list of nothing", "GET", guestPasses, "", 200, "", `"value":[]`},
	{"get", "GET", danaPasses + "/" + strings.ToUpper(passID), "", 200, "", `"id":"` + passID},
	{"get another", "GET", danaPasses + "/" + otherID, "", 404, "", ""},
	{"delete", "DELETE", danaPasses + "/" + passID, "", 204, "", ""},
	{"delete by key", "DELETE", "/users('o''neil@contoso.example')" + passesPath + "('" + passID + "')", "",
		204, "", ""},
	{"delete with an apostrophe", "DELETE", "/users/o%27neil@contoso.example" + passesPath + "/" + passID, "",
		204, "", ""},
	{"delete another", "DELETE", danaPasses + "/" + otherID, "", 404, "", ""},
	{"delete of no user", "DELETE", "/users/" + otherID + passesPath + "/" + passID, "", 404, notFound, ""},
	{"delete of a privileged user", "DELETE", rootPasses + "/" + passID, "", 403, "accessDenied", ""},
	{"list of a privileged user", "GET", rootPasses, "", 403, "accessDenied", ""},
	{"generic delete", "DELETE", "/users/" + danaID + "/authentication/methods/" + passID, "", 404, "", ""},
	{"count", "GET", danaPasses + "?$count=true", "", 400, "BadRequest", ""},
	{"user", "GET", "/users/" + danaID + "?$select=id,accountEnabled", "",
		200, "", danaID + `","accountEnabled":true}`},
	{"disabled user by key", "GET", "/users('$x@contoso.example')", "", 200, "", `"accountEnabled":false`},
	{"dollar without key", "GET", "/users/$x@contoso.example", "", 400, "", ""},
	{"users", "GET", "/users?$top=2", "", 200, "", `@odata.nextLink":"https://`},
	{"users, page too large", "GET", "/users?$top=1000", "", 400, "", ""},
	{"revoke sessions without the role", "POST", "/users/" + danaID + "/revokeSignInSessions", `{}`, 403,
		"Authorization_RequestDenied", ""},
	{"me", "GET", "/me" + passesPath, "", 400, "BadRequest", ""},
	{"wrong verb", "PUT", danaPasses, `{}`, 405, "Request_BadRequest", ""},
	{"delete of the collection", "DELETE", danaPasses, "", 405, "", ""},
	{"users, filtered", "GET", "/users?$filter=userPrincipalName%20eq%20'o''neil@contoso.example'", "",
		200, "", `"value":[{"id":"`},
	{"users, filtered badly", "GET", "/users?$filter=mail%20eq%20'x'", "", 400, "Request_UnsupportedQuery", ""},
	{"group without the role", "GET", "/groups/" + otherID, "", 403, "Authorization_RequestDenied", ""},
	{"audits without the role", "GET", auditsPath, "", 403, noPermission, ""},
	{"report without the role", "GET", reportPath, "", 403, noPermission, ""},
	{"delete of a group", "DELETE", "/groups/" + otherID, "", 405, "", ""},
	{"other audits", "GET", "/auditLogs/signIns", "", 404, "", ""},
	{"unknown", "GET", "/groups", "", 404, "", ""},
	{"unknown below", "GET", "/users/" + danaID + "/messages", "", 404, "", ""},
	{"too deep", "GET", danaPasses + "/" + passID + "/a/b/c/d", "", 404, "", ""},
	{"dot segments", "DELETE", "/users/x/../" + danaID + passesPath + "/" + passID, "", 400, "", ""},
	{"encoded dot segments", "DELETE", "/users/x/%2e%2e/" + danaID + passesPath + "/" + passID, "", 400, "", ""},
	{"encoded slash", "GET", "/users/" + danaID + "%2fauthentication/temporaryAccessPassMethods", "", 400, "", ""},
	{"empty segment", "GET", "/users//" + danaID, "", 400, "", ""},
	{"encoded twice", "GET", "/users/dana%2540contoso.example", "", 404, notFound, ""},
}

// The answers are the same inside and outside a batch, with and without a socket.
func TestRoutes(t *testing.T) {
	tenant := New(Options{})
	server := start(t, tenant)
	overTLS, token := server.Client().Transport, tenant.Entra.Token()
	direct := directly(overTLS, server.URL+"/v1.0", token)
	for name, c := range map[string]client{
		"direct over TLS":         direct,
		"direct without a socket": directly(tenant, wire.PublicRoot+"/beta", token),
		"batch over TLS":          inBatchesOf(direct),
		"PostBatch":               inBatches(posting(tenant)),
	} {
		for _, tt := range routeTests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				for _, u := range cast() { // as they were
					tenant.AddUser(u)
				}
				r := c(t, tt.method, tt.path, tt.body)
				check(t, "status", r.Status, tt.status)
				if tt.code != "" {
					check(t, "code", r.code(), tt.code)
				}
				checkHolds(t, "body", r.Body, tt.holds)
				if r.Status == 204 {
					check(t, "body of a 204", r.Body, "")
				}
				if r.Status >= 400 {
					checkHolds(t, "error", r.Body, `"request-id":"`)
					checkHolds(t, "error", r.Body, `"client-request-id":"`)
				}
			})
		}
	}
}
