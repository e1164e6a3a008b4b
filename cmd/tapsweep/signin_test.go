package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"html"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// without takes variables out of an environment.
func without(env []string, names ...string) (left []string) {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
			left = append(left, v)
		}
	}
	return left
}

// certificate is a PEM file with a certificate and its key.
func certificate(t *testing.T, tenant *graphsim.Tenant) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tapsweep"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Entra.TrustCertificate(cert)
	return writeFile(t, "app.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, key)}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// asBrowser makes the test binary be a browser with somebody in front of it who
// signs in: it goes where it is sent.
const asBrowser = "TEST_AS_BROWSER"

func init() {
	if os.Getenv(asBrowser) == "" {
		return
	}
	resp, err := http.Get(os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	page, _ := io.ReadAll(resp.Body)
	form := url.Values{}
	for _, field := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllSubmatch(page, -1) {
		form.Set(string(field[1]), html.UnescapeString(string(field[2])))
	}
	action := regexp.MustCompile(`action="([^"]*)"`).FindSubmatch(page)
	if action == nil {
		os.Exit(2)
	}
	if _, err := http.PostForm(html.UnescapeString(string(action[1])), form); err != nil {
		os.Exit(3)
	}
	os.Exit(0)
}

func must(text string, err error) string {
	if err != nil {
		panic(err)
	}
	return text
}

// Each way to sign in, from the flags to passes that are gone.
func TestSignInWays(t *testing.T) {
	t.Parallel()
	type way struct {
		env, args []string
	}
	tests := []struct {
		name string
		way  func(*testing.T, *graphsim.Tenant, []graphsim.User) way
	}{
		{"secret from a file", func(t *testing.T, _ *graphsim.Tenant, _ []graphsim.User) way {
			return way{nil, []string{"--secret-file", writeFile(t, "secret", entra.DefaultSecret+"\n")}}
		}},
		{"certificate", func(t *testing.T, s *graphsim.Tenant, _ []graphsim.User) way {
			return way{nil, []string{"--certificate", certificate(t, s)}}
		}},
		{"workload identity", func(t *testing.T, s *graphsim.Tenant, _ []graphsim.User) way {
			return way{[]string{"AZURE_FEDERATED_TOKEN_FILE=" + writeFile(t, "token", s.Entra.FederatedToken(entra.FederatedSubject, time.Hour))},
				[]string{"--auth", "workload-identity"}}
		}},
		{"managed identity", func(t *testing.T, s *graphsim.Tenant, _ []graphsim.User) way {
			server := httptest.NewServer(s.Entra.IdentityHandler("h"))
			t.Cleanup(server.Close)
			return way{[]string{"IDENTITY_ENDPOINT=" + server.URL, "IDENTITY_HEADER=h"}, []string{"--auth", "managed-identity"}}
		}},
		{"device code", func(t *testing.T, s *graphsim.Tenant, users []graphsim.User) way {
			s.Entra.WillSignIn(entra.SignIn{User: users[0].ID, Scopes: []string{"UserAuthMethod-TAP.ReadWrite.All"}, Polls: 2})
			return way{nil, []string{"--auth", "device-code"}}
		}},
		{"browser", func(t *testing.T, s *graphsim.Tenant, users []graphsim.User) way {
			s.Entra.WillSignIn(entra.SignIn{User: users[0].ID, Scopes: []string{"UserAuthMethod-TAP.ReadWrite.All"}})
			dir, self := t.TempDir(), must(os.Executable())
			script := "#!/bin/sh\n" + asBrowser + "=1 exec " + self + " \"$1\"\n"
			if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			return way{[]string{"PATH=" + dir + ":/usr/bin:/bin"}, []string{"--auth", "browser"}}
		}},
		{"token file", func(t *testing.T, s *graphsim.Tenant, _ []graphsim.User) way {
			return way{nil, []string{"--token-file", writeFile(t, "token", s.Entra.Token())}}
		}},
		{"command line tool", func(t *testing.T, s *graphsim.Tenant, _ []graphsim.User) way {
			dir := t.TempDir()
			script := "#!/bin/sh\necho '{\"accessToken\":\"" + s.Entra.Token() + "\",\"expiresOn\":\"2999-01-01 00:00:00.000000\",\"expires_on\":32472144000,\"tokenType\":\"Bearer\"}'\n"
			if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			return way{[]string{"PATH=" + dir + ":" + os.Getenv("PATH")}, []string{"--auth", "azure-cli"}}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{})
			users := tenant.AddUsers(45)
			env, root := serve(t, tenant)
			env = without(env, "AZURE_CLIENT_SECRET")
			w := tt.way(t, tenant, users)
			p := spawn(t, append(env, w.env...), append([]string{"revoke", "--yes", "--graph-url", root, "--results", "-",
				writeFile(t, "l.csv", listOf(users))}, w.args...)...)
			if p.code != 0 {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
			rows, _ := readLog(t, p.stdout)
			if outcomes(rows)[results.Revoked] != 45 || len(tenant.Remaining()) != 0 {
				t.Errorf("exit %d, %v, %d passes left\n%s", p.code, outcomes(rows), len(tenant.Remaining()), p.stderr)
			}
			if tt.name == "device code" && !strings.Contains(p.stderr, "enter the code") {
				t.Errorf("the person is not told what to do:\n%s", p.stderr)
			}
		})
	}
}

// What keeps a run from a token, or a token from its work, ends with exit 3
// before anything is sent, says what Entra says, and what to do.
func TestSignInRefused(t *testing.T) {
	t.Parallel()
	userToken := func(s *graphsim.Tenant, u graphsim.User, scopes ...string) string {
		return s.Entra.UserToken(u.ID, scopes...)
	}
	tests := []struct {
		name string
		opts graphsim.Options
		args func(*testing.T, *graphsim.Tenant, graphsim.User) []string
		exit int
		want []string
	}{
		{"expired secret", graphsim.Options{}, func(_ *testing.T, s *graphsim.Tenant, _ graphsim.User) []string { s.Entra.ExpireSecret(); return nil }, 3,
			[]string{"AADSTS7000222", "az ad app credential reset --append --id " + entra.DefaultClientID}},
		{"revoked secret", graphsim.Options{}, func(_ *testing.T, s *graphsim.Tenant, _ graphsim.User) []string {
			s.Entra.ReplaceSecret("x")
			return nil
		}, 3,
			[]string{"AADSTS7000215"}},
		{"disabled app", graphsim.Options{}, func(_ *testing.T, s *graphsim.Tenant, _ graphsim.User) []string { s.Entra.DisableApp(); return nil }, 3,
			[]string{"AADSTS7000112", "is disabled in this tenant"}},
		{"no permission", graphsim.Options{Roles: []string{"User.Read.All"}}, nil, 3,
			[]string{"lacks the permission", "627169a8-8c15-451c-861a-5b80e383de5c=Role", "--no-preflight"}},
		{"another tenant", graphsim.Options{}, func(t *testing.T, s *graphsim.Tenant, _ graphsim.User) []string {
			return []string{"--token-file", writeFile(t, "t", s.Entra.Token()), "--tenant", "11111111-3b7d-4e88-9a41-d5c27be0f913"}
		}, 3, []string{"11111111-3b7d-4e88-9a41-d5c27be0f913 was requested"}},
		{"ended token", graphsim.Options{Entra: entra.Options{TokenLife: -time.Minute}}, func(t *testing.T, s *graphsim.Tenant, _ graphsim.User) []string {
			return []string{"--token-file", writeFile(t, "t", s.Entra.Token())}
		}, 3, []string{"the token in it ended at"}},
		{"own scope, others on the list", graphsim.Options{}, func(t *testing.T, s *graphsim.Tenant, u graphsim.User) []string {
			return []string{"--token-file", writeFile(t, "t", userToken(s, u, "UserAuthMethod-TAP.ReadWrite"))}
		}, 3, []string{"may manage only the user's own passes"}},
		{"no such certificate", graphsim.Options{}, func(*testing.T, *graphsim.Tenant, graphsim.User) []string {
			return []string{"--certificate", "nosuch.pem"}
		}, status.Usage, []string{"--certificate: nosuch.pem does not exist"}},
		{"no such way", graphsim.Options{}, func(*testing.T, *graphsim.Tenant, graphsim.User) []string { return []string{"--auth", "password"} }, status.Usage,
			[]string{`--auth "password" is not default`}},
		{"a cloud without passes", graphsim.Options{}, func(*testing.T, *graphsim.Tenant, graphsim.User) []string { return []string{"--cloud", "china"} }, status.Usage,
			[]string{"--api-version beta"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(tt.opts)
			users := tenant.AddUsers(3)
			env, root := serve(t, tenant)
			log := filepath.Join(t.TempDir(), "log.jsonl")
			args := []string{"revoke", "--yes", "--results", log, writeFile(t, "l.csv", listOf(users))}
			if tt.name != "a cloud without passes" {
				args = append(args, "--graph-url", root)
			} else {
				env = without(env, "AZURE_AUTHORITY_HOST")
			}
			if tt.args != nil {
				args = append(args, tt.args(t, tenant, users[0])...)
			}
			p := tapsweep(t, env, args...)
			if p.code != tt.exit || tenant.Stats().Batches != 0 {
				t.Errorf("exit %d, want %d; %d batches were sent\n%s", p.code, tt.exit, tenant.Stats().Batches, p.stderr)
			}
			for _, want := range tt.want {
				if !strings.Contains(p.stderr, want) {
					t.Errorf("no %q in\n%s", want, p.stderr)
				}
			}
			if _, err := os.Stat(log); err == nil {
				t.Error("a results log was made of a run that was none")
			}
		})
	}
}

// --no-preflight leaves it to Graph.
func TestNoPreflight(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: []string{}})
	users := tenant.AddUsers(3)
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "revoke", "--yes", "--no-preflight", "--graph-url", root, "--results", "-", writeFile(t, "l.csv", listOf(users)))
	rows, _ := readLog(t, p.stdout)
	if p.code != 1 || outcomes(rows)[results.Denied] != 3 || strings.Contains(p.stderr, "signed in as") {
		t.Errorf("exit %d, %v\n%s", p.code, outcomes(rows), p.stderr)
	}
	for _, row := range rows {
		if !strings.Contains(row.Hint, "the permission may be missing") {
			t.Errorf("hint %q", row.Hint)
		}
	}
}

