package token

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
)

// Print writes who is signed in and what the token allows, for people.
func (t *Token) Print(w io.Writer, task Task) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		lines := strings.TrimSuffix(format.Wrap(value, "", "", valueWidth), "\n")
		fmt.Fprintf(tw, "%s:\t%s\n", name, strings.ReplaceAll(lines, "\n", "\n\t"))
	}
	line("tenant", format.OrUnknown(cmp.Or(t.TenantName, t.Tenant)))
	line("cloud", t.endpoint.String())
	line("signed in as", format.OrUnknown(t.Who))
	line("permissions", format.OrUnknown(strings.Join(t.shown(), ", ")))
	line("allowed", t.Capabilities())
	if !t.Expires.IsZero() {
		line("token", "expires in "+format.Duration(time.Until(t.Expires)))
	}
	tw.Flush()
	for _, warning := range t.Warnings(task) {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// valueWidth is the number of columns of a value, so that it fits into 80 columns with its name.
const valueWidth = 64

// shown returns the permissions that matter to tapsweep. A token may have dozens of others.
func (t *Token) shown() []string {
	list := slices.DeleteFunc(slices.Clone(t.Permissions), func(p string) bool {
		return !slices.ContainsFunc([]string{"UserAuthMethod-TAP.", "UserAuthenticationMethod.", "User.", "Directory.",
			"Group", "AuditLog.", "Organization."}, func(prefix string) bool { return strings.HasPrefix(p, prefix) })
	})
	if others := len(t.Permissions) - len(list); others > 0 {
		list = append(list, fmt.Sprintf("%d others that tapsweep does not need", others))
	}
	if t.readable && len(list) == 0 {
		list = []string{"none"}
	}
	return list
}

// Capabilities returns what the token allows, in words.
func (t *Token) Capabilities() string {
	if !t.readable {
		return "unknown until Graph answers"
	}
	var parts []string
	deletes, lists := t.access(deletePasses, false), t.MayList(false) == Yes
	own := deletes != Yes && t.access(deletePasses, true) == Yes
	for _, part := range []struct {
		may   bool
		words string
	}{
		{deletes == Yes, "list and delete passes of any user"},
		{deletes == Perhaps, "perhaps delete passes of any user"},
		{deletes == No && lists, "list passes of any user, but not delete them"},
		{own, "list and delete the user's own pass"},
		{!own && deletes != Yes && !lists && t.MayList(true) == Yes, "list the user's own pass"},
		{t.access(revokeSessions, false) == Yes, "revoke sessions"},
		{t.MayLookUp() == Yes, "look up users"},
	} {
		if part.may {
			parts = append(parts, part.words)
		}
	}
	if len(parts) == 0 {
		return "nothing that tapsweep needs"
	}
	if t.Kind == User {
		parts = append(parts, "all within the limits of the user's roles")
	}
	return strings.Join(parts, "; ")
}

// A CommandVerdict is whether a command works with a token.
type CommandVerdict struct {
	Command string `json:"command"`
	Works   Access `json:"works"`
	Missing string `json:"missing,omitempty"` // the permission to grant first, empty if none is known to be missing

	Users    bool `json:"-"` // the command also reads users
	UserOnly bool `json:"-"` // the command needs the token of a user
}

// Verdicts returns which commands work with the token.
func (t *Token) Verdicts() (list []CommandVerdict) {
	for _, c := range []struct {
		command string
		needs   capability
	}{
		{"revoke", deletePasses},
		{"revoke --dry-run", listPasses},
		{"revoke --self", deletePasses},
		{"scan --all-users", listPasses | lookUpUsers},
		{"scan --group", listPasses | readGroups},
		{"scan --created-by", listPasses | readAudit},
		{"sweep --all-users", deletePasses | listPasses | lookUpUsers},
		{"revoke --revoke-sessions", deletePasses | revokeSessions},
		{"verify", listPasses},
		{"verify (sessions)", listPasses | readSessions},
	} {
		own := c.command == "revoke --self"
		v := CommandVerdict{Command: c.command, Works: Yes, Users: c.needs&lookUpUsers != 0, UserOnly: own}
		_, grant := t.lacking(c.needs, own)
		switch {
		case grant != nil && own:
			v.Works, v.Missing = No, grant.own
		case grant != nil:
			v.Works, v.Missing = No, grant.name
		case !t.readable, c.needs&deletePasses != 0 && t.access(deletePasses, own) == Perhaps:
			v.Works = Perhaps
		}
		list = append(list, v)
	}
	return list
}
