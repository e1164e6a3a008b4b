package cli

import (
	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

func (p *program) checkCommand() *cobra.Command {
	var (
		connect tenant.Options
		o       checkup.Options
		form    string
		log     logFlags
	)
	cmd := &cobra.Command{
		Use:   "check [flags]",
		Short: "Sign in, and show which commands work and what is missing",
		Long: `Sign in, read what the access token allows, and check that Graph accepts it.
This changes nothing: it lists the passes of a user that does not exist, or of
the user that --user names. Run it on the machine and with the account that will
do the work.

Exit codes:
  0   The sign-in works: revoke works, or the app can only read, and then verify
      and scan work. The last line says which.
  1   Something is wrong; the output shows what.
  3   No access: there is no token that Graph accepts, or it does not allow
      tapsweep to list passes.
  4   Stopped by a signal, or the authority cannot be reached.
  64  Wrong flags.`,
		Example: `  tapsweep check
  tapsweep check --user dana@contoso.com --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target, err := p.resolve(connect)
			if target == nil {
				return err
			}
			o.Target, o.NoCredential, o.Variables = target, err, p.settings
			o.JSON, o.Logger = form == "json", log.logger(p.console)
			return checkup.Run(cmd.Context(), p.console, o)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.User, "user", "", "list the passes of this `USER`; \"me\" is the signed-in user")
	addEnum(fl, &form, "output", "text", textOrJSON, oneOf(textOrJSON))
	inHelp(fl, whereToLook, "user")
	inHelp(fl, output, "output")
	addConnect(fl, &connect)
	log.add(fl)
	return cmd
}
