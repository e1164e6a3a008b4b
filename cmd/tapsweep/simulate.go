package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

func (a *app) simulateCommand() *cobra.Command {
	var (
		users   int
		limits  []string
		latency time.Duration
		listen  string
		seed    []string
		write   string
		caFile  string
		mixed   bool
		replace bool
	)
	cmd := &cobra.Command{
		Use:   "simulate [flags]",
		Short: "Serve a simulated tenant for drills",
		Long: `Serve a simulated tenant on this machine, with a token endpoint and Graph, over
TLS. It prints the environment variables with which tapsweep, or any other Graph
client that uses azidentity, connects to it, and runs until you interrupt it.

In its audit log, mallory@contoso.example created some of the passes and
helpdesk@contoso.example the others, so that you can rehearse an incident.

Limits are written 20/s:60 (a bucket of 60 that refills with 20 a second) or
3000/150s (a window).`,
		Example: `  tapsweep simulate --users 1000 --limit 20/s:60 --latency 150ms --write-list drill.csv`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts := graphsim.Options{Latency: latency, Audit: true, Roles: simulatedRoles}
			for _, text := range limits {
				limit, err := parseLimit(text)
				if err != nil {
					return status.Refuse(err)
				}
				opts.Limits = append(opts.Limits, limit)
			}
			if users < 0 || users > 1_000_000 || latency < 0 {
				return status.Refuse(errors.New("--users must be 0 to 1000000, --latency not negative"))
			}
			if err := checkCAFile(caFile); err != nil {
				return err
			}
			sim := graphsim.New(opts)
			if mixed {
				fillMixed(sim, users)
			} else {
				fillHolders(sim, users)
			}
			sim.AddUser(graphsim.User{UPN: helpdesk.UPN})
			sim.AddUser(graphsim.User{UPN: mallory.UPN})
			if write != "" {
				if err := writeDrillList(write, replace, sim.Remaining()); err != nil {
					return err
				}
			}
			if len(seed) > 0 {
				if err := a.seed(sim, seed); err != nil {
					return err
				}
			}
			server, err := sim.StartAt(listen)
			if _, isFile := errors.AsType[*fs.PathError](err); isFile {
				return status.Refuse(fmt.Errorf("keeping the certificate authority: %w", err), "let TMPDIR name a directory that can be written to")
			}
			if err != nil {
				return status.Refuse(fmt.Errorf("--listen: %w", err))
			}
			defer server.Close()
			if err := a.begin(cmd.Context()); err != nil {
				return err
			}
			if caFile == "" {
				caFile = server.CAFile
			} else if err := os.WriteFile(caFile, server.CAPEM, 0o600); err != nil {
				return status.Refuse(fmt.Errorf("--ca-file: %w", err))
			}
			// Whoever takes the environment over may be elsewhere.
			if caFile, err = filepath.Abs(caFile); err != nil {
				return err
			}
			for _, v := range append(sim.Environment(server.URL, caFile), variable("graph-url")+"="+server.URL) {
				fmt.Fprintln(a.stdout, setVariable(runtime.GOOS, v))
			}
			fmt.Fprintln(a.stdout, "# then: tapsweep revoke …")
			a.say("serving a simulated tenant at %s until interrupted", server.URL)
			<-cmd.Context().Done()
			stats := sim.Stats()
			a.say("%d batches, %d requests, %d throttled, %d passes left", stats.Batches, stats.Requests, stats.Refused, len(sim.Remaining()))
			return nil
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.IntVar(&users, "users", 100, "users with one pass each, up to 1000000")
	fl.BoolVar(&mixed, "mixed", false, "of ten users let nine hold no pass, and one a pass that is expired, used, usable or scheduled")
	fl.StringSliceVar(&seed, "seed", nil, "also hold the users and passes of this list")
	namesFile(fl, "seed")
	addFile(fl, &write, "write-list", "", "write the users and their passes to this new CSV file", "csv")
	fl.BoolVar(&replace, "overwrite", false, "replace the list of an earlier drill that --write-list names")
	fl.StringArrayVar(&limits, "limit", nil, "throttle, as 20/s, 20/s:60 or 3000/150s; repeatable")
	fl.DurationVar(&latency, "latency", 0, "how long each batch takes")
	fl.StringVar(&listen, "listen", "127.0.0.1:0", "address to serve at")
	addFile(fl, &caFile, "ca-file", "", "write the certificate authority here, in place of that of a drill before if need be "+
		"(default a temporary file)", "pem")
	return cmd
}

// checkCAFile refuses to write over anything but the certificate of a drill before.
func checkCAFile(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return status.Refuse(fmt.Errorf("--ca-file: %w", err))
	}
	if block, rest := pem.Decode(text); block != nil && len(bytes.TrimSpace(rest)) == 0 {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && cert.Subject.CommonName == graphsim.CAName {
			return nil
		}
	}
	return status.Refuse(fmt.Errorf("--ca-file: %s is there already, and not the authority of a simulated tenant", path), "choose another --ca-file")
}

