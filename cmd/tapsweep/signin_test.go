package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// without returns an environment without some variables.
func without(env []string, names ...string) (left []string) {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
			left = append(left, v)
		}
	}
	return left
}

// appCertificate returns a certificate of an app and its key, in DER. Creating it is slow, so all tests
// share one.
var appCertificate = sync.OnceValues(func() (cert, key []byte) {
	private := assert.Must(rsa.GenerateKey(rand.Reader, 2048))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tapsweep"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert = assert.Must(x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private))
	return cert, assert.Must(x509.MarshalPKCS8PrivateKey(private))
})

// certificate returns a PEM file with a certificate that the tenant trusts, and its key.
func certificate(t *testing.T, tenant *graphsim.Tenant) string {
	t.Helper()
	der, key := appCertificate()
	cert := assert.Must(x509.ParseCertificate(der))
	tenant.Entra.TrustCertificate(cert)
	return writeFile(t, "app.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// asBrowser makes the test binary act as the browser of a person who signs in: it opens a page
// and posts the form on it.
const asBrowser = "TEST_AS_BROWSER"

func init() {
	if os.Getenv(asBrowser) == "" {
		return
	}
	page := assert.Must(io.ReadAll(assert.Must(http.Get(os.Args[1])).Body))
	form := url.Values{}
	for _, field := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllSubmatch(page, -1) {
		form.Set(string(field[1]), html.UnescapeString(string(field[2])))
	}
	action := regexp.MustCompile(`action="([^"]*)"`).FindSubmatch(page)[1]
	assert.Must(http.PostForm(html.UnescapeString(string(action)), form))
	os.Exit(0)
}

// A signIn prepares a sign-in by a user of the tenant, and returns variables and flags for it.
type signIn func(t *testing.T, tenant *graphsim.Tenant, user graphsim.User) (vars, flags []string)

// byFlags returns a sign-in by flags only.
func byFlags(flags ...string) signIn {
	return func(*testing.T, *graphsim.Tenant, graphsim.User) ([]string, []string) { return nil, flags }
}

// byFile returns a sign-in by a file. A flag names the file.
func byFile(flag string, text func(*graphsim.Tenant, graphsim.User) string, flags ...string) signIn {
	return func(t *testing.T, tenant *graphsim.Tenant, user graphsim.User) ([]string, []string) {
		return nil, append([]string{flag, writeFile(t, "file", text(tenant, user))}, flags...)
	}
}

// afterChange returns a sign-in by the secret after a change of the tenant.
func afterChange(change func(*entra.Authority)) signIn {
	return func(_ *testing.T, tenant *graphsim.Tenant, _ graphsim.User) ([]string, []string) {
		change(tenant.Entra)
		return nil, nil
	}
}

// byPerson returns a sign-in by a person.
func byPerson(auth string, polls int) signIn {
	return func(_ *testing.T, tenant *graphsim.Tenant, user graphsim.User) ([]string, []string) {
		tenant.Entra.WillSignIn(entra.SignIn{User: user.ID, Scopes: []string{allScope}, Polls: polls})
		return nil, []string{"--auth", auth}
	}
}

func appToken(tenant *graphsim.Tenant, _ graphsim.User) string { return tenant.Entra.Token() }

// program writes a shell script and returns its directory.
func program(t *testing.T, name, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeProgram(t, filepath.Join(dir, name), "#!/bin/sh\n"+script+"\n")
	return dir
}

func byCertificate(t *testing.T, tenant *graphsim.Tenant, _ graphsim.User) (vars, flags []string) {
	return nil, []string{"--certificate", certificate(t, tenant)}
}

func byWorkload(t *testing.T, tenant *graphsim.Tenant, _ graphsim.User) (vars, flags []string) {
	token := writeFile(t, "token", tenant.Entra.FederatedToken(entra.FederatedSubject, time.Hour))
	return []string{"AZURE_FEDERATED_TOKEN_FILE=" + token}, []string{"--auth", "workload-identity"}
}

func byManagedIdentity(t *testing.T, tenant *graphsim.Tenant, _ graphsim.User) (vars, flags []string) {
	server := httptest.NewServer(tenant.Entra.IdentityHandler("h"))
	t.Cleanup(server.Close)
	return []string{"IDENTITY_ENDPOINT=" + server.URL, "IDENTITY_HEADER=h"}, []string{"--auth", "managed-identity"}
}

func byBrowser(t *testing.T, tenant *graphsim.Tenant, user graphsim.User) (vars, flags []string) {
	_, flags = byPerson("browser", 0)(t, tenant, user)
	dir := program(t, "xdg-open", asBrowser+"=1 exec "+assert.Must(os.Executable())+` "$1"`)
	return []string{"PATH=" + dir + ":/usr/bin:/bin"}, flags
}

func byCLI(t *testing.T, tenant *graphsim.Tenant, _ graphsim.User) (vars, flags []string) {
	dir := program(t, "az", `echo '{"accessToken":"`+tenant.Entra.Token()+`","expiresOn":"2999-01-01 00:00:00.000000",`+
		`"expires_on":32472144000,"tokenType":"Bearer"}'`)
	return []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, []string{"--auth", "azure-cli"}
}

// Each way to sign in works, from the flags to the deleted passes.
func TestSignInWays(t *testing.T) {
	t.Parallel()
	secret := func(*graphsim.Tenant, graphsim.User) string { return entra.DefaultSecret + "\n" }
	for _, tt := range []struct {
		name string
		way  signIn
		says string
		run  func(*testing.T, []string, ...string) process // azidentity reads some variables by itself
	}{
		{"secret from a file", byFile("--secret-file", secret), "", tapsweep},
		{"certificate", byCertificate, "", tapsweep},
		{"workload identity", byWorkload, "", spawn},
		{"managed identity", byManagedIdentity, "", spawn},
		{"device code", byPerson("device-code", 2), "enter the code", tapsweep},
		{"browser", byBrowser, "", spawn},
		{"token file", byFile("--token-file", appToken), "", tapsweep},
		{"command line tool", byCLI, "", spawn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 45, graphsim.Options{})
			vars, flags := tt.way(t, tenant, users[0])
			args := append([]string{"revoke", "--yes", "--results", "-", listFile(t, users)}, flags...)
			p := tt.run(t, append(without(env, "AZURE_CLIENT_SECRET"), vars...), args...)
			p.ends(t, 0, tt.says)
			hasRows(t, p.stdout, "revoked 45")
			leaves(t, tenant, 0)
		})
	}
}

