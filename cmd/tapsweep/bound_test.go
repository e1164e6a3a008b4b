package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// many returns n expired passes.
func many(n int) (list []graphsim.Pass) {
	for i := range n {
		id := fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", i)
		list = append(list, graphsim.Pass{ID: id, Created: time.Now().Add(-48 * time.Hour)})
	}
	return list
}

// --max-items limits the passes of one user. A run stops when it has deleted that many.
func TestMaxItemsCountsPasses(t *testing.T) {
	t.Parallel()
	const one, two = "user\ndana@contoso.com\n", "user\nfemi@contoso.com\nerik@contoso.com\n"
	tests := []struct {
		name  string
		list  string
		max   string
		code  int
		left  int
		says  string
		lines int // not_sent
	}{
		{"the limit ends the run", one, "1", status.Stopped, 31,
			"stopped early: --max-items 1 would be exceeded by a pass of dana@contoso.com", 1},
		{"within the limit", two, "2", status.Done, 30, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{})
			tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: many(30)})
			tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: many(1)})
			tenant.AddUser(graphsim.User{UPN: "femi@contoso.com", Passes: many(1)})
			env := serve(t, tenant)
			p := runRevoke(t, env, "--max-items", tt.max, writeFile(t, "list.csv", tt.list))
			p.ends(t, tt.code)
			leaves(t, tenant, tt.left)
			holds(t, "standard error", p.stderr, tt.says)
			rows, _ := readLog(t, p.stdout)
			if n := outcomes(rows)[results.NotSent]; n != tt.lines {
				t.Errorf("%d rows not sent, want %d", n, tt.lines)
			}
		})
	}
}

// A run that the limit ends can be resumed.
func TestMaxItemsInMidRun(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: many(3)})
	tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: many(1)})
	env := serve(t, tenant)
	list := writeFile(t, "list.csv", "user\nerik@contoso.com\ndana@contoso.com\n")
	log := strings.TrimSuffix(list, "list.csv") + "log.jsonl"
	args := []string{"revoke", "--yes", "--results", log, list}
	p := tapsweep(t, env, append(args, "--max-items", "3")...)
	p.ends(t, status.Stopped)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 3)
	p = tapsweep(t, env, append(args, "--max-items", "4", "--resume")...)
	p.ends(t, status.Done)
	leaves(t, tenant, 0)
}
