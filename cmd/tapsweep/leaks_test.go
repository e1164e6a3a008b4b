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
	canaryAssertion = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLWFuLWFzc2VydGlvbg"
)

// leaks finds tokens, whole or cut off after their second part began, the header
// they travel in, and the other secrets.
var leaks = regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]|(?i:bearer ["']?[\w.-]{20})|client_assertion=[^*]|client_secret=[^*]|` +
	regexp.QuoteMeta(canarySecret) + `|` + regexp.QuoteMeta(canaryPass) + `|` + regexp.QuoteMeta(canaryOpaque) +
	`|` + regexp.QuoteMeta(canaryProxy) +
	`|UzNjcjN0fm9mLXRoZS5BcHBfMDgxN|` + regexp.QuoteMeta(canaryPassword)) // and the first in base64

// tooLong is more of the service's text than is ever shown.
var tooLong = regexp.MustCompile(`x{501}`)

// rude is text of a service that repeats what it was sent, acts on terminals and
// does not end.
func rude(r *http.Request) string {
	return "Authorization: " + r.Header.Get("Authorization") + " refused \x1b[2J\x1b]0;owned\a\r\nexit 0\u202e\u2066\u009b31m" + strings.Repeat("x", 5000)
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
	b, err := json.Marshal(map[string]any{"error": map[string]any{"code": text, "message": text, "innerError": map[string]string{"request-id": text}}})
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
			responses = append(responses, map[string]any{"id": req.ID, "status": status, "body": json.RawMessage(body(r, req.Method)),
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
	ca := writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return append(tenant.Environment(server.URL, ca), graphURL+"="+server.URL)
}

// No token, secret, assertion or pass is found in anything that a run leaves
// behind, whatever the service sends and however much is logged; the service's
// text does not act on the terminal and is not endless; and what is written is
// for its owner only.
func TestLeaks(t *testing.T) {
	t.Parallel()
	item := func(text string) func(*http.Request, string) []byte {
		return func(*http.Request, string) []byte { return []byte(text) }
	}
	rudeItem := func(r *http.Request, _ string) []byte { return errorOf(rude(r)) }
	rudeWhole := func(r *http.Request) []byte { return errorOf(rude(r)) }
	soon := []string{"--stall-timeout", "1s"} // ends the run that is refused
	hostile := "user,method\n" +
		"\"dana\x1b[2J@contoso.com\",9f0c11aa-1111-4222-8333-000000000001\n" +
		"\"\u202eeli@contoso.com\",9f0c11aa-1111-4222-8333-000000000001\n" +
		"\"=cmd|'/c calc'!A1\",\"\x07\"\n" +
		"gone\u009b31m@contoso.com," + strings.Repeat("x", 5000) + "\n" +
		"user0001@contoso.example,9f0c11aa-1111-4222-8333-000000000001\n"
	// A pass in place of its ID, and in place of a name.
	asMethod := "user,method,passId\n" +
		"user0001@contoso.example," + canaryPass + ",\n" +
		"user0001@contoso.example,9f0c11aa-1111-4222-8333-000000000001," + canaryPass + "\n" +
		canaryPass + ",user0001@contoso.example,\n" +
		"user0002@contoso.example,,\n"
	tests := []struct {
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
	}{
		{name: "success"},
		{name: "assertion", assertion: true, code: 3},
		{name: "throttled", opts: graphsim.Options{Limits: []*quota.Limit{quota.First(2, 1e9)}}},
		{name: "dry run", args: []string{"--dry-run"}},
		{name: "denied", opts: graphsim.Options{Roles: []string{}}, args: []string{"--no-preflight"}, code: 1},
		{name: "refused by the preflight", opts: graphsim.Options{Roles: []string{}}, code: 3},
		{name: "wrong secret", env: []string{"AZURE_CLIENT_SECRET=" + canarySecret + "x"}, code: 3},
		{name: "secret of another app", env: []string{"AZURE_CLIENT_ID=5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"}, code: 3},
		{name: "SDK logging", env: []string{"AZURE_SDK_GO_LOGGING=all"}},
		{name: "SDK logging, wrong secret", env: []string{"AZURE_SDK_GO_LOGGING=all", "AZURE_CLIENT_SECRET=" + canarySecret + "x"}, code: 3},
		{name: "token refused", opts: graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(401)}}}, code: 3},
		{name: "token refused with a challenge", opts: graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(401, "WWW-Authenticate", entra.ClaimsChallenge)}}}, code: 3},
		{name: "faults", opts: graphsim.Options{Faults: []fault.Fault{
			{Path: "user0001@", Do: fault.ItemStatus(500)}, {Path: "user0002@", Do: fault.ItemErrorText(403)},
			{Attempt: 1, Do: fault.Truncated()}, {Batch: 3, Do: fault.OuterHTML(502)}, {Batch: 4, Do: fault.Reset()}}}, code: 1},
		{name: "hostile list", list: hostile, code: status.Usage},
		{name: "hostile list, skipped", list: hostile, args: []string{"--skip-invalid"}, code: 1},

		{name: "pass as method", list: asMethod, code: status.Usage},
		{name: "pass as method, skipped", list: asMethod, args: []string{"--skip-invalid"}, code: 1},
		{name: "pass as method, dry run", list: asMethod, args: []string{"--skip-invalid", "--dry-run"}, code: 1},
		{name: "pass in a list without a header", list: "user0001@contoso.example," + canaryPass + "\n", code: status.Usage},

		{name: "rude 400", suffix: "$batch", answer: wholeBatch(400, rudeWhole), args: soon, code: status.Stopped},
		{name: "rude 401", suffix: "$batch", answer: wholeBatch(401, rudeWhole), code: 3},
		{name: "rude 403", suffix: "$batch", answer: wholeBatch(403, rudeWhole), args: soon, code: status.NoAccess},
		{name: "rude 500", suffix: "$batch", answer: wholeBatch(500, rudeWhole), code: 1},
		{name: "rude page", suffix: "$batch", answer: wholeBatch(502, func(r *http.Request) []byte { return []byte(rude(r)) }), code: 1},
		{name: "rude 200", suffix: "$batch", answer: wholeBatch(200, func(r *http.Request) []byte { return []byte(rude(r)) }), code: 1},
		{name: "rude redirect", suffix: "$batch", args: soon, code: status.Stopped,
			answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere?"+r.Header.Get("Authorization"))
				w.WriteHeader(http.StatusTemporaryRedirect)
				w.Write(rudeWhole(r))
			})},
		{name: "rude headers", suffix: "$batch", args: soon, code: status.NoAccess,
			answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, name := range []string{"Request-Id", "Retry-After", "Date", "WWW-Authenticate", "X-Ms-Throttle-Limit-Percentage"} {
					w.Header().Set(name, r.Header.Get("Authorization"))
				}
				w.WriteHeader(http.StatusForbidden)
			})},
		{name: "rude item 400", suffix: "$batch", answer: inBatch(400, rudeItem), code: 1},
		{name: "rude item 401", suffix: "$batch", answer: inBatch(401, rudeItem), code: 3},
		{name: "rude item 403", suffix: "$batch", answer: inBatch(403, rudeItem), code: 1},
		{name: "rude item 404", suffix: "$batch", answer: inBatch(404, rudeItem), code: 1},
		{name: "rude item 500", suffix: "$batch", answer: inBatch(500, rudeItem), code: 1},
		{name: "rude item error as text", suffix: "$batch", code: 1, answer: inBatch(403, func(r *http.Request, _ string) []byte {
			b, _ := json.Marshal(map[string]string{"error": rude(r)})
			return b
		})},
		{name: "rude pass id", suffix: "$batch", code: 1, answer: inBatch(404, rudeItem), list: "user\nuser0001@contoso.example\n"},

		// Graph never shows the value of a pass but when it is made. If it did:
		{name: "pass in a list", suffix: "$batch", code: 1, list: "user\nuser0001@contoso.example\n",
			answer: inBatch(200, item(`{"value":[{"id":"9f0c11aa-1111-4222-8333-000000000001","temporaryAccessPass":"`+canaryPass+`"}],"@odata.nextLink":"https://x/`+canaryPass+`"}`))},
		{name: "pass instead of a list", suffix: "$batch", code: 1, list: "user\nuser0001@contoso.example\n", answer: inBatch(200, item(`"`+canaryPass+`"`))},
		{name: "pass in a broken list", suffix: "$batch", code: 1, list: "user\nuser0001@contoso.example\n", answer: inBatch(200, item(`{"value":"`+canaryPass+`"}`))},

		// Known secrets are masked even without a word that announces them.
		{name: "bare token, 400", suffix: "$batch", answer: wholeBatch(400, bareWhole), args: soon, code: status.Stopped,
			opaque: true},
		{name: "bare token, 401", suffix: "$batch", answer: wholeBatch(401, bareWhole), code: 3, opaque: true},
		{name: "bare token, 500", suffix: "$batch", answer: wholeBatch(500, bareWhole), code: 1, opaque: true},
		{name: "bare token, page", suffix: "$batch",
			answer: wholeBatch(502, func(r *http.Request) []byte { return []byte(unlabelled(r)) }),
			code:   1, opaque: true},
		{name: "bare token, item 400", suffix: "$batch", answer: inBatch(400, bareItem), code: 1, opaque: true},
		{name: "bare token, item 403", suffix: "$batch", answer: inBatch(403, bareItem), code: 1, opaque: true},
		{name: "bare token, item 404", suffix: "$batch", answer: inBatch(404, bareItem), code: 1, opaque: true},
		{name: "bare token, item 500", suffix: "$batch", answer: inBatch(500, bareItem), code: 1, opaque: true},
		{name: "bare secret, item 400", suffix: "$batch", answer: inBatch(400, bareItem), code: 1},
		{name: "bare secret, outer 403", suffix: "$batch", answer: wholeBatch(403, bareWhole), args: soon, code: status.NoAccess},
		{name: "bare secret of the token endpoint", suffix: "/token", code: 3,
			answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				w.WriteHeader(http.StatusBadRequest)
				json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client",
					"error_description": "AADSTS1: " + r.PostForm.Get("client_secret") + " is wrong"})
			})},
		{name: "bare secret on a page of the token endpoint", suffix: "/token", code: 3,
			answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, strings.Repeat("<p>no ", 100)+r.PostForm.Get("client_secret")+strings.Repeat(" no",
					200)+unlabelled(r))
			})},
		{name: "bare assertion", suffix: "/token", code: 3, assertion: true,
			answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				w.WriteHeader(http.StatusBadRequest)
				json.NewEncoder(w).Encode(map[string]string{"error": "x",
					"error_description": "no: " + r.PostForm.Get("client_assertion")})
			})},

		{name: "rude token endpoint", suffix: "/token", code: 3, answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			w.WriteHeader(http.StatusBadRequest)
			w.Write(errorOf(rude(r) + r.PostForm.Encode()))
		})},
		{name: "rude token endpoint, with an assertion", suffix: "/token", code: 3, assertion: true, answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			if r.PostForm.Get("client_assertion") != canaryAssertion {
				panic("no assertion was sent")
			}
			w.WriteHeader(http.StatusBadRequest)
			b, _ := json.Marshal(r.PostForm)
			w.Write(errorOf(string(b) + r.PostForm.Get("client_assertion")))
		})},
		{name: "rude page of the token endpoint", suffix: "/token", code: 3, answer: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<html>"+r.PostForm.Encode()+rude(r))
		})},
	}
	formats := []struct {
		name string
		args []string
	}{
		{"quiet", nil},
		{"text", []string{"--log-level", "debug"}},
		{"json", []string{"--log-level", "debug", "--log-format", "json", "--progress", "plain", "--evidence", "evidence"}},
	}
	for _, tt := range tests {
		for _, format := range formats {
			if testing.Short() && format.name == "quiet" {
				continue // all that it prints is in the text as well
			}
			t.Run(tt.name+", "+format.name, func(t *testing.T) {
				t.Parallel()
				opts := tt.opts
				opts.Entra.Secret = canarySecret
				tenant := graphsim.New(opts)
				users := tenant.AddUsers(3)
				env := serveRudely(t, tenant, tt.suffix, tt.answer)
				list := tt.list
				if list == "" {
					list = listOf(users)
				}
				args := []string{"revoke", "--yes", "--max-attempts", "1", writeFile(t, "list.csv", list)}
				if tt.assertion {
					env = append(env, "AZURE_CLIENT_SECRET=", "AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential",
						"AZURE_FEDERATED_TOKEN_FILE="+writeFile(t, "assertion", canaryAssertion))
				}
				env = append(env, "HTTP_PROXY=http://dana:"+canaryProxy+"@127.0.0.1:9",
					"AZURE_CLIENT_CERTIFICATE_PASSWORD="+canaryPassword)
				if tt.opaque {
					args = append(args, "--token-file", writeFile(t, "token", canaryOpaque))
				}
				cmd := command(t, append(env, tt.env...), append(append(args, format.args...), tt.args...)...)
				p := finish(t, cmd)
				p.ends(t, tt.code)
				checkLeft(t, "standard output", p.stdout)
				checkLeft(t, "standard error", p.stderr)
				files := 0
				for _, dir := range append(temporary(cmd.Env), cmd.Dir) {
					files += checkFiles(t, dir)
				}
				want := 1 // the results log
				if slices.Contains(format.args, "--evidence") {
					want = 7
				}
				if p.code < 2 && files != want {
					t.Errorf("%d files are left, want %d", files, want)
				}
			})
		}
	}
}

// temporary returns the directories of a process's own.
func temporary(env []string) (dirs []string) {
	for _, v := range env {
		if name, value, _ := strings.Cut(v, "="); name == "HOME" || name == "TMPDIR" {
			dirs = append(dirs, value)
		}
	}
	return dirs
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
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s holds a character that a terminal acts on: %q", where, around([]int{i, i + 1}))
	}
}
