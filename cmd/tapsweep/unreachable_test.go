package main

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
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
		{"sweep", "--all-users", "--yes", "--max-items", "0"},
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
			_, end := readLog(t, string(mustRead(t, log)))
			p.ends(t, 4, "connection refused", "Resume: tapsweep "+args[0]+" --resume")
			same(t, "exit code in the log", end.Exit, 4)
		})
	}
}
