package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/run"
)

type revokeFlags struct {
	runFlags
	revoke run.RevokeOptions
}

func (p *program) revokeCommand() *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke [flags] {LIST… | --user USER… | --self}",
		Short: "Delete the passes on a list",
		Long: `Delete the Temporary Access Passes on one or more lists.

A list is CSV with a header, JSON, JSON Lines, or the results log of an earlier
run; "-" is standard input. Each row names a user (object ID or user principal
name) and the ID of a pass. If the ID is empty, any pass of the user is deleted.
A list can also be a text file with one user principal name per line. The whole
list is checked before anything is sent. For one or two users, use --user
instead of a list.

Exit codes:
  0   Every pass is gone, or its user is protected.
  1   Some passes or sessions are left.
  3   No access: there is no token that Graph accepts, or Graph denied
      everything.
  4   Stopped early: use --resume to continue.
  64  Wrong flags, an invalid list, or a guard: nothing was deleted.`,
		Example: `  tapsweep revoke --dry-run list.csv
  tapsweep revoke --yes --results incident-4711.jsonl list.csv
  tapsweep revoke --user dana@contoso.com --user lee@contoso.com
  tapsweep revoke --simulate --yes list.csv`,
		Args: func(_ *cobra.Command, lists []string) error { return f.checkLists(lists) },
		RunE: runs(p, f.options, run.Revoke),
	}
	fl := cmd.Flags()
	f.addAsk(fl)
	fl.Bool("simulate", false,
		"rehearse the list on a simulated tenant inside tapsweep; needs no sign-in and no network")
	fl.StringArrayVar(&f.revoke.Users, "user", nil,
		"delete any pass of this `USER`, given by object ID or user principal name; repeatable")
	fl.BoolVar(&f.revoke.Self, "self", false, "delete the pass of the person who is signed in; takes no list")
	f.addResults(fl, defaultLog)
	f.addEvidence(fl)
	fl.BoolVar(&f.revoke.SkipInvalid, "skip-invalid", false,
		"leave invalid rows out; without this flag, one invalid row makes tapsweep refuse the list")
	fl.Bool("any-pass", false,
		"delete any pass of each user, whatever pass ID the row names")
	inHelp(fl, whatToRevoke, "user", "self", "any-pass", "skip-invalid")
	addSessions(fl, whatToRevoke)
	inHelp(fl, safety, "simulate")
	f.addGuards(fl)
	f.addPace(fl)
	f.addRest(fl)
	return cmd
}

// checkLists refuses a command line that does not name the users exactly once: by lists, by --user or
// by --self.
func (f *revokeFlags) checkLists(lists []string) error {
	self, users := f.revoke.Self, len(f.revoke.Users)
	switch {
	case self && len(lists) > 0:
		return errors.New("--self takes no list")
	case self && users > 0:
		return errors.New("--self and --user cannot be used together")
	case users > 0 && len(lists) > 0:
		return errors.New("--user does not filter a list: give a list or --user, not both")
	case !self && len(lists)+users == 0:
		return errors.New("no list and no --user is given")
	}
	return nil
}

func (f *revokeFlags) options(p *program, cmd *cobra.Command, lists []string) (o *run.RevokeOptions, err error) {
	simulate, connects := isOn(cmd, "simulate"), connects(cmd.Flags())
	if err := refuse(
		conflict{simulate && connects != "",
			"--simulate and --" + connects + " cannot be used together: --simulate starts its own tenant",
			"to use a tenant that tapsweep simulate serves, leave out --simulate"},
		conflict{simulate && f.revoke.Self,
			"--simulate and --self cannot be used together: nobody is signed in to the simulated tenant", ""},
		conflict{simulate && f.opts.Log.Resume,
			"--simulate and --resume cannot be used together: each run starts a new simulated tenant",
			"to rehearse several runs, use tapsweep simulate"},
	); err != nil {
		return nil, err
	}
	f.revoke.Lists = lists
	f.revoke.Options, err = f.runFlags.options(p, cmd)
	return &f.revoke, err
}