var expired = graphsim.Options{Entra: entra.Options{TokenLife: -time.Minute}}

// signInsRefused are sign-ins that fail before anything is sent, with the expected message.
var signInsRefused = []struct {
	name string
	opts graphsim.Options
	way  signIn
	exit int
	want []string
}{
	{"expired secret", graphsim.Options{}, afterChange((*entra.Authority).ExpireSecret), 3,
		[]string{"AADSTS7000222", "az ad app credential reset --append --id " + entra.DefaultClientID}},
	{"revoked secret", graphsim.Options{}, afterChange(func(s *entra.Authority) { s.ReplaceSecret("x") }), 3,
		[]string{"AADSTS7000215"}},
	{"no permission", graphsim.Options{Roles: []string{"User.Read.All"}}, byFlags(), 3,
		[]string{"lacks the permission", "627169a8-8c15-451c-861a-5b80e383de5c=Role", "--no-preflight"}},
	{"another tenant", graphsim.Options{}, byFile("--token-file", appToken, "--tenant", foreignTenant), 3,
		[]string{foreignTenant + " was requested"}},
	{"ended token", expired, byFile("--token-file", appToken), 3, []string{"the token in it expired at"}},
	{"own scope, others on the list", graphsim.Options{}, byFile("--token-file",
		func(s *graphsim.Tenant, u graphsim.User) string { return s.Entra.UserToken(u.ID, ownScope) }), 3,
		[]string{"may manage only the user's own passes"}},
	{"no such certificate", graphsim.Options{}, byFlags("--certificate", "nosuch.pem"), status.Usage,
		[]string{"--certificate: open nosuch.pem: no such file"}},
	{"no such app", graphsim.Options{}, byFlags("--client-id", "x"), 3, []string{"hint: the tenant has no such app: "}},
	{"a flag for people who sign in", graphsim.Options{}, byFlags("--auth", "managed-identity", "--sign-in-again"),
		status.Usage, []string{"--sign-in-again is for --auth device-code and browser"}},
	{"no such way", graphsim.Options{}, byFlags("--auth", "password"), status.Usage,
		[]string{`--auth "password" is not default`}},
	{"a cloud without passes", graphsim.Options{}, byFlags("--cloud", "china"), status.Usage,
		[]string{"--api-version beta"}},
}

