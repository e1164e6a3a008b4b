package main

import (
	"os"
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
	tenant, users, env := serveUsers(t, 100, graphsim.Options{Limits: []*quota.Limit{quota.Window(20, time.Hour)}})
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--max-wait", "2h", "--results", log}
	crashed := finish(t, command(t, env, append(args, list)...), func(p *os.Process) {
		waitWhile(t, func() bool { return len(tenant.Remaining()) > 80 })
		p.Signal(syscall.SIGQUIT)
	})
	crashed.ends(t, 2)
	refused := tapsweep(t, env, append(args, list)...)
	refused.ends(t, 64)
}
