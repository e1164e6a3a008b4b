package cli

import (
	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/run"
)

func (p *program) verifyCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] RESULTS…",
		Short: "Check that the users of a results log have no pass",
		Long: `List the passes of every user in one or more results logs, and write a new
results log. It shows for each user whether a pass is left. This changes nothing
in the tenant. A pass that is left has the outcome remains, and tapsweep revoke
accepts the new log as a list of these passes. Users whose rows were invalid or
protected are not checked.

Exit codes:
  0   No user has a pass.
  1   Some users have a pass, or could not be checked.
  3   No access: there is no token that Graph accepts, or Graph denied
      everything.
  4   Stopped early: use --resume to continue.
  64  Wrong flags, or a log that is incomplete, of another tenant, or of a scan
      or dry run, which deletes nothing.`,
		Example: `  tapsweep verify --results incident-proof.jsonl incident.jsonl`,
		Args:    needsLog,
		RunE:    runs(p, f.verifyOptions, run.Verify),
	}
	fl := cmd.Flags()
	f.addVerifyWait(fl)
	f.addResults(fl, defaultLog)
	f.addEvidence(fl)
	inHelp(fl, safety, "verify-wait")
	f.addPace(fl)
	f.addRest(fl)
	return cmd
}

func (f *runFlags) verifyOptions(p *program, cmd *cobra.Command, logs []string) (*run.VerifyOptions, error) {
	o, err := f.options(p, cmd)
	return &run.VerifyOptions{Options: o, Logs: logs}, err
}