// If a run gets no token, or its token lacks a permission, the run exits with 3 before anything
// is sent. It prints the message of Entra and what to do next.
func TestSignInRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range signInsRefused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 3, tt.opts)
			if tt.name == "a cloud without passes" {
				env = without(env, "AZURE_AUTHORITY_HOST", graphURL)
			}
			_, flags := tt.way(t, tenant, users[0])
			log := newLog(t)
			args := []string{"revoke", "--yes", "--results", log, listFile(t, users)}
			tapsweep(t, env, append(args, flags...)...).ends(t, tt.exit, tt.want...)
			same(t, "batches", tenant.Stats().Batches, 0)
			exists(t, log, false)
		})
	}
}

// With --no-preflight, Graph decides whether the token is sufficient.
func TestNoPreflight(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 3, graphsim.Options{Roles: []string{}})
	p := runRevoke(t, env, "--no-preflight", listFile(t, users))
	p.ends(t, 1)
	lacks(t, "standard error", p.stderr, "signed in as")
	holds(t, "hint of a row", hasRows(t, p.stdout, "denied 3")[0].Hint, "The permission may be missing.")
}

// If Graph refuses a token in the middle of a run, the run gets one new token, with the claims
// in the challenge. Another refusal ends the run.
func TestRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts graphsim.Options
		then func(*graphsim.Tenant)
		exit int
		want string
	}{
		{"expired", graphsim.Options{}, func(s *graphsim.Tenant) { s.Entra.ExpireTokens() }, 0, ""},
		{"challenged", graphsim.Options{Entra: entra.Options{Challenge: true}},
			func(s *graphsim.Tenant) { s.Entra.ExpireTokens() }, 0, ""},
		{"app disabled", graphsim.Options{Entra: entra.Options{Challenge: true}},
			func(s *graphsim.Tenant) { s.Entra.DisableApp(); s.Entra.ExpireTokens() }, 3, "AADSTS7000112"},
		{"secret expired", graphsim.Options{},
			func(s *graphsim.Tenant) { s.Entra.ExpireSecret(); s.Entra.ExpireTokens() }, 3, "AADSTS7000222"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opts.Latency = 20 * time.Millisecond
			tenant, users, env := serveUsers(t, 400, tt.opts)
			p := tapsweepWhile(t, env, func() {
				waitWhile(t, func() bool { return tenant.Stats().Batches < 5 })
				tt.then(tenant)
			}, "revoke", "--yes", "--concurrency", "1", "--results", "-", listFile(t, users))
			p.ends(t, tt.exit, tt.want)
			readEnd(t, p.stdout, tt.exit)
			left := len(tenant.Remaining())
			hasRows(t, p.stdout, tally(map[results.Outcome]int{results.Revoked: 400 - left, results.NotSent: left}))
			same(t, "every pass is gone", left == 0, tt.exit == 0)
			if tt.name == "challenged" {
				same(t, "tokens with the claims of the challenge", tenant.Stats().TokensByClaims, 1)
			}
		})
	}
}

// decodeFirst decodes the first line of a log.
func decodeFirst(t *testing.T, log string, into any) {
	t.Helper()
	line, _, _ := strings.Cut(log, "\n")
	decode(t, line, into)
}