// --self deletes the pass of the user who is signed in.
func TestSelf(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(2)
	env, root := serve(t, tenant)
	base := []string{"revoke", "--yes", "--graph-url", root, "--results", "-", "--self"}

	// An app has no pass of its own.
	p := tapsweep(t, env, base...)
	if p.code != 3 || !strings.Contains(p.stderr, "is an app, not a user") {
		t.Errorf("as an app: exit %d\n%s", p.code, p.stderr)
	}
	if n := tenant.Stats().Batches; n != 0 {
		t.Errorf("as an app: %d batches were sent, want none", n)
	}
	token := writeFile(t, "t", tenant.Entra.UserToken(users[1].ID, "UserAuthMethod-TAP.ReadWrite"))
	p = tapsweep(t, env, append(base, "--token-file", token)...)
	rows, _ := readLog(t, p.stdout)
	if p.code != 0 || outcomes(rows)[results.Revoked] != 1 {
		t.Errorf("exit %d, %v\n%s", p.code, outcomes(rows), p.stderr)
	}
	if left := tenant.Remaining(); len(left) != 1 || left[0].UPN != users[0].UPN {
		t.Errorf("users with a pass left: %v, want %s", left, users[0].UPN)
	}
	var run results.Run
	if err := decodeFirst(p.stdout, &run); err != nil || !strings.EqualFold(run.Self, users[1].ID) {
		t.Errorf("the log says that %q was signed in (%v), want %s", run.Self, err, users[1].ID)
	}
}