// setVariable is the line that sets a NAME=VALUE in the shell that people have:
// PowerShell on Windows.
func setVariable(system, v string) string {
	if system != "windows" {
		return "export " + v
	}
	name, value, _ := strings.Cut(v, "=")
	return fmt.Sprintf("$env:%s = '%s'", name, strings.ReplaceAll(value, "'", "''"))
}

// simulatedRoles are the permissions of the simulated tenant's app: whatever tapsweep
// may need.
var simulatedRoles = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "GroupMember.Read.All", "AuditLog.Read.All"}

// helpdesk and mallory are the creators of the passes in the audit log of a simulated tenant.
var (
	helpdesk = &graphsim.Actor{UPN: "helpdesk@contoso.example"}
	mallory  = &graphsim.Actor{UPN: "mallory@contoso.example"}
)

// maker returns the creator of pass number i: mallory for every third pass.
func maker(i int) *graphsim.Actor {
	if i%3 == 0 {
		return mallory
	}
	return helpdesk
}

// fillHolders adds n users with one pass each to a tenant, with the names and IDs that
// Populate uses.
func fillHolders(sim *graphsim.Tenant, n int) {
	sim.AddMany(n, func(i int) graphsim.User {
		return graphsim.User{UPN: fmt.Sprintf("user%04d@contoso.example", i+1), Passes: []graphsim.Pass{{CreatedBy: maker(i)}}}
	})
}

// fillMixed fills a tenant for a drill of scan and sweep.
func fillMixed(sim *graphsim.Tenant, n int) {
	now := time.Now()
	kinds := []graphsim.Pass{
		{Created: now.Add(-48 * time.Hour)}, {Created: now.Add(-time.Hour), Reason: "OneTimeUsed", UsableOnce: true},
		{Created: now.Add(-time.Minute)}, {Created: now.Add(-time.Minute), Start: now.Add(time.Hour)},
	}
	sim.AddMany(n, func(i int) graphsim.User {
		u := graphsim.User{UPN: fmt.Sprintf("user%05d@contoso.example", i)}
		if i%10 == 0 {
			p := kinds[i/10%len(kinds)]
			p.CreatedBy = maker(i / 10)
			u.Passes = []graphsim.Pass{p}
		}
		return u
	})
}

// parseLimit reads N/DURATION for a window, and N/s or N/s:BURST for a bucket.
func parseLimit(text string) (*quota.Limit, error) {
	bad := fmt.Errorf("--limit %q is not like 20/s, 20/s:60 or 3000/150s", text)
	count, rest, ok := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(count, 64)
	if !ok || err != nil || !(n > 0 && n <= 1e6) {
		return nil, bad
	}
	per, burstText, hasBurst := strings.Cut(rest, ":")
	if per == "s" {
		burst := max(n, 1)
		if hasBurst {
			if burst, err = strconv.ParseFloat(burstText, 64); err != nil || burst < 1 || burst > 1e9 {
				return nil, bad
			}
		}
		return quota.Bucket(n, burst), nil
	}
	window, err := time.ParseDuration(per)
	if err != nil || window <= 0 || hasBurst || n != float64(int(n)) {
		return nil, bad
	}
	return quota.Window(int(n), window), nil
}

// seed adds what the lists name to the tenant.
func (a *app) seed(sim *graphsim.Tenant, lists []string) error {
	list, err := input.Open(lists, input.Options{Stdin: a.stdin, Reader: new(results.Lists).Read})
	if _, ok := errors.AsType[*input.EmptyError](err); ok {
		return nil
	}
	if err != nil {
		return status.Refuse(err)
	}
	defer list.Close()
	for pair, err := range list.Pairs() {
		if err != nil {
			return status.Refuse(err)
		}
		sim.AddPair(pair.User, pair.Method, helpdesk)
	}
	return nil
}
