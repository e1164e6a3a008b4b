package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// chatty serves the tenant over plain HTTP, and writes an extra line after each answer. A
// client that reads the line as its next answer fails at once and tries again.
func chatty(t *testing.T, tenant *graphsim.Tenant) (root string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for br := bufio.NewReader(conn); ; {
					req, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					body, err := io.ReadAll(req.Body)
					if err != nil {
						return
					}
					reply, err := tenant.PostBatch(t.Context(), body)
					if err != nil {
						return
					}
					fmt.Fprintf(conn,
						"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s%s",
						len(reply.Body), reply.Body, "nobody asked\r\n")
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// Log lines of net/http about a server are not shown.
func TestLinesOfTheLibrary(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 60, graphsim.Options{})
	p := runRevoke(t, env, "--graph-url", chatty(t, tenant), writeFile(t,
		"list.csv", listOf(users)))
	p.ends(t, status.Done)
	if strings.Contains(p.stderr, "Unsolicited") {
		t.Errorf("standard error has a line of net/http:\n%s", p.stderr)
	}
}

// If a gateway refuses everything, the run ends with the gateway's message and with rows that
// --resume sends again.
func TestGatewayRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   fault.Effect
		exit int
		says string
	}{
		{"403", fault.OuterBody(403, `{"statusCode":403,"message":"Address 10.1.2.3 is not allowed."}`),
			status.NoAccess, "Address 10.1.2.3 is not allowed."},
		{"404", fault.OuterBody(404, "<html><head><title>Not here</title></head></html>"), status.Stopped, "Not here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var open atomic.Bool
			tenant := graphsim.New(failing(fault.Fault{Do: tt.do, Method: "DELETE",
				Match: func(string, string) bool { return !open.Load() }}))
			users := tenant.AddUsers(200)
			env := serve(t, tenant)
			args := []string{"revoke", "--yes", "--stall-timeout", "3s", "--results",
				newLog(t), listFile(t, users)}
			p := tapsweep(t, env, args...)
			p.ends(t, tt.exit, tt.says)
			if strings.Contains(p.stderr, "admin role") {
				t.Errorf("standard error explains the gateway by admin roles:\n%s", p.stderr)
			}
			if n := tenant.Stats().Batches; n > 20 {
				t.Errorf("%d batches were posted, want a handful", n)
			}
			open.Store(true)
			if p = tapsweep(t, env, append(args, "--resume")...); p.code != status.Done ||
				len(tenant.Remaining()) != 0 {
				t.Errorf("with --resume: exit %d, %d passes left:\n%s", p.code, len(tenant.Remaining()), p.stderr)
			}
		})
	}
}

// A wait that ends after the deadline stops the run at once.
func TestWaitPastTheDeadline(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE",
		Do: fault.ItemStatus(429, "Retry-After", "600")}))
	users := tenant.AddUsers(60)
	env := serve(t, tenant)
	start := time.Now()
	p := runRevoke(t, env, "--deadline", "5m", listFile(t, users))
	p.ends(t, status.Stopped)
	if took := time.Since(start); took > time.Minute {
		t.Errorf("the run took %v", took)
	}
	if !strings.Contains(p.stderr,
		"asks to wait 10m0s before the next request of quota write, which ends after the deadline at") {
		t.Errorf("standard error does not say why:\n%s", p.stderr)
	}
	rows, _ := readLog(t, p.stdout)
	for _, r := range rows {
		if r.Outcome != results.NotSent {
			t.Errorf("%s is %s, want not_sent", r.User, r.Outcome)
		}
	}
}