// Changing one's own methods may need a recent sign-in: the row says so.
func TestSelfDenied(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "/me/", Do: fault.ItemStatus(403)}}})
	users := tenant.AddUsers(1)
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "revoke", "--yes", "--self", "--graph-url", root, "--results", "-",
		"--token-file", writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, "UserAuthenticationMethod.ReadWrite")))
	rows, _ := readLog(t, p.stdout)
	if p.code != 1 || len(rows) != 1 || !strings.Contains(rows[0].Hint, "multi-factor sign-in within the last 10 minutes") {
		t.Errorf("exit %d, %+v\n%s", p.code, rows, p.stderr)
	}
}

// A protected user is protected from --self, too.
func TestSelfProtected(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(1)
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "revoke", "--yes", "--self", "--graph-url", root, "--results", "-",
		"--protect", writeFile(t, "p.csv", "user\n"+users[0].UPN+"\n"),
		"--token-file", writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, "UserAuthenticationMethod.ReadWrite", "User.Read")))
	rows, _ := readLog(t, p.stdout)
	if p.code != 0 || outcomes(rows)[results.Protected] != 1 || len(tenant.Remaining()) != 1 {
		t.Errorf("exit %d, %v\n%s", p.code, outcomes(rows), p.stderr)
	}
}

