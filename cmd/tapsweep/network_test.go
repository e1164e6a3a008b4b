package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/status"
)

// nobodyListens is an address that refuses connections. A port that a test took and released
// does not do: another test may get it.
const nobodyListens = "127.0.0.1:1"

// Nothing can be reached: no command is content with that, and each says why.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All",
		"AuditLog.Read.All"}})
	env := serve(t, tenant)
	list := listFile(t, tenant.AddUsers(30))
	swept := t.TempDir() + "/swept.jsonl"
	tapsweep(t, env, "revoke", "--yes", "--max-attempts", "1", "--graph-url", "https://"+nobodyListens, "--results",
		swept, list).ends(t, 4)
	for _, args := range [][]string{
		{"scan", "--all-users"},
		{"sweep", "--all-users", "--yes"},
		{"sweep", "--users", list, "--yes"},
		{"sweep", "--created-since", "24h", "--yes", "--include-usable", "--reason", "usable"},
		{"revoke", "--yes", list},
		{"revoke", "--dry-run", list},
		{"verify", swept},
	} {
		t.Run(strings.Join(args[:2], " "), func(t *testing.T) {
			t.Parallel()
			log := t.TempDir() + "/log.jsonl"
			p := tapsweep(t, env,
				append(args, "--graph-url", "https://"+nobodyListens, "--max-attempts", "1", "--results", log)...)
			p.ends(t, 4, "connection refused", "Resume: tapsweep "+args[0]+" --resume")
			readEnd(t, readText(t, log), 4)
		})
	}
}

// If the sign-in cannot be reached, that says nothing about the credential: exit 4, as if Graph cannot be
// reached. A certificate that is not trusted does not become trusted by itself: exit 3.
func TestSignInUnreached(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	list := listFile(t, tenant.AddUsers(1))
	good := serve(t, tenant)
	for _, tt := range []struct {
		name string
		vars []string // in place of the tenant's
		exit int
		want []string
	}{
		{"no proxy", []string{"AZURE_AUTHORITY_HOST=https://" + graphsim.ServerName,
			"HTTPS_PROXY=http://" + nobodyListens}, 4,
			[]string{": proxyconnect tcp: dial tcp " + nobodyListens + ": connect: connection refused\n"}},
		{"around the proxy", []string{"AZURE_AUTHORITY_HOST=https://" + graphsim.ServerName,
			"HTTPS_PROXY=http://" + nobodyListens, "NO_PROXY=" + graphsim.ServerName}, 4, []string{"no such host"}},
		{"no roots", []string{"SSL_CERT_FILE=nono"}, 3, []string{"SSL_CERT_FILE: open nono: no such file", "hint: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // azidentity tries again for a while
			env := good
			for _, v := range tt.vars {
				name, _, _ := strings.Cut(v, "=")
				env = append(without(env, name), v)
			}
			p := spawn(t, env, "revoke", "--yes", list) // net/http reads HTTPS_PROXY by itself
			p.ends(t, tt.exit, tt.want...)
			lacks(t, "standard error", p.stderr, "hint: set AZURE")
		})
	}
	t.Run("check", func(t *testing.T) {
		t.Parallel()
		env := append(without(good, "AZURE_AUTHORITY_HOST"), "AZURE_AUTHORITY_HOST=https://"+nobodyListens)
		tapsweep(t, env, "check").ends(t, status.Stopped)
	})
	t.Run("nothing is set", func(t *testing.T) {
		t.Parallel()
		// azidentity reads these variables by itself. That the machine has no identity is no lack of a connection.
		env := append(without(good, "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
			"IDENTITY_ENDPOINT=http://"+nobodyListens, "IDENTITY_HEADER=h", "AZURE_TOKEN_CREDENTIALS=prod")
		spawn(t, env, "revoke", "--yes", list).ends(t, 3, "hint: set AZURE_TENANT_ID")
	})
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

// Both the token and the batches go through the proxy of the environment, past which the tenant's name
// cannot be found. A proxy that is not valid is not bypassed, and its password is not shown.
// A process, because net/http reads HTTPS_PROXY by itself, and once.
func TestProxy(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	list := listFile(t, tenant.AddUsers(25))
	env, root := serveAt(t, tenant)
	address, tunnels := proxy(t, strings.TrimPrefix(root, "https://"))
	named := "https://" + graphsim.ServerName
	env = append(without(env, "AZURE_AUTHORITY_HOST", graphURL), "AZURE_AUTHORITY_HOST="+named, graphURL+"="+named)
	bad := append(env, "HTTPS_PROXY=http://dana:pr0xy-Passw0rd@pro xy.example:8080")
	p := tapsweep(t, bad, "revoke", "--yes", list)
	p.ends(t, status.Usage, "HTTPS_PROXY is not a valid proxy")
	lacks(t, "standard error", p.stderr, "Passw0rd")
	same(t, "tokens requested without the proxy", tenant.Stats().Tokens, 0)
	runRevoke(t, []string{"HTTPS_PROXY=http://pro xy:1"}, "--simulate", list).ends(t, 0) // which needs none
	spawn(t, append(env, "HTTPS_PROXY="+address), "revoke", "--yes", list).ends(t, 0)
	leaves(t, tenant, 0)
	differs(t, "tunnels through the proxy", tunnels.Load(), 0)
}

// Lines that net/http writes for developers are not shown.
func TestLinesOfTheLibrary(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 60, graphsim.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reply, _ := tenant.PostBatch(t.Context(), body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sand a line that nobody asked for\r\n",
			len(reply.Body), reply.Body)
	}))
	defer server.Close()
	p := spawn(t, without(env, graphURL), "revoke", "--yes", "--graph-url", server.URL, listFile(t, users))
	p.ends(t, status.Done)
	lacks(t, "standard error", p.stderr, "nobody asked")
}

// If a gateway refuses everything, the run ends with the gateway's message and with rows that
// --resume sends again.
func TestGatewayRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   fault.Effect
		exit int
		says string
	}{
		{"403", fault.OuterBody(403, `{"statusCode":403,"message":"Address 10.1.2.3 is not allowed."}`),
			status.NoAccess, "Address 10.1.2.3 is not allowed."},
		{"404", fault.OuterBody(404, "<html><head><title>Not here</title></head></html>"), status.Stopped, "Not here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var open atomic.Bool
			tenant := graphsim.New(failing(fault.Fault{Do: tt.do, Method: "DELETE",
				Match: func(string, string) bool { return !open.Load() }}))
			users := tenant.AddUsers(200)
			env := serve(t, tenant)
			args := []string{"revoke", "--yes", "--stall-timeout", "3s", "--results", newLog(t), listFile(t, users)}
			p := tapsweep(t, env, args...)
			p.ends(t, tt.exit, tt.says)
			lacks(t, "standard error", p.stderr, "admin role")
			atMost(t, "batches", tenant.Stats().Batches, 20)
			open.Store(true)
			tapsweep(t, env, append(args, "--resume")...).ends(t, status.Done)
			leaves(t, tenant, 0)
		})
	}
}
