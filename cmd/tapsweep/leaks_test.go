package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/status"
)

// What must not be found in anything that a run leaves behind.
const (
	canarySecret    = "S3cr3t~of-the.App_0815"
	canaryPass      = "Canary+Pass8"
	canaryOpaque    = "0paque.Token~of-a-gateway_4711"
	canaryProxy     = "pr0xy-Passw0rd_4711"
	canaryPassword  = "certificate-Passw0rd_4711"
	canaryAssertion = "eyJhbGciOiJSUzI1NiJ9." +
		"eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLWFuLWFzc2VydGlvbg"
)

// canaryVariables hold secrets that no request needs.
var canaryVariables = []string{"HTTP_PROXY=http://dana:" + canaryProxy + "@127.0.0.1:9",
	"AZURE_CLIENT_CERTIFICATE_PASSWORD=" + canaryPassword}

// leaks finds tokens, whole or cut off after their second part began, the header
// they travel in, and the other secrets.
var leaks = regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]|(?i:bearer ["']?[\w.-]{20})|client_assertion=[^*]|` +
	`client_secret=[^*]|` +
	regexp.QuoteMeta(canarySecret) + `|` + regexp.QuoteMeta(canaryPass) + `|` + regexp.QuoteMeta(canaryOpaque) +
	`|` + regexp.QuoteMeta(canaryProxy) +
	`|UzNjcjN0fm9mLXRoZS5BcHBfMDgxN|` + regexp.QuoteMeta(canaryPassword)) // and the first in base64

// tooLong is more of the service's text than is ever shown.
var tooLong = regexp.MustCompile(`x{501}`)

// rude is text of a service that repeats what it was sent, acts on terminals and
// does not end.
func rude(r *http.Request) string {
	return "Authorization: " + r.Header.Get("Authorization") +
		" refused \x1b[2J\x1b]0;owned\a\r\nexit 0\u202e\u2066\u009b31m" + strings.Repeat("x", 5000)
}

// unlabelled is text of a service that quotes what it was sent, and what it may know besides,
// without a word that announces it.
func unlabelled(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.Join([]string{token, canarySecret, url.QueryEscape(canarySecret), canaryProxy, canaryPassword,
		base64.StdEncoding.EncodeToString([]byte(canarySecret))}, " and ") + " are refused"
}

func bareWhole(r *http.Request) []byte { return errorOf(unlabelled(r)) }

func bareItem(r *http.Request, _ string) []byte { return errorOf(unlabelled(r)) }

func errorOf(text string) []byte {
	b, err := json.Marshal(map[string]any{"error": map[string]any{"code": text, "message": text,
		"innerError": map[string]string{"request-id": text}}})
	if err != nil {
		panic(err)
	}
	return b
}

// inBatch answers each request of a batch with status and body.
func inBatch(status int, body func(r *http.Request, method string) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Requests []struct{ ID, Method string } }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			panic(err)
		}
		var responses []map[string]any
		for _, req := range in.Requests {
			responses = append(responses,
				map[string]any{"id": req.ID, "status": status, "body": json.RawMessage(body(r, req.Method)),
					"headers": map[string]string{"request-id": rude(r), "Content-Type": "application/json"}})
		}
		json.NewEncoder(w).Encode(map[string]any{"responses": responses})
	}
}

// wholeBatch answers a batch with status and body.
func wholeBatch(status int, body func(r *http.Request) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		w.Write(body(r))
	}
}

// serveRudely serves the tenant, except for paths that end in suffix.
func serveRudely(t *testing.T, tenant *graphsim.Tenant, suffix string, answer http.Handler) (env []string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer != nil && strings.HasSuffix(r.URL.Path, suffix) {
			answer.ServeHTTP(w, r)
			return
		}
		tenant.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := writeFile(t, "ca.pem",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return append(tenant.Environment(server.URL, ca), graphURL+"="+server.URL)
}

// A leakCase is a run that is given secrets, by a service that repeats what it is sent.
type leakCase struct {
	name   string
	opts   graphsim.Options
	suffix string // of the paths that answer serves
	answer http.Handler
	env    []string
	args   []string
	list   string
	code   int

	assertion bool // instead of a secret
	opaque    bool // a token in a file instead of a secret

	// alone makes the case run in a process of its own: azidentity reads its variables by itself, or
	// what is masked must not be known from another run.
	alone bool
}

// onBatch, onItem and onToken are cases in which a batch, its items or the token request get the answer.
func onBatch(name string, code, httpStatus int, body func(*http.Request) []byte) leakCase {
	return leakCase{name: name, suffix: "$batch", answer: wholeBatch(httpStatus, body), code: code}
}

func onItem(name string, code, httpStatus int, body func(*http.Request, string) []byte) leakCase {
	return leakCase{name: name, suffix: "$batch", answer: inBatch(httpStatus, body), code: code}
}

func onToken(name string, answer http.HandlerFunc) leakCase {
	return leakCase{name: name, suffix: "/token", answer: answer, code: status.NoAccess}
}

// soon ends a run that is refused.
func (c leakCase) soon() leakCase { c.args = []string{"--stall-timeout", "1s"}; return c }

func (c leakCase) inProcess() leakCase     { c.alone = true; return c }
func (c leakCase) withToken() leakCase     { c.opaque = true; return c }
func (c leakCase) withAssertion() leakCase { c.assertion = true; return c }
func (c leakCase) ofUser() leakCase        { c.list = "user\nuser0001@contoso.example\n"; return c }

// tokenAnswer answers a token request with what it was sent, as text makes it.
func tokenAnswer(httpStatus int, text func(r *http.Request) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		w.WriteHeader(httpStatus)
		w.Write(text(r))
	}
}