// A token that Graph takes back in the middle of a run is replaced once, with the
// claims that the challenge asks for; one more refusal ends the run.
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
		{"challenged", graphsim.Options{Entra: entra.Options{Challenge: true}}, func(s *graphsim.Tenant) { s.Entra.ExpireTokens() }, 0, ""},
		{"app disabled", graphsim.Options{Entra: entra.Options{Challenge: true}}, func(s *graphsim.Tenant) { s.Entra.DisableApp(); s.Entra.ExpireTokens() }, 3, "AADSTS7000112"},
		{"secret expired", graphsim.Options{}, func(s *graphsim.Tenant) { s.Entra.ExpireSecret(); s.Entra.ExpireTokens() }, 3, "AADSTS7000222"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opts.Latency = 20 * time.Millisecond
			tenant := graphsim.New(tt.opts)
			users := tenant.AddUsers(400)
			env, root := serve(t, tenant)
			p := tapsweepWhile(t, env, func() {
				for tenant.Stats().Batches < 5 && t.Context().Err() == nil {
					time.Sleep(time.Millisecond)
				}
				tt.then(tenant)
			}, "revoke", "--yes", "--graph-url", root, "--concurrency", "1", "--results", "-",
				writeFile(t, "l.csv", listOf(users)))
			rows, end := readLog(t, p.stdout)
			count := outcomes(rows)
			if p.code != tt.exit || len(rows) != 400 || end == nil || !strings.Contains(p.stderr, tt.want) {
				t.Fatalf("exit %d, %v\n%s", p.code, count, p.stderr)
			}
			if left := len(tenant.Remaining()); tt.exit == 0 && left != 0 || count[results.Revoked] != 400-left || count[results.NotSent] != left {
				t.Errorf("%v, %d passes left", count, left)
			}
			if by := tenant.Stats().TokensByClaims; tt.opts.Entra.Challenge && tt.exit == 0 && by != 1 {
				t.Errorf("%d tokens with the claims of the challenge, want 1", by)
			}
		})
	}
}

// proxy is a forward proxy that leads every tunnel to one address.
func proxy(t *testing.T, to string) (address string, tunnels *atomic.Int32) {
	t.Helper()
	tunnels = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || !strings.HasPrefix(r.Host, graphsim.ServerName) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		tunnels.Add(1)
		far, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			far.Close()
			return
		}
		io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { io.Copy(far, near); far.Close() }()
		io.Copy(near, far)
		near.Close()
	}))
	t.Cleanup(server.Close)
	return server.URL, tunnels
}

// Both the token and the batches go through the proxy of the environment, past
// which the tenant's name cannot be found.
func TestProxy(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(25)
	env, root := serve(t, tenant)
	address, tunnels := proxy(t, strings.TrimPrefix(root, "https://"))
	named := "https://" + graphsim.ServerName
	env = append(without(env, "AZURE_AUTHORITY_HOST"), "AZURE_AUTHORITY_HOST="+named, "HTTPS_PROXY="+address)
	args := []string{"revoke", "--yes", "--auth", "secret", "--graph-url", named, "--results", "-", writeFile(t, "l.csv", listOf(users))}
	if p := spawn(t, env, args...); p.code != 0 || len(tenant.Remaining()) != 0 || tunnels.Load() == 0 {
		t.Errorf("exit %d, %d tunnels, %d passes left\n%s", p.code, tunnels.Load(), len(tenant.Remaining()), p.stderr)
	}
	t.Run("around it", func(t *testing.T) {
		t.Parallel() // azidentity tries again for a while
		if p := spawn(t, append(env, "NO_PROXY="+graphsim.ServerName), args...); p.code != 4 || !strings.Contains(p.stderr, "has no address") {
			t.Errorf("exit %d\n%s", p.code, p.stderr)
		}
	})
	t.Run("without the root", func(t *testing.T) {
		t.Parallel()
		if p := spawn(t, without(env, "SSL_CERT_FILE"), args...); p.code != 3 || !strings.Contains(p.stderr, "certificate") {
			t.Errorf("exit %d\n%s", p.code, p.stderr)
		}
	})
}

