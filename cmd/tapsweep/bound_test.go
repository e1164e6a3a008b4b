package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
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

// --max-items limits the passes of one user. Earlier, --max-items 1 deleted 3,000 of them.
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
		{"nothing was deleted", one, "1", status.Usage, 3002,
			"stopped early: --max-items 1 would be exceeded by the 3000 passes of dana@contoso.com", 1},
		{"within the limit", two, "2", status.Done, 3000, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{})
			tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: many(3000)})
			tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: many(1)})
			tenant.AddUser(graphsim.User{UPN: "femi@contoso.com", Passes: many(1)})
			env := serve(t, tenant)
			p := runRevoke(t, env, "--max-items", tt.max, writeFile(t, "list.csv", tt.list))
			p.ends(t, tt.code)
			if n := len(tenant.Remaining()); n != tt.left {
				t.Errorf("%d passes are left, want %d", n, tt.left)
			}
			if !strings.Contains(p.stderr, tt.says) {
				t.Errorf("standard error lacks %q\n%s", tt.says, p.stderr)
			}
			rows, _ := readLog(t, p.stdout)
			if n := outcomes(rows)[results.NotSent]; n != tt.lines {
				t.Errorf("%d rows not sent, want %d", n, tt.lines)
			}
		})
	}
}

// If a pass was already deleted, the run stops early and can be resumed.
func TestMaxItemsInMidRun(t *testing.T) {
	t.Parallel()
	// The second user is looked up after the first user's pass is deleted.
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Path: "/users/dana@", Attempt: 1, Do: fault.ItemStatus(503, "Retry-After", "2")}}})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: many(3)})
	tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: many(1)})
	env := serve(t, tenant)
	list := writeFile(t, "list.csv", "user\nerik@contoso.com\ndana@contoso.com\n")
	log := strings.TrimSuffix(list, "list.csv") + "log.jsonl"
	args := []string{"revoke", "--yes", "--results", log, list}
	p := tapsweep(t, env, append(args, "--max-items", "3")...)
	p.ends(t, status.Stopped)
	if n := tenant.Stats().Deleted; n != 1 {
		t.Errorf("%d passes were deleted, want 1", n)
	}
	p = tapsweep(t, env, append(args, "--max-items", "4", "--resume")...)
	p.ends(t, status.Done)
	leaves(t, tenant, 0)
}
