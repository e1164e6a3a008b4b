package cli

import (
	"time"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/run"
)

type verifyFlags struct {
	runFlags
	wait time.Duration
}

func (p *program) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] RESULTS…",
		Short: "Show that the users of a results log hold no pass",
		Long: `List the passes of every user in one or more results logs, whatever became of
their pairs, and write a results log that says for each whether one is there. It
changes nothing. A pass that is there is a row that remains, which tapsweep revoke
takes. Users whose rows were invalid or protected are not checked.

Exit codes: 0 no user has a pass, 1 a user has one or could not be checked,
3 no access token that Graph accepts, or everything is denied, 4 stopped early:
use --resume to continue, 64 wrong flags, or a log that is of another tenant or
not whole.`,
		Example:           `  tapsweep verify --results incident-proof.jsonl incident.jsonl`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: filesWith("jsonl"),
		RunE: func(cmd *cobra.Command, logs []string) error {
			o, err := f.runFlags.options(p, cmd, false)
			if err != nil {
				return err
			}
			return run.Verify(cmd.Context(), p.console, &run.VerifyOptions{Options: o, Logs: logs, Wait: f.wait})
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	addVerifyWait(fl, &f.wait)
	f.addResults(fl, `results log of this, "-" for standard output (default tapsweep-<UTC time>.jsonl)`)
	f.addEvidence(fl)
	f.addPace(fl)
	f.addRest(cmd, "no summary when nobody holds a pass")
	return cmd
}
