package cli

import (
	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/simulation"
)

func (p *program) simulateCommand() *cobra.Command {
	var o simulation.Options
	cmd := &cobra.Command{
		Use:   "simulate [flags]",
		Short: "Serve a simulated tenant to rehearse with",
		Long: `Serve a simulated tenant on this machine: a token endpoint and Graph, over TLS.
It prints environment variables. With them, tapsweep or any other Graph client
that uses azidentity connects to this tenant. It runs until you press Ctrl-C.

To rehearse an incident: in the audit log of this tenant,
mallory@contoso.example created some of the passes, and
helpdesk@contoso.example created the others.

A limit is 20/s:60 (a bucket of 60 requests that refills at 20 per second) or
3000/150s (3000 requests in each window of 150 s).`,
		Example: `  tapsweep simulate --users 1000 --limit 20/s:60 --latency 150ms --write-list simulated.csv`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Variable = variable("graph-url")
			return simulation.Serve(cmd.Context(), p.console, o)
		},
	}
	fl := cmd.Flags()
	addInt(fl, &o.Users, "users", 100, 0, 1_000_000, "number of users with one pass each, up to 1000000")
	fl.BoolVar(&o.Mixed, "mixed", false,
		"only one user in ten has a pass; these passes are expired, used, usable or scheduled")
	fl.StringArrayVar(&o.Seed, "seed", nil, "also create the users and passes on this `LIST`; repeatable")
	fl.StringVar(&o.WriteList, "write-list", "", "write the users and their passes to this CSV `FILE`")
	fl.BoolVar(&o.Overwrite, "overwrite", false, "replace a list that simulate wrote")
	fl.StringArrayVar(&o.Limits, "limit", nil,
		"throttle at this `LIMIT`, such as 20/s, 20/s:60 or 3000/150s; repeatable")
	addDuration(fl, &o.Latency, "latency", "0", 0, "how long each batch takes, such as 150ms")
	fl.StringVar(&o.Listen, "listen", "127.0.0.1:0", "serve at this `ADDRESS`")
	inHelp(fl, whatToServe, "users", "mixed", "seed", "limit", "latency")
	inHelp(fl, output, "write-list", "overwrite", "listen")
	return cmd
}
