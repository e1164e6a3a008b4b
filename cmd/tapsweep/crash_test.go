package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
)

// A crash exits with the code of Go's runtime, which no refusal uses: after a crash passes may
// have been deleted, and after a refusal none was.
func TestCrashIsNoRefusal(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.Window(20, time.Hour)}})
	users := tenant.AddUsers(100)
	env, root := serve(t, tenant)
	log := filepath.Join(t.TempDir(), "log.jsonl")
	list := writeFile(t, "l.csv", listOf(users))
	args := []string{"revoke", "--yes", "--max-wait", "2h", "--graph-url", root, "--results", log}
	crashed := finish(t, command(t, env, append(args, list)...), func(p *os.Process) {
		for len(tenant.Remaining()) > 80 {
			time.Sleep(10 * time.Millisecond)
		}
		p.Signal(syscall.SIGQUIT)
	})
	if crashed.code != 2 {
		t.Errorf("after SIGQUIT: exit %d, want 2", crashed.code)
	}
	refused := tapsweep(t, env, append(args, list)...)
	if refused.code != 64 {
		t.Errorf("a log that already exists: exit %d, want 64\n%s", refused.code, refused.stderr)
	}
}
