package main

import (
	"net"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
)

// Nothing can be reached: no command is content with that, and each says why.
func TestUnreachable(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "AuditLog.Read.All"}})
	env, _ := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(tenant.Populate(30)))
	swept := t.TempDir() + "/swept.jsonl"
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if p := tapsweep(t, env, "revoke", "--yes", "--max-attempts", "1", "--graph-url", "https://"+closed.Addr().String(), "--results", swept, list); p.code != 1 {
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	for _, tt := range []struct {
		args []string
		code int
	}{
		{[]string{"scan", "--all-users"}, 4},
		{[]string{"sweep", "--all-users", "--yes"}, 4},
		{[]string{"sweep", "--all-users", "--yes", "--max-items", "0"}, 4},
		{[]string{"sweep", "--users", list, "--yes"}, 1},
		{[]string{"sweep", "--created-since", "24h", "--yes", "--include-usable", "--reason", "usable"}, 4},
		{[]string{"revoke", "--yes", list}, 1},
		{[]string{"revoke", "--dry-run", list}, 1},
		{[]string{"verify", swept}, 1},
	} {
		t.Run(strings.Join(tt.args[:2], " "), func(t *testing.T) {
			t.Parallel()
			log := t.TempDir() + "/log.jsonl"
			p := tapsweep(t, env, append(tt.args, "--graph-url", "https://"+closed.Addr().String(), "--max-attempts", "1", "--results", log)...)
			_, end := readLog(t, string(mustRead(t, log)))
			if p.code != tt.code || end.Exit != tt.code || !strings.Contains(p.stderr, "connection refused") || !strings.Contains(p.stderr, "to go on: tapsweep "+tt.args[0]+" --resume") {
				t.Errorf("exit %d (%d in the log), want %d\n%s", p.code, end.Exit, tt.code, p.stderr)
			}
		})
	}
}