func rudeItem(r *http.Request, _ string) []byte { return errorOf(rude(r)) }
func rudeWhole(r *http.Request) []byte          { return errorOf(rude(r)) }
func rudePage(r *http.Request) []byte           { return []byte(rude(r)) }
func barePage(r *http.Request) []byte           { return []byte(unlabelled(r)) }

func rudeText(r *http.Request, _ string) []byte {
	b, _ := json.Marshal(map[string]string{"error": rude(r)})
	return b
}

// said returns the same item for each request.
func said(text string) func(*http.Request, string) []byte {
	return func(*http.Request, string) []byte { return []byte(text) }
}

func rudeRedirect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", "/elsewhere?"+r.Header.Get("Authorization"))
	w.WriteHeader(http.StatusTemporaryRedirect)
	w.Write(rudeWhole(r))
}

func rudeHeaders(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"Request-Id", "Retry-After", "Date", "WWW-Authenticate",
		"X-Ms-Throttle-Limit-Percentage"} {
		w.Header().Set(name, r.Header.Get("Authorization"))
	}
	w.WriteHeader(http.StatusForbidden)
}

// oauthError is the answer of a token endpoint that quotes a field of the request.
func oauthError(code, before, field, after string) func(*http.Request) []byte {
	return func(r *http.Request) []byte {
		b, _ := json.Marshal(map[string]string{"error": code,
			"error_description": before + r.PostForm.Get(field) + after})
		return b
	}
}

// quotedForm is an answer with the whole request and the assertion in it.
func quotedForm(r *http.Request) []byte {
	if r.PostForm.Get("client_assertion") != canaryAssertion {
		panic("no assertion was sent")
	}
	b, _ := json.Marshal(r.PostForm)
	return errorOf(string(b) + r.PostForm.Get("client_assertion"))
}

const (
	hostileList = "user,method\n" +
		"\"dana\x1b[2J@contoso.com\",9f0c11aa-1111-4222-8333-000000000001\n" +
		"\"\u202eeli@contoso.com\",9f0c11aa-1111-4222-8333-000000000001\n" +
		"\"=cmd|'/c calc'!A1\",\"\x07\"\n" +
		"gone\u009b31m@contoso.com,LONG\n" +
		"user0001@contoso.example,9f0c11aa-1111-4222-8333-000000000001\n"
	// A pass in place of its ID, and in place of a name.
	passAsMethod = "user,method,passId\n" +
		"user0001@contoso.example," + canaryPass + ",\n" +
		"user0001@contoso.example,9f0c11aa-1111-4222-8333-000000000001," + canaryPass + "\n" +
		canaryPass + ",user0001@contoso.example,\n" +
		"user0002@contoso.example,,\n"
	listedPass = `{"value":[{"id":"9f0c11aa-1111-4222-8333-000000000001","temporaryAccessPass":"` + canaryPass +
		`"}],"@odata.nextLink":"https://x/` + canaryPass + `"}`
)

