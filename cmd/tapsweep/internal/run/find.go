package run

import (
	"cmp"
	"context"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// Scope is where to look for passes, and which passes to find.
type Scope struct {
	Find     scan.Options // without CreatedSince
	Since    time.Time    // the earliest creation time of the passes to find; zero means no limit
	Lists    []string     // the files with the users in Find
	Digest   string       // only a run with the same digest can resume the log
	Files    []input.File // the lists of users
	Warnings []string     // warnings about the lists of users
	Scan     []string     // for a sweep: the scan that lists the passes that it finds, without Since
}

func (s *Scope) task(readOnly bool) token.Task {
	find := &s.Find
	return token.Task{ReadOnly: readOnly, Others: true, Find: true,
		Users:  find.All || find.MembersOnly || find.EnabledOnly,
		Groups: len(find.Groups) > 0, Audit: find.Audit != nil}
}

// usersALine is how many users whose scan is complete share a line of the log. After a kill, at most this many users
// are scanned again.
const usersALine = 200

// look scans, and calls found for each pass that matches.
func (r *run) look(ctx context.Context, opts scan.Options, found func(*scan.Found)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.job.Join(stop)
	var users []string // whose scan is complete, and who are not in the log yet
	logUsers := func() error {
		line := &results.Scanned{Users: users}
		users = nil
		return r.write(line)
	}
	opts.Root, opts.Token, opts.CreatedSince = r.tenant.API, *r.tenant.Token, r.header.Since
	opts.Skip, opts.Protected = r.earlier.Scanned, r.isProtected
	if opts.Audit != nil { // a user without a find may be reported, such as one whose pass is gone
		opts.Skip, opts.Audit.IDsMatch = r.earlier.HasFound, r.earlier.IDsMatch
	}
	counts, err := scan.Run(ctx, r.runner, opts, scan.Handlers{
		Found: func(f *scan.Found) {
			r.job.Answered()
			found(f)
		},
		Done: func(user string) {
			r.job.Answered()
			r.console.Display().Passed()
			if users = append(users, user); len(users) == usersALine {
				if err := logUsers(); err != nil {
					stop(err)
				}
			}
		},
		Failed: func(row *results.Row) {
			row.Source = results.ScanSource
			r.job.Record(row)
		},
		Sent:  r.job.Sent,
		Total: func(users int) { r.console.Display().SetTotal(users) },
	})
	r.summary.Scan, r.summary.ScanStopped = &counts, err != nil
	if len(users) > 0 {
		err = cmp.Or(err, logUsers())
	}
	return err
}
