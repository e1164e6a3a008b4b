package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

// rude returns a text with the secrets of the request and with terminal escapes. It is very
// long.
func rude(r *http.Request) string {
	return "Authorization: " + r.Header.Get("Authorization") +
		" refused \x1b[2J\x1b]0;owned\a\r\nexit 0\u202e\u2066\u009b31m" + strings.Repeat("x", 5000)
}

// unlabelled returns a text with the secrets of the request, and with others that the service may know.
// No word announces them.
func unlabelled(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.Join([]string{token, canarySecret, url.QueryEscape(canarySecret), canaryProxy, canaryPassword,
		base64.StdEncoding.EncodeToString([]byte(canarySecret))}, " and ") + " are refused"
}

// A body makes the answer to a request.
type body func(*http.Request) []byte

// asJSONOf returns a value as JSON.
func asJSONOf(value any) []byte { return assert.Must(json.Marshal(value)) }

// asError returns an error of Graph with the text in every field that has text.
func asError(text func(*http.Request) string) body {
	return func(r *http.Request) []byte {
		text := text(r)
		return asJSONOf(map[string]any{"error": map[string]any{"code": text, "message": text,
			"innerError": map[string]string{"request-id": text}}})
	}
}

// asPage returns a page of HTML with the text.
func asPage(text func(*http.Request) string) body {
	return func(r *http.Request) []byte { return []byte(text(r)) }
}

// said returns the same answer to each request.
func said(text string) body { return func(*http.Request) []byte { return []byte(text) } }

func rudeText(r *http.Request) []byte { return asJSONOf(map[string]string{"error": rude(r)}) }

// oauthError returns the answer of a token endpoint that quotes a field of the request.
func oauthError(code, before, field string) body {
	return func(r *http.Request) []byte {
		return asJSONOf(map[string]string{"error": code,
			"error_description": before + r.PostForm.Get(field) + " is wrong"})
	}
}

// quotedForm returns an answer with the whole request and its assertion.
func quotedForm(r *http.Request) []byte {
	if r.PostForm.Get("client_assertion") != canaryAssertion {
		panic("no assertion was sent")
	}
	return asError(func(*http.Request) string {
		return string(asJSONOf(r.PostForm)) + r.PostForm.Get("client_assertion")
	})(r)
}

// listed returns a page of one object with the text in its fields, and in the link to the next page.
func listed(object map[string]any, next string) []byte {
	page := map[string]any{"value": []map[string]any{object}}
	if next != "" {
		page["@odata.nextLink"] = next
	}
	return asJSONOf(page)
}

func rudeList(r *http.Request) []byte {
	text := rude(r)
	return listed(map[string]any{"id": text, "userPrincipalName": text, "userType": text,
		"methodUsabilityReason": text, "temporaryAccessPass": canaryPass}, text)
}

func rudeNames(r *http.Request) []byte {
	return listed(map[string]any{"id": selfID, "userPrincipalName": rude(r)}, "")
}

func bareList(r *http.Request) []byte {
	text := unlabelled(r)
	return listed(map[string]any{"id": selfID, "userPrincipalName": text, "methodUsabilityReason": text}, text)
}

// inBatch answers each request of a batch with a status and a body.
func inBatch(status int, body body) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Requests []struct{ ID string } }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			panic(err)
		}
		var responses []map[string]any
		for _, req := range in.Requests {
			responses = append(responses, map[string]any{"id": req.ID, "status": status,
				"body":    json.RawMessage(body(r)),
				"headers": map[string]string{"request-id": rude(r), "Content-Type": "application/json"}})
		}
		w.Write(asJSONOf(map[string]any{"responses": responses}))
	}
}

// whole answers a whole request with a status and a body, which may quote the form that was sent.
func whole(status int, body body) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // only a token request has a form
		w.WriteHeader(status)
		w.Write(body(r))
	}
}

func rudeRedirect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", "/elsewhere?"+r.Header.Get("Authorization"))
	whole(http.StatusTemporaryRedirect, asError(rude))(w, r)
}

func rudeHeaders(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"Request-Id", "Retry-After", "Date", "WWW-Authenticate",
		"X-Ms-Throttle-Limit-Percentage"} {
		w.Header().Set(name, r.Header.Get("Authorization"))
	}
	w.WriteHeader(http.StatusForbidden)
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

// runTidily runs a command line and checks everything that it leaves behind. DIR is replaced by an empty
// directory. A run that is alone has its own process.
func runTidily(t *testing.T, alone bool, env []string, line string) (p process, files int) {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	args := words(line, strings.NewReplacer("DIR", dir))
	env = append(env, "HOME="+home, "TMPDIR="+home)
	if alone {
		cmd := command(t, env, args...)
		cmd.Dir = dir
		p = finish(t, cmd)
	} else {
		p = runHere(t.Context(), env, args)
	}
	checkLeft(t, "standard output", p.stdout)
	checkLeft(t, "standard error", p.stderr)
	return p, checkFiles(t, dir) + checkFiles(t, home)
}

// checkFiles checks all files below dir.
func checkFiles(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		isPrivate(t, path)
		checkLeft(t, d.Name(), readText(t, path))
		if filepath.Ext(path) == ".jsonl" {
			for line := range strings.Lines(readText(t, path)) {
				var value any
				decode(t, line, &value)
				checkValues(t, d.Name(), value)
			}
		}
		return nil
	})
	assert.Is(t, "error", err, nil)
	return files
}

// checkValues checks the decoded texts in a JSON value.
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

// checkLeft checks one text that a run left behind.
func checkLeft(t *testing.T, where, text string) {
	t.Helper()
	around := func(at []int) string { return text[max(at[0]-40, 0):min(at[1]+20, len(text))] }
	if at := leaks.FindStringIndex(text); at != nil {
		t.Errorf("%s holds a secret: …%s…", where, around(at))
	}
	assert.That(t, tooLong.FindStringIndex(text) == nil,
		"%s holds more than 500 characters of the service's text", where)
	if i := strings.IndexFunc(text,
		func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s holds a character that a terminal acts on: %q", where, around([]int{i, i + 1}))
	}
}
