package cli

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/run"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// scopeFlags are the flags that say where to look for passes, and which passes to find.
type scopeFlags struct {
	find      scan.Options
	all       bool
	users     []string // the lists that --users names
	named     []string // the users that --user names
	since     string
	createdBy string
}

// noList refuses arguments. Its hints are for people who give a list, as they do for revoke.
func noList(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return status.Refuse(fmt.Errorf("%s takes no argument: %s", cmd.Name(), safetext.Printable(args[0])),
			"to scan the users on a list, use --users; to scan one user, use --user; "+
				"to revoke the passes on a list, use tapsweep revoke")
	}
	return nil
}

func (f *scopeFlags) add(fl *pflag.FlagSet, most string) {
	fl.BoolVar(&f.all, "all-users", false, "scan every user of the tenant")
	fl.StringVar(&f.find.Filter, "filter", "",
		"scan the users that match an `ODATA` filter, such as \"startswith(userPrincipalName,'a')\"")
	fl.StringArrayVar(&f.find.Groups, "group", nil,
		"scan the members of this group, given by object `ID`, and of groups in it; repeatable")
	fl.StringArrayVar(&f.users, "users", nil, "scan the users on this `LIST`; repeatable")
	fl.StringArrayVar(&f.named, "user", nil, "scan this `USER`, given by object ID or user principal name; repeatable")
	fl.StringVar(&f.createdBy, "created-by", "", "look in the audit log for passes that this `USER` or app created")
	fl.StringVar(&f.since, "created-since", "", "only passes created since `TIME`: a time (2026-03-02T08:00:00Z), "+
		"a date (midnight UTC) or an age (24h, 7d); without another scope, search the audit log")
	addReasons(fl, &f.find.Reasons, most)
	addDuration(fl, &f.find.MinAge, "min-age", "0", 0, "only passes created at least this long ago, such as 24h or 7d")
	addDuration(fl, &f.find.ExpiredFor, "expired-for", "0", 0,
		"of the expired passes, only those that expired at least this long ago, such as 7d")
	fl.BoolVar(&f.find.MembersOnly, "members-only", false, "leave guests out")
	fl.BoolVar(&f.find.EnabledOnly, "enabled-only", false,
		"leave disabled accounts out; needs the permission User.Read.All")
	inHelp(fl, whereToLook, "all-users", "filter", "group", "users", "user", "created-by")
	inHelp(fl, whatToFind, "created-since", "reason", "min-age", "expired-for", "members-only", "enabled-only")
}

// addReasons adds --reason, which takes words with commas and can be repeated.
func addReasons(fl *pflag.FlagSet, p *[]pass.Reason, most string) {
	words := reasonWords(pass.Reasons)
	fl.Var(&checkedFlag{"REASONS", words, "", func(list string) error {
		for word := range strings.SplitSeq(list, ",") {
			if !slices.Contains(words, word) {
				return fmt.Errorf("%q is not %s", word, oneOf(words))
			}
			*p = append(*p, pass.Reason(word))
		}
		return nil
	}}, "reason", "only passes that are "+oneOf(words)+"; separate several with commas (default "+most+")")
}

func reasonWords(reasons []pass.Reason) (words []string) {
	for _, reason := range reasons {
		words = append(words, string(reason))
	}
	return words
}