// leakCases are answers of a service that behaves, and lists with what must not be repeated.
var leakCases = []leakCase{
	{name: "success", alone: true},
	{name: "assertion", assertion: true, code: 3},
	{name: "throttled", opts: graphsim.Options{Limits: []*quota.Limit{quota.First(2, 1e9)}}},
	{name: "dry run", args: []string{"--dry-run"}},
	{name: "denied", opts: graphsim.Options{Roles: []string{}}, args: []string{"--no-preflight"}, code: 1},
	{name: "refused by the preflight", opts: graphsim.Options{Roles: []string{}}, code: 3},
	{name: "wrong secret", env: []string{"AZURE_CLIENT_SECRET=" + canarySecret + "x"}, code: 3},
	{name: "secret of another app", env: []string{"AZURE_CLIENT_ID=5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"}, code: 3},
	{name: "SDK logging", alone: true, env: []string{"AZURE_SDK_GO_LOGGING=all"}},
	{name: "SDK logging, wrong secret", alone: true, code: 3,
		env: []string{"AZURE_SDK_GO_LOGGING=all", "AZURE_CLIENT_SECRET=" + canarySecret + "x"}},
	{name: "token refused", opts: failing(fault.Fault{Do: fault.OuterStatus(401)}), code: 3},
	{name: "token refused with a challenge", code: 3,
		opts: failing(fault.Fault{Do: fault.OuterStatus(401, "WWW-Authenticate", entra.ClaimsChallenge)})},
	{name: "faults", code: 1, opts: graphsim.Options{Faults: []fault.Fault{
		{Path: "user0001@", Do: fault.ItemStatus(500)}, {Path: "user0002@", Do: fault.ItemShaped(403, `{"error":"something went wrong"}`)},
		{Attempt: 1, Do: fault.Truncated()}, {Batch: 3, Do: fault.OuterHTML(502)}, {Batch: 4, Do: fault.Reset()}}}},
	{name: "hostile list", list: hostileList, code: status.Usage},
	{name: "hostile list, skipped", list: hostileList, args: []string{"--skip-invalid"}, code: 1},

	{name: "pass as method", list: passAsMethod, code: status.Usage},
	{name: "pass as method, skipped", list: passAsMethod, args: []string{"--skip-invalid"}, code: 1},
	{name: "pass as method, dry run", list: passAsMethod, args: []string{"--skip-invalid", "--dry-run"}, code: 1},
	{name: "pass in a list without a header", list: "user0001@contoso.example," + canaryPass + "\n",
		code: status.Usage},

	onBatch("rude 400", status.Stopped, 400, rudeWhole).soon(),
	onBatch("rude 401", 3, 401, rudeWhole),
	onBatch("rude 403", status.NoAccess, 403, rudeWhole).soon(),
	onBatch("rude 500", 1, 500, rudeWhole),
	onBatch("rude page", 1, 502, rudePage),
	onBatch("rude 200", 1, 200, rudePage),
	leakCase{name: "rude redirect", suffix: "$batch", code: status.Stopped,
		answer: http.HandlerFunc(rudeRedirect)}.soon(),
	leakCase{name: "rude headers", suffix: "$batch", code: status.NoAccess,
		answer: http.HandlerFunc(rudeHeaders)}.soon(),
	onItem("rude item 400", 1, 400, rudeItem),
	onItem("rude item 401", 3, 401, rudeItem),
	onItem("rude item 403", 1, 403, rudeItem),
	onItem("rude item 404", 1, 404, rudeItem),
	onItem("rude item 500", 1, 500, rudeItem),
	onItem("rude item error as text", 1, 403, rudeText),
	onItem("rude pass id", 1, 404, rudeItem).ofUser(),

	// Graph shows the value of a pass only when it is made. If it did otherwise:
	onItem("pass in a list", 1, 200, said(listedPass)).ofUser(),
	onItem("pass instead of a list", 1, 200, said(`"`+canaryPass+`"`)).ofUser(),
	onItem("pass in a broken list", 1, 200, said(`{"value":"`+canaryPass+`"}`)).ofUser(),

	// Known secrets are masked even without a word that announces them.
	onBatch("bare token, 400", status.Stopped, 400, bareWhole).soon().withToken().inProcess(),
	onBatch("bare token, 401", 3, 401, bareWhole).withToken(),
	onBatch("bare token, 500", 1, 500, bareWhole).withToken(),
	onBatch("bare token, page", 1, 502, barePage).withToken(),
	onItem("bare token, item 400", 1, 400, bareItem).withToken(),
	onItem("bare token, item 403", 1, 403, bareItem).withToken(),
	onItem("bare token, item 404", 1, 404, bareItem).withToken(),
	onItem("bare token, item 500", 1, 500, bareItem).withToken(),
	onItem("bare secret, item 400", 1, 400, bareItem).inProcess(),
	onBatch("bare secret, outer 403", status.NoAccess, 403, bareWhole).soon(),
	onToken("bare secret of the token endpoint",
		tokenAnswer(400, oauthError("invalid_client", "AADSTS1: ", "client_secret", " is wrong"))),
	onToken("bare secret on a page of the token endpoint", tokenAnswer(403, func(r *http.Request) []byte {
		return []byte(strings.Repeat("<p>no ", 100) + r.PostForm.Get("client_secret") + strings.Repeat(" no", 200) +
			unlabelled(r))
	})),
	onToken("bare assertion", tokenAnswer(400, oauthError("x", "no: ", "client_assertion", ""))).withAssertion(),
	onToken("rude token endpoint", tokenAnswer(400, func(r *http.Request) []byte {
		return errorOf(rude(r) + r.PostForm.Encode())
	})),
	onToken("rude token endpoint, with an assertion", tokenAnswer(400, quotedForm)).withAssertion(),
	onToken("rude page of the token endpoint", tokenAnswer(403, func(r *http.Request) []byte {
		return []byte("<html>" + r.PostForm.Encode() + rude(r))
	})),
}

