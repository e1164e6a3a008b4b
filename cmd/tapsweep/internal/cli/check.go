package cli

import (
	"github.com/spf13/cobra"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

type checkFlags struct {
	connect tenant.Options
	opts    checkup.Options
	output  string
	log     logFlags
}

func (p *program) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [flags]",
		Short: "Sign in, and show which commands work and what is missing",
		Long: `Sign in, read what the access token allows, and check that Graph accepts it.
This changes nothing: it lists the passes of a user that does not exist, or of
the user that --user names. Run it on the machine and with the account that will
do the work.

Exit codes:
  0   revoke works.
  1   Something is wrong; the output shows what.
  3   No access: there is no token that Graph accepts, or it does not allow
      deletes.
  4   Stopped by a signal, or the authority cannot be reached.
  64  Wrong flags.`,
		Example: `  tapsweep check
  tapsweep check --user dana@contoso.com --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target, err := p.resolve(f.connect)
			if target == nil {
				return err
			}
			o := f.opts
			o.Target, o.NoCredential = target, err
			o.JSON, o.Logger = f.output == "json", f.log.logger(p.console)
			for _, s := range p.settings {
				o.Variables = append(o.Variables, checkup.Variable{Variable: s.variable,
					Value: safetext.Printable(s.value), Commands: s.commands})
			}
			return checkup.Run(cmd.Context(), p.console, o)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.opts.User, "user", "",
		"list the passes of this `USER`; \"me\" is the signed-in user")
	addEnum(fl, &f.output, "output", "text", textOrJSON, oneOf(textOrJSON))
	inHelp(fl, whereToLook, "user")
	inHelp(fl, output, "output")
	addConnect(fl, &f.connect)
	f.log.add(fl)
	return cmd
}
