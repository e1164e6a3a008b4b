// Package simulation serves a simulated tenant, so that people can rehearse.
package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// Options are the contents of the tenant, and how it answers.
type Options struct {
	Users     int           // with one pass each
	Mixed     bool          // only one user in ten holds a pass, which is expired, used, usable or scheduled
	Seed      []string      // lists whose users and passes it holds as well
	WriteList string        // file for the users and their passes
	Overwrite bool          // WriteList may replace a list that simulate wrote
	Limits    []string      // such as 20/s, 20/s:60 or 3000/150s
	Latency   time.Duration // of each batch
	Listen    string        // address
	Variable  string        // the variable that names Graph's root to tapsweep
}

func (o *Options) tenant(stdin io.Reader) (*graphsim.Tenant, error) {
	opts := graphsim.Options{Latency: o.Latency, Audit: true, Roles: Roles, SessionLag: sessionLag,
		Entra: entra.Options{ReaderID: readerID, ReaderRoles: []string{"UserAuthMethod-TAP.Read.All", "User.Read.All"}}}
	for _, text := range o.Limits {
		limit, err := ParseLimit(text)
		if err != nil {
			return nil, status.Refuse(err)
		}
		opts.Limits = append(opts.Limits, limit)
	}
	sim := graphsim.New(opts)
	if o.Mixed {
		FillMixed(sim, o.Users)
	} else {
		fillHolders(sim, o.Users)
	}
	sim.AddUser(graphsim.User{UPN: Helpdesk.UPN})
	sim.AddUser(graphsim.User{UPN: Mallory.UPN})
	addOddAudits(sim)
	if o.WriteList != "" {
		if err := o.writeList(sim.Remaining()); err != nil {
			return nil, err
		}
	}
	if len(o.Seed) > 0 {
		if err := seed(sim, stdin, o.Seed); err != nil {
			return nil, err
		}
	}
	return sim, nil
}

// Serve serves a tenant until the context ends.
func Serve(ctx context.Context, c *console.Console, o Options) error {
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return status.Refuse(fmt.Errorf("--listen %q is not an address such as 127.0.0.1:8443", o.Listen))
	}
	sim, err := o.tenant(c.In)
	if err != nil {
		return err
	}
	if !c.Begin() {
		return status.Interrupted(ctx)
	}
	server, err := sim.StartAt(o.Listen)
	if _, isFile := errors.AsType[*fs.PathError](err); isFile {
		return status.Refuse(fmt.Errorf("keeping the certificate authority: %w", err),
			"let TMPDIR name a directory that can be written to")
	}
	if err != nil {
		return status.Refuse(fmt.Errorf("--listen: %w", err), "choose another address, such as 127.0.0.1:0")
	}
	defer server.Close()
	for _, v := range append(sim.Environment(server.URL, server.CAFile), o.Variable+"="+server.URL) {
		fmt.Fprintln(c.Out, setVariable(runtime.GOOS, v))
	}
	fmt.Fprintln(c.Out, "# then: tapsweep revoke …")
	fmt.Fprintln(c.Out, "# and, as an app that may only read: tapsweep verify --client-id", readerID, "…")
	c.Say("serving a simulated tenant at %s until interrupted", server.URL)
	<-ctx.Done()
	stats := sim.Stats()
	c.Say("%d batches, %d requests, %d throttled, %d passes left", stats.Batches, stats.Requests, stats.Refused,
		len(sim.Remaining()))
	return nil
}

// listBegin is the first line of a list that simulate writes. Its last column shows where the list comes from, because
// --overwrite must not replace a list that a person wrote. Readers of lists ignore the column.
const listBegin = "user,method,simulated\n"

func (o *Options) writeList(passes []graphsim.HeldPass) error {
	if err := fileout.Check("--write-list", o.WriteList, o.Overwrite); err != nil {
		return status.Of(err)
	}
	if err := fileout.CheckBegin(o.WriteList, listBegin); err != nil {
		return status.Refuse(fmt.Errorf("--write-list: %w", err),
			"choose another --write-list file, or delete this file first")
	}
	f, err := fileout.Create(o.WriteList, o.Overwrite)
	if err != nil {
		return status.Of(err)
	}
	defer f.Abort()
	f.WriteString(listBegin)
	for _, p := range passes {
		fmt.Fprintf(f, "%s,%s,yes\n", p.UPN, p.PassID)
	}
	return f.Commit()
}

// setVariable returns the line that sets NAME=VALUE in a shell: in PowerShell on Windows, else in a POSIX shell.
func setVariable(system, v string) string {
	if system != "windows" {
		return "export " + v
	}
	name, value, _ := strings.Cut(v, "=")
	return fmt.Sprintf("$env:%s = '%s'", name, strings.ReplaceAll(value, "'", "''"))
}

// Roles are the permissions of the app in the simulated tenant: all that tapsweep may need.
var Roles = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "GroupMember.Read.All", "AuditLog.Read.All",
	"Organization.Read.All", "User.RevokeSessions.All"}

// readerID is the client ID of the app in the simulated tenant that may only read. It is invented.
const readerID = "2b8e61f7-9d04-4c3a-b5e8-6a17d2c0f946"

// sessionLag is how long Graph returns the old property after the sessions were revoked. Microsoft does not document
// how long this is in a real tenant.
const sessionLag = 3 * time.Second

// Helpdesk and Mallory are the creators of the passes in the audit log of a simulated tenant.
var (
	Helpdesk = &graphsim.Actor{UPN: "helpdesk@contoso.example"}
	Mallory  = &graphsim.Actor{UPN: "mallory@contoso.example"}
)

// addOddAudits adds entries that are not about passes, as in the audit logs of real tenants: without a target, without
// the ID of a target, and without an initiator.
func addOddAudits(sim *graphsim.Tenant) {
	odd := graphsim.AuditEntry{Service: graphsim.PassService, Activity: "Authentication Methods Policy Update"}
	noTarget, noID, noInitiator := odd, odd, odd
	noTarget.NoTarget, noTarget.By = true, *Helpdesk
	noID.TargetUPN, noID.By = Helpdesk.UPN, *Helpdesk
	noInitiator.NoInitiator, noInitiator.TargetUPN = true, Helpdesk.UPN
	for _, entry := range []graphsim.AuditEntry{noTarget, noID, noInitiator} {
		sim.AddAudit(entry)
	}
}

// maker returns the creator of pass number i: Mallory for every third pass.
func maker(i int) *graphsim.Actor {
	if i%3 == 0 {
		return Mallory
	}
	return Helpdesk
}

// fillHolders adds n users with one pass each to a tenant, with the names and IDs that
// AddUsers gives them.
func fillHolders(sim *graphsim.Tenant, n int) {
	sim.AddMany(n, func(i int) graphsim.User {
		return graphsim.User{UPN: fmt.Sprintf("user%04d@contoso.example", i+1),
			Passes: []graphsim.Pass{{CreatedBy: maker(i)}}}
	})
}

// FillMixed fills a tenant for a simulation of scan and sweep.
func FillMixed(sim *graphsim.Tenant, n int) {
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

// ParseLimit reads N/DURATION for a window, and N/s or N/s:BURST for a bucket.
func ParseLimit(text string) (*quota.Limit, error) {
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

func seed(sim *graphsim.Tenant, stdin io.Reader, lists []string) error {
	list, err := input.Open(lists, input.Options{Stdin: stdin, Reader: new(results.Lists).Read})
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
		sim.AddPair(pair.User, pair.Method, Helpdesk)
	}
	return nil
}