// No token, secret, assertion or pass is found in anything that a run leaves
// behind, whatever the service sends and however much is logged; the service's
// text does not act on the terminal and is not endless; and what is written is
// for its owner only.
func TestLeaks(t *testing.T) {
	t.Parallel()
	formats := []struct {
		name  string
		flags string
		files int // that a run leaves
	}{
		{"text", "--log-level debug --results DIR/log.jsonl", 1},
		{"json", "--log-level debug --log-format json --progress plain --evidence DIR/evidence", 7},
	}
	for _, tt := range leakCases {
		for _, format := range formats {
			t.Run(tt.name+", "+format.name, func(t *testing.T) {
				t.Parallel()
				if files := tt.run(t, format.flags); tt.code < 2 {
					same(t, "files that are left", files, format.files)
				}
			})
		}
	}
}

// run runs the case, checks all that it leaves behind, and returns how many files that is.
func (tt leakCase) run(t *testing.T, flags string) (files int) {
	opts := tt.opts
	opts.Entra.Secret = canarySecret
	tenant := graphsim.New(opts)
	list := listOf(tenant.AddUsers(3))
	if tt.list != "" {
		list = strings.Replace(tt.list, "LONG", strings.Repeat("x", 5000), 1)
	}
	env := append(serveRudely(t, tenant, tt.suffix, tt.answer), canaryVariables...)
	args := []string{"revoke", "--yes", "--max-attempts", "1", writeFile(t, "list.csv", list)}
	if tt.assertion {
		env = append(env, "AZURE_CLIENT_SECRET=", "AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential",
			"AZURE_FEDERATED_TOKEN_FILE="+writeFile(t, "assertion", canaryAssertion))
	}
	if tt.opaque {
		args = append(args, "--token-file", writeFile(t, "token", canaryOpaque))
	}
	args = slices.Concat(args, strings.Fields(flags), tt.args)
	p, files := runTidily(t, tt.alone || tt.assertion, append(env, tt.env...), args)
	same(t, "exit code", p.code, tt.code)
	return files
}

// runTidily runs a command line and checks all that it leaves behind. DIR stands for an empty directory.
// A run that is alone has a process of its own.
func runTidily(t *testing.T, alone bool, env, args []string) (p process, files int) {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	for i, arg := range args {
		args[i] = strings.Replace(arg, "DIR", dir, 1)
	}
	env = append(env, "HOME="+home, "TMPDIR="+home)
	if alone {
		cmd := command(t, env, args...)
		cmd.Dir = dir
		p = finish(t, cmd)
	} else {
		p = runHere(t, env, args)
	}
	checkLeft(t, "standard output", p.stdout)
	checkLeft(t, "standard error", p.stderr)
	return p, checkFiles(t, dir) + checkFiles(t, home)
}

// checkFiles looks through everything below dir.
func checkFiles(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has mode %v, want 0600", d.Name(), mode)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		checkLeft(t, d.Name(), string(text))
		if len(text) == 0 || filepath.Ext(path) != ".jsonl" {
			return nil // a list of nothing, or a report
		}
		for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var value any
			if err := json.Unmarshal([]byte(line), &value); err != nil {
				t.Errorf("%s:%d: %v", d.Name(), i+1, err)
			}
			checkValues(t, fmt.Sprintf("%s:%d", d.Name(), i+1), value)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

// checkValues looks at the texts in a JSON value as whoever reads them gets them.
func checkValues(t *testing.T, where string, value any) {
	t.Helper()
	switch value := value.(type) {
	case string:
		checkLeft(t, where, value)
	case []any:
		for _, v := range value {
			checkValues(t, where, v)
		}
	case map[string]any:
		for k, v := range value {
			checkValues(t, where+"."+k, v)
		}
	}
}

// checkLeft looks at one thing that a run left behind.
func checkLeft(t *testing.T, where, text string) {
	t.Helper()
	around := func(at []int) string { return text[max(at[0]-40, 0):min(at[1]+20, len(text))] }
	if at := leaks.FindStringIndex(text); at != nil {
		t.Errorf("%s holds a secret: …%s…", where, around(at))
	}
	if at := tooLong.FindStringIndex(text); at != nil {
		t.Errorf("%s holds more than 500 characters of the service's text", where)
	}
	if i := strings.IndexFunc(text,
		func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s holds a character that a terminal acts on: %q", where, around([]int{i, i + 1}))
	}
}