// Who is not reached at the sign-in says nothing of the credential: exit 4, as where Graph
// is not reached, and no hint to set what is set. A certificate that is not trusted does
// not go away by itself: exit 3. The whole cause is shown, also with the default chain.
func TestSignInUnreached(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	list := writeFile(t, "l.csv", listOf(tenant.AddUsers(1)))
	good, root := serve(t, tenant)
	for _, tt := range []struct {
		name string
		env  []string // in place of the tenant's
		exit int
		want []string
	}{
		{"nobody listens", []string{"AZURE_AUTHORITY_HOST=https://" + nobodyListens}, 4,
			[]string{"no connection to " + nobodyListens + ": connection refused\n", "HTTPS_PROXY", "hint: AZURE_AUTHORITY_HOST"}},
		{"no proxy", []string{"AZURE_AUTHORITY_HOST=https://" + graphsim.ServerName, "HTTPS_PROXY=http://" + nobodyListens}, 4,
			[]string{": the proxy at " + nobodyListens + ": connection refused\n"}},
		{"no roots", []string{"SSL_CERT_FILE=nono"}, 3,
			[]string{"SSL_CERT_FILE: nono does not exist", "the certificate is of an authority that this machine does not trust\n", "SSL_CERT_FILE is nono now"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // azidentity tries again for a while
			env := good
			for _, v := range tt.env {
				name, _, _ := strings.Cut(v, "=")
				env = append(without(env, name), v)
			}
			t.Run("revoke", func(t *testing.T) {
				t.Parallel()
				p := spawn(t, env, "revoke", "--yes", "--graph-url", root, list)
				if p.code != tt.exit || strings.Contains(p.stderr, "hint: set AZURE") {
					t.Errorf("exit %d, want %d\n%s", p.code, tt.exit, p.stderr)
				}
				for _, want := range tt.want {
					if !strings.Contains(p.stderr, want) {
						t.Errorf("no %q in\n%s", want, p.stderr)
					}
				}
			})
			t.Run("check, of which it is one of the steps", func(t *testing.T) {
				t.Parallel()
				p := spawn(t, env, "check", "--graph-url", root, "--output", "json")
				if _, steps := checkJSON(t, p); p.code != 3 || steps["token"].Result != "failed" {
					t.Errorf("exit %d\n%s", p.code, p.stdout)
				}
			})
		})
	}
	t.Run("nothing is set", func(t *testing.T) {
		t.Parallel()
		// That the machine has no identity is not a lack of a connection.
		env := append(without(good, "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
			"IDENTITY_ENDPOINT=http://"+nobodyListens, "IDENTITY_HEADER=h", "AZURE_TOKEN_CREDENTIALS=prod")
		if p := spawn(t, env, "revoke", "--yes", "--graph-url", root, list); p.code != 3 || !strings.Contains(p.stderr, "hint: set AZURE_TENANT_ID") {
			t.Errorf("exit %d\n%s", p.code, p.stderr)
		}
	})
}

func decodeFirst(text string, into any) error {
	line, _, _ := bytes.Cut([]byte(text), []byte("\n"))
	return json.Unmarshal(line, into)
}

// A hint names the app as it was named.
func TestCheckHintNamesTheApp(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	if p := tapsweep(t, env, "check", "--client-id", "x", "--graph-url", root); !strings.Contains(p.stdout, "hint: the tenant has no app x: ") {
		t.Errorf("exit %d\n%s", p.code, p.stdout)
	}
}