// parseSince parses a time, a date or an age such as 24h. A date means midnight UTC.
func parseSince(text string, now time.Time) (since time.Time, err error) {
	since, err = time.Parse(time.RFC3339, text)
	if err != nil {
		since, err = time.Parse(time.DateOnly, text)
	}
	if ago, wrong := parseDuration(text); wrong == nil {
		since, err = now.Add(-ago), nil
	}
	switch {
	case err != nil:
		return since, fmt.Errorf("--created-since %q is not a time such as 2026-03-02T08:00:00Z, a date such as "+
			"2026-03-02, or an age such as 24h or 7d", text)
	case !since.Before(now):
		return since, fmt.Errorf("--created-since %s is not in the past: it means %s, and it is now %s",
			text, since.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return since.UTC(), nil
}

// auditWindow is how far back the audit log is read by default. A pass is valid for 30 days at most, and
// the log keeps records for 30 days.
// Source: learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention.
const auditWindow = 30 * 24 * time.Hour

// options returns the scope of a scan. It reads the lists of users.
func (f *scopeFlags) options(command string, now time.Time) (scope run.Scope, err error) {
	scope.Find = f.find
	scope.Find.All = f.all || f.find.Filter != ""
	if f.since != "" {
		if scope.Since, err = parseSince(f.since, now); err != nil {
			return scope, status.Refuse(err)
		}
		if now.Sub(scope.Since) <= f.find.MinAge {
			return scope, status.Refuse(fmt.Errorf("no pass can match both --created-since %s and --min-age %v: leave "+
				"one of the two out", f.since, f.find.MinAge))
		}
	}
	if f.find.ExpiredFor > 0 && len(f.find.Reasons) > 0 && !slices.Contains(f.find.Reasons, pass.Expired) {
		return scope, status.Refuse(errors.New("--expired-for has no effect, because --reason leaves " +
			"expired passes out"))
	}
	if err := f.setPlaces(&scope.Find); err != nil {
		return scope, err
	}
	if scope.Find.Audit != nil && f.since == "" {
		scope.Since = now.UTC().Add(-auditWindow)
	}
	if err := f.setNamed(&scope.Find); err != nil {
		return scope, err
	}
	if len(f.users) > 0 {
		logs := new(results.Lists)
		list, err := input.ReadScope(logs.Read, f.users...)
		if err != nil {
			return scope, status.RefuseFile(fmt.Errorf("--users: %w\nnothing was deleted", err),
				run.HintUser(err, f.users)...)
		}
		scope.Lists = f.users
		scope.Find.Users, scope.Files = append(scope.Find.Users, list.Users...), list.Files
		scope.Warnings = append(list.Warnings, logs.Warnings...)
	}
	scope.Digest = f.digest(command, scope.Find.Users)
	return scope, nil
}

// setPlaces sets where to look. Without another scope this is the audit log.
func (f *scopeFlags) setPlaces(opts *scan.Options) error {
	for _, id := range opts.Groups {
		if !input.IsGUID(id) {
			return status.Refuse(fmt.Errorf("--group %q is not an object ID", id),
				"give the ID of the group: the name of a group is not unique")
		}
	}
	some := len(opts.Groups)+len(f.users)+len(f.named) > 0
	places := opts.All || some
	switch {
	case f.all && some:
		return status.Refuse(errors.New("--all-users cannot be used with --group, --users or --user: it scans every "+
			"user"), "to scan only some users, leave --all-users out")
	case f.createdBy != "" && places:
		return status.Refuse(errors.New("--created-by cannot be used with another scope: it finds the users in the " +
			"audit log"))
	case !places && f.createdBy == "" && f.since == "":
		return status.Refuse(errors.New("no scope is given"),
			"use at least one of --all-users, --filter, --group, --user, --users, --created-since and --created-by")
	case !places:
		opts.Audit = &scan.Audit{By: f.createdBy}
	}
	return nil
}

func (f *scopeFlags) setNamed(opts *scan.Options) error {
	for i, name := range f.named {
		if err := input.CheckUser(name); err != nil {
			return status.Refuse(fmt.Errorf("--user: %w", err))
		}
		user := input.User{Source: input.NamedSource, Line: i + 1, UPN: name}
		if input.IsGUID(name) {
			user.ID, user.UPN = name, ""
		}
		opts.Users = append(opts.Users, user)
	}
	return nil
}

// digest identifies the scope: only a scan with the same digest can resume a log. It has an age as it was typed. The
// time that the age means is in the log.
func (f *scopeFlags) digest(command string, users []input.User) string {
	h := sha256.New()
	reasons := slices.Clone(f.find.Reasons)
	slices.Sort(reasons)
	e := json.NewEncoder(h) // texts and numbers always marshal
	e.Encode([]any{command, f.all, f.find.Filter, f.find.Groups, f.since, f.createdBy, reasons, f.find.MinAge,
		f.find.ExpiredFor, f.find.MembersOnly, f.find.EnabledOnly})
	for i := range users {
		e.Encode([]string{users[i].ID, users[i].UPN})
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil))
}
