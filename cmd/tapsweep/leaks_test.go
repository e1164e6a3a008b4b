package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Nothing that a run leaves behind may contain these secrets.
const (
	canarySecret    = "S3cr3t~of-the.App_0815"
	canaryPass      = "Canary+Pass8"
	canaryOpaque    = "0paque.Token~of-a-gateway_4711"
	canaryProxy     = "pr0xy-Passw0rd_4711"
	canaryPassword  = "certificate-Passw0rd_4711"
	canaryAssertion = "eyJhbGciOiJSUzI1NiJ9." +
		"eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLWFuLWFzc2VydGlvbg"
)

// canaryVariables have secrets that no request needs.
var canaryVariables = []string{"HTTP_PROXY=http://dana:" + canaryProxy + "@127.0.0.1:9",
	"AZURE_CLIENT_CERTIFICATE_PASSWORD=" + canaryPassword}

// leaks finds tokens, whole or cut off after their second part began, the header
// they travel in, and the other secrets.
var leaks = regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]|(?i:bearer ["']?[\w.-]{20})|client_assertion=[^*]|` +
	`client_secret=[^*]|` +
	regexp.QuoteMeta(canarySecret) + `|` + regexp.QuoteMeta(canaryPass) + `|` + regexp.QuoteMeta(canaryOpaque) +
	`|` + regexp.QuoteMeta(canaryProxy) +
	`|UzNjcjN0fm9mLXRoZS5BcHBfMDgxN|` + regexp.QuoteMeta(canaryPassword)) // and the first in base64

// tooLong finds more of the service's text than a run may show.
var tooLong = regexp.MustCompile(`x{501}`)

const (
	hostileList = "user,method\n" + "\"dana\x1b[2J@contoso.com\",9f0c11aa-1111-4222-8333-000000000001\n" +
		"\"\u202eeli@contoso.com\",9f0c11aa-1111-4222-8333-000000000001\n" +
		"\"=cmd|'/c calc'!A1\",\"\x07\"\n" +
		"gone\u009b31m@contoso.com,LONG\n" +
		"user0001@contoso.example,9f0c11aa-1111-4222-8333-000000000001\n"
	// A pass in place of its ID, and in place of a name.
	passAsMethod = "user,method,passId\n" + "user0001@contoso.example," + canaryPass + ",\n" +
		"user0001@contoso.example,9f0c11aa-1111-4222-8333-000000000001," + canaryPass + "\n" +
		canaryPass + ",user0001@contoso.example,\n" +
		"user0002@contoso.example,,\n"
	listedPass = `{"value":[{"id":"9f0c11aa-1111-4222-8333-000000000001","temporaryAccessPass":"` + canaryPass +
		`"}],"@odata.nextLink":"https://x/` + canaryPass + `"}`
)

// A leakCase is a run with secrets, against a service that repeats the text of its requests.
type leakCase struct {
	name   string
	opts   graphsim.Options
	path   string // the end of the paths that answer serves
	answer http.Handler
	env    []string
	flags  string
	list   string
	code   int

	throttled bool // a limit is of one tenant, so opts cannot hold it
	assertion bool // instead of a secret
	opaque    bool // a token in a file instead of a secret

	// alone makes the case run in a process of its own: azidentity reads its variables by itself, or
	// the process must not know from another run what to mask.
	alone bool
}

// onBatch, onItem and onToken return cases with an answer to a batch, to its requests or to the token request.
func onBatch(name string, code, httpStatus int, body body) leakCase {
	return leakCase{name: "batch, " + name, path: "$batch", answer: whole(httpStatus, body), code: code}
}

func onItem(name string, code, httpStatus int, body body) leakCase {
	return leakCase{name: "item, " + name, path: "$batch", answer: inBatch(httpStatus, body), code: code}
}

func onToken(name string, httpStatus int, body body) leakCase {
	return leakCase{name: "token, " + name, path: "/token", answer: whole(httpStatus, body), code: status.NoAccess}
}

// soon returns the case with a short --stall-timeout, which ends a refused run.
func (c leakCase) soon() leakCase          { c.flags = "--stall-timeout 1s"; return c }
func (c leakCase) inProcess() leakCase     { c.alone = true; return c }
func (c leakCase) withToken() leakCase     { c.opaque = true; return c }
func (c leakCase) withAssertion() leakCase { c.assertion = true; return c }
func (c leakCase) ofUser() leakCase        { c.list = "user\nuser0001@contoso.example\n"; return c }

// leakCases have normal answers of the service, lists with secrets, and malicious answers of the service.
// Known secrets are masked even without a word that announces them.
var leakCases = []leakCase{
	{name: "success", alone: true},
	{name: "assertion", assertion: true, code: 3},
	{name: "throttled", throttled: true},
	{name: "dry run", flags: "--dry-run"},
	{name: "denied", opts: graphsim.Options{Roles: []string{}}, flags: "--no-preflight", code: 1},
	{name: "refused by the preflight", opts: graphsim.Options{Roles: []string{}}, code: 3},
	{name: "secret of another app", env: []string{"AZURE_CLIENT_ID=5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"}, code: 3},
	{name: "SDK logging", alone: true, env: []string{"AZURE_SDK_GO_LOGGING=all"}},
	{name: "SDK logging, wrong secret", alone: true, code: 3,
		env: []string{"AZURE_SDK_GO_LOGGING=all", "AZURE_CLIENT_SECRET=" + canarySecret + "x"}},
	{name: "token refused with a challenge", code: 3,
		opts: failing(fault.Fault{Do: fault.OuterStatus(401, "WWW-Authenticate", entra.ClaimsChallenge)})},
	{name: "faults", code: 1, opts: failing(
		fault.Fault{Path: "user0001@", Do: fault.ItemStatus(500)},
		fault.Fault{Path: "user0002@", Do: fault.ItemShaped(403, errorText)},
		fault.Fault{Attempt: 1, Do: fault.Truncated()}, fault.Fault{Batch: 3, Do: fault.OuterHTML(502)},
		fault.Fault{Batch: 4, Do: fault.Reset()})},
	{name: "hostile list", list: hostileList, code: status.Usage},
	{name: "hostile list, skipped", list: hostileList, flags: "--skip-invalid", code: 1},
	{name: "pass as method", list: passAsMethod, code: status.Usage},
	{name: "pass as method, skipped", list: passAsMethod, flags: "--skip-invalid", code: 1},
	{name: "pass as method, dry run", list: passAsMethod, flags: "--skip-invalid --dry-run", code: 1},
	{name: "pass in a list without a header", list: "user0001@contoso.example," + canaryPass + "\n",
		code: status.Usage},

	onBatch("400", status.Stopped, 400, asError(rude)).soon(),
	onBatch("401", 3, 401, asError(rude)),
	onBatch("403", status.NoAccess, 403, asError(rude)).soon(),
	onBatch("500", 1, 500, asError(rude)),
	onBatch("page, 502", 1, 502, asPage(rude)),
	onBatch("page, 200", 1, 200, asPage(rude)),
	leakCase{name: "redirect", path: "$batch", code: status.Stopped, answer: http.HandlerFunc(rudeRedirect)}.soon(),
	leakCase{name: "headers", path: "$batch", code: status.NoAccess, answer: http.HandlerFunc(rudeHeaders)}.soon(),
	onItem("400", 1, 400, asError(rude)),
	onItem("401", 3, 401, asError(rude)),
	onItem("403", 1, 403, asError(rude)),
	onItem("404", 1, 404, asError(rude)),
	onItem("500", 1, 500, asError(rude)),
	onItem("error as text", 1, 403, rudeText),
	onItem("404 of a user without a pass", 1, 404, asError(rude)).ofUser(),

	// Graph shows the value of a pass only when it is made. If it did otherwise:
	onItem("pass in a list", 1, 200, said(listedPass)).ofUser(),
	onItem("pass instead of a list", 1, 200, said(`"`+canaryPass+`"`)).ofUser(),
	onItem("pass in a broken list", 1, 200, said(`{"value":"`+canaryPass+`"}`)).ofUser(),

	onBatch("bare token, 400", status.Stopped, 400, asError(unlabelled)).soon().withToken().inProcess(),
	onBatch("bare token, 401", 3, 401, asError(unlabelled)).withToken(),
	onBatch("bare token, 500", 1, 500, asError(unlabelled)).withToken(),
	onBatch("bare token, page", 1, 502, asPage(unlabelled)).withToken(),
	onItem("bare token, 403", 1, 403, asError(unlabelled)).withToken(),
	onItem("bare token, 404", 1, 404, asError(unlabelled)).withToken(),
	onItem("bare secret, 400", 1, 400, asError(unlabelled)).inProcess(),
	onBatch("bare secret, 403", status.NoAccess, 403, asError(unlabelled)).soon(),
	onToken("bare secret", 400, oauthError("invalid_client", "AADSTS1: ", "client_secret")),
	onToken("bare secret on a page", 403, func(r *http.Request) []byte {
		return []byte(strings.Repeat("<p>no ", 100) + r.PostForm.Get("client_secret") + strings.Repeat(" no", 200) +
			unlabelled(r))
	}),
	onToken("bare assertion", 400, oauthError("x", "no: ", "client_assertion")).withAssertion(),
	onToken("form", 400, asError(func(r *http.Request) string { return rude(r) + r.PostForm.Encode() })),
	onToken("form with an assertion", 400, quotedForm).withAssertion(),
	onToken("form on a page", 403, asPage(func(r *http.Request) string {
		return "<html>" + r.PostForm.Encode() + rude(r)
	})),
}

// Nothing that a run leaves behind has a token, secret, assertion or pass, for any answer of
// the service and any log level. The service's text has no terminal escapes, and its length is
// limited. Only the owner can read the files.
func TestLeaks(t *testing.T) {
	t.Parallel()
	formats := []struct {
		name  string
		flags string
		files int // that a run leaves
	}{
		{"text", "--log-level debug --results DIR/log.jsonl ", 1},
		{"json", "--log-level debug --log-format json --progress plain --evidence DIR/evidence ", 7},
	}
	for i, tt := range leakCases {
		for j, format := range formats {
			if testing.Short() && i%2 != j {
				continue // each case in one format
			}
			t.Run(tt.name+", "+format.name, func(t *testing.T) {
				t.Parallel()
				if files := tt.run(t, format.flags); tt.code < 2 {
					same(t, "files that are left", files, format.files)
				}
			})
		}
	}
}

// run runs the case, checks everything that it leaves behind, and returns the number of files.
func (c leakCase) run(t *testing.T, flags string) (files int) {
	opts := c.opts
	if c.throttled {
		opts.Limits = []*quota.Limit{quota.First(2, time.Second)}
	}
	opts.Entra.Secret = canarySecret
	tenant := graphsim.New(opts)
	list := listOf(tenant.AddUsers(3))
	if c.list != "" {
		list = strings.Replace(c.list, "LONG", strings.Repeat("x", 5000), 1)
	}
	env := append(serveRudely(t, tenant, c.path, c.answer), canaryVariables...)
	line := "revoke --yes --max-attempts 1 " + flags + c.flags
	if c.assertion {
		env = append(env, "AZURE_CLIENT_SECRET=", "AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential",
			"AZURE_FEDERATED_TOKEN_FILE="+writeFile(t, "assertion", canaryAssertion))
	}
	if c.opaque {
		line += " --token-file " + writeFile(t, "token", canaryOpaque)
	}
	line += " " + writeFile(t, "list.csv", list)
	p, files := runTidily(t, c.alone || c.assertion, append(env, c.env...), line)
	same(t, "exit code", p.code, c.code)
	return files
}

// The other commands leave no more behind than revoke, for any answer of the service.
func TestLeaksOfOtherCommands(t *testing.T) {
	t.Parallel()
	const earlier = `{"type":"run"}` + "\n" +
		`{"type":"result","user":"user0001@contoso.example","method":"","outcome":"revoked"}` + "\n" +
		`{"type":"end","lines":2}` + "\n"
	const more = " --max-attempts 1 --stall-timeout 1s"
	testLeaks(t,
		"scan --all-users --members-only --output DIR/found.jsonl --results DIR/log.jsonl"+more,
		"scan --created-since 1h --output DIR/found.jsonl"+more,
		"sweep --all-users --yes --verify --verify-wait 1s --results DIR/log.jsonl"+more,
		"sweep --group "+selfID+" --yes --results DIR/log.jsonl"+more,
		"verify --results DIR/proof.jsonl "+writeFile(t, "earlier.jsonl", earlier)+more)
}

// testLeaks runs the commands against a service that gives each answer to batches.
func testLeaks(t *testing.T, commands ...string) {
	for name, answer := range map[string]http.Handler{
		"none":                         nil,
		"item 400":                     inBatch(400, asError(rude)),
		"item 401":                     inBatch(401, asError(rude)),
		"item 403":                     inBatch(403, asError(rude)),
		"item 404":                     inBatch(404, asError(rude)),
		"list":                         inBatch(200, rudeList),
		"names":                        inBatch(200, rudeNames),
		"unlabelled secrets":           inBatch(403, asError(unlabelled)),
		"unlabelled secrets in a list": inBatch(200, bareList),
		"unlabelled secrets, batch":    whole(403, asError(unlabelled)),
		"batch":                        whole(400, asError(rude)),
		"page":                         whole(403, asPage(rude)),
	} {
		for _, line := range commands {
			t.Run(name+", "+line, func(t *testing.T) {
				t.Parallel()
				opts := graphsim.Options{Entra: entra.Options{Secret: canarySecret}, Roles: simulation.Roles}
				tenant := graphsim.New(opts)
				tenant.AddUsers(3)
				env := append(serveRudely(t, tenant, "$batch", answer), canaryVariables...)
				p, _ := runTidily(t, false, env, line+" --log-level debug")
				atLeast(t, "exit code", p.code, 0)
				if p.code != status.Usage {
					atMost(t, "exit code", p.code, status.Stopped)
				}
				lacks(t, "standard error", p.stderr, "panic:")
			})
		}
	}
}
