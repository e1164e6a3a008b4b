package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/run"
)

type sweepFlags struct {
	runFlags
	scopeFlags
	includeUsable bool
}

func (p *program) sweepCommand() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep [flags]",
		Short: "Find expired and used passes, and delete them",
		Long: `Find Temporary Access Passes that are expired or used, and delete them. sweep is
made for a nightly job. Without a terminal it prints one line, or nothing if
there was nothing to do.

It scans all users before it deletes the first pass. If it finds more passes
than the limit allows (--max-items; 10000 without a terminal), it deletes
nothing.

Exit codes:
  0   Every pass that was found is gone, or its user is protected.
  1   Some passes or sessions are left, or some users could not be scanned.
  3   No access: there is no token that Graph accepts, or it lacks a permission.
  4   Stopped early: use --resume to continue.
  64  Wrong flags, or a guard: nothing was deleted.`,
		Example: `  tapsweep sweep --all-users --yes --results /var/log/tapsweep/last.jsonl --overwrite
  tapsweep sweep --all-users --members-only --expired-for 7d --dry-run`,
		Args: noList,
		RunE: runs(p, f.options, run.Sweep),
	}
	fl := cmd.Flags()
	f.scopeFlags.add(fl, "expired,used")
	fl.BoolVar(&f.includeUsable, "include-usable", false,
		"required with --reason usable: also delete passes that somebody may be about to use")
	inHelp(fl, whatToFind, "include-usable")
	addSessions(fl, safety)
	f.addAsk(fl)
	f.addGuards(fl)
	f.addResults(fl, defaultLog)
	f.addEvidence(fl)
	f.addPace(fl)
	f.addRest(fl)
	return cmd
}

func (f *sweepFlags) options(p *program, cmd *cobra.Command, _ []string) (*run.SweepOptions, error) {
	usable := slices.Contains(f.find.Reasons, pass.Usable)
	if err := refuse(
		conflict{usable && !f.includeUsable, "--reason usable deletes passes that somebody may be about to use",
			"if you want this, add --include-usable"},
		conflict{f.includeUsable && !usable, "--include-usable has no effect, because --reason does not name usable",
			"to also delete usable passes, name all reasons: --reason expired,used,usable"},
	); err != nil {
		return nil, err
	}
	if len(f.find.Reasons) == 0 {
		f.find.Reasons = []pass.Reason{pass.Expired, pass.Used}
	}
	o, err := f.runFlags.options(p, cmd)
	if err != nil {
		return nil, err
	}
	scope, err := f.scopeFlags.options(cmd.Name(), time.Now())
	scope.Scan = f.scan(cmd.Flags())
	return &run.SweepOptions{Options: o, Scope: scope}, err
}

// scan returns the words of the scan that lists the passes that the sweep finds, and those of protected users, without
// --created-since. A sweep has more flags and another default of --reason.
func (f *sweepFlags) scan(fl *pflag.FlagSet) []string {
	words := []string{"tapsweep", "scan", "--reason=" + strings.Join(reasonWords(f.find.Reasons), ",")}
	fl.Visit(func(set *pflag.Flag) {
		if slices.Contains([]section{whereToLook, whatToFind, signingIn}, sectionOf(set)) &&
			!slices.Contains([]string{"reason", "include-usable", "created-since"}, set.Name) {
			for _, value := range valuesOf(set) {
				word := "--" + set.Name
				if set.Value.Type() != "bool" || value != "true" {
					word += "=" + value
				}
				words = append(words, word)
			}
		}
	})
	return words
}
