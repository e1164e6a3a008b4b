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
		Short: "Try the sign-in out, and say what it is good for",
		Long: `Get an access token, check what it allows, and list the passes of a user who does
not exist, which shows whether Graph accepts the token. It changes nothing. Run it
with the account and on the machine that will do the work, so that a night job does
not fail for reasons that this check finds.

Exit codes: 0 revoke can run, 1 something is wrong, 3 no access token that
Graph accepts, or one that does not allow deletes, 4 stopped by a signal,
64 wrong flags.`,
		Example: `  tapsweep check
  tapsweep check --user dana@contoso.com --output json`,
		Args: cobra.NoArgs,
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
		"list this user's passes; \"me\" is who is signed in (default one who does not exist)")
	addEnum(fl, &f.output, "output", "text", textOrJSON, oneOf(textOrJSON))
	addConnect(fl, &f.connect)
	f.log.add(fl)
	return cmd
}
