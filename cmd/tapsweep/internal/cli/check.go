package cli

import (
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/checkup"

	"github.com/spf13/cobra"
)

type checkFlags struct {
	connect connectFlags
	user    string
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
			target, err := f.connect.resolve(p)
			if target == nil {
				return err
			}
			o := checkup.Options{Target: target, NoCredential: err, User: f.user, JSON: f.output == "json",
				Logger: f.log.logger(p.console)}
			for _, s := range p.settings {
				o.Variables = append(o.Variables, checkup.Variable{Variable: s.variable,
					Value: safetext.Printable(s.value), Commands: s.commands})
			}
			return checkup.Run(cmd.Context(), p.console, o)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.user, "user", "",
		"list this user's passes; \"me\" is who is signed in (default one who does not exist)")
	addEnum(fl, &f.output, "output", "text", textOrJSON, oneOf(textOrJSON))
	f.connect.add(fl)
	f.log.add(fl)
	return cmd
}
