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

// Print writes whose token it is and what it allows, for people.
func (t *Token) Print(w io.Writer, task Task) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(tw, "%s:\t%s\n", name, value) }
	line("tenant", format.OrUnknown(cmp.Or(t.TenantName, t.Tenant)))
	line("cloud", t.endpoint.String())
	line("signed in as", format.OrUnknown(t.Who))
	line("permissions", format.OrUnknown(strings.Join(t.shown(), ", ")))
	line("may", t.Capabilities())
	if !t.Expires.IsZero() {
		line("token", "ends in "+untilEnd(time.Until(t.Expires)))
	}
	tw.Flush()
	task.PrintSince(w)
	for _, warning := range t.Warnings(task) {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// PrintSince writes the time since which passes are looked for, if there is one. A date or a
// duration on the command line does not show which instant it means.
func (t Task) PrintSince(w io.Writer) {
	if !t.Since.IsZero() {
		fmt.Fprintf(w, "passes created since %s\n", t.Since.UTC().Format(time.RFC3339))
	}
}

// shown returns the permissions that matter here; tokens may have dozens of others.
func (t *Token) shown() []string {
	list := slices.DeleteFunc(slices.Clone(t.Permissions), func(p string) bool {
		return !slices.ContainsFunc([]string{"UserAuthMethod-TAP.", "UserAuthenticationMethod.", "User.", "Directory.",
			"Group", "AuditLog.", "Organization."}, func(prefix string) bool { return strings.HasPrefix(p, prefix) })
	})
	if others := len(t.Permissions) - len(list); others > 0 {
		list = append(list, fmt.Sprintf("%d more that do not matter here", others))
	}
	if t.readable && len(list) == 0 {
		list = []string{"none"}
	}
	return list
}

// Capabilities says in words what the token allows.
func (t *Token) Capabilities() string {
	if !t.readable {
		return "not known before Graph answers"
	}
	all := map[Access]string{Yes: "list and delete passes of any user", Perhaps: "perhaps delete passes of any user"}
	text := all[t.access(deletePasses, false)]
	if text == "" && t.MayList(false) == Yes {
		text = "list passes of any user, delete none"
	}
	parts := []string{text}
	switch {
	case t.Permitted():
	case t.PermittedOwn():
		parts = append(parts, "list and delete the user's own pass")
	case t.MayList(true) == Yes && t.MayList(false) != Yes:
		parts = append(parts, "list the user's own pass")
	}
	if t.MayRevokeSessions() {
		parts = append(parts, "revoke sessions")
	}
	if t.MayLookUp() == Yes {
		parts = append(parts, "look up users")
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	if len(parts) == 0 {
		return "nothing of what tapsweep does"
	}
	if t.Kind == User {
		parts = append(parts, "all as far as the user's roles reach")
	}
	return strings.Join(parts, "; ")
}

func untilEnd(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// A Verdict says whether a command works with a token.
type Verdict struct {
	Command string `json:"command"`
	Works   Access `json:"works"`
	Needs   string `json:"needs"`
	Missing string `json:"missing,omitempty"` // what to grant, empty if nothing is known to be missing

	UserOnly bool `json:"-"` // it takes the token of a user
}

// Verdicts says which commands work with the token.
func (t *Token) Verdicts() []Verdict {
	deletes := passOnly.name + " or " + allMethods.name
	const lists = "UserAuthMethod-TAP.Read.All or more"
	verdict := func(command string, all capability, needs string) Verdict {
		return Verdict{Command: command, Works: t.accessToAll(all), Needs: needs, Missing: t.lacks(all)}
	}
	self := Verdict{Command: "revoke --self", Works: t.access(deletePasses, true), UserOnly: true,
		Needs: "a user's token with " + passOnly.own + " or " + allMethods.own}
	if self.Works == No {
		self.Missing = passOnly.own
	}
	protect := verdict("revoke --protect", deletePasses, deletes+"; also User.Read.All or "+readBasic.name+
		" to look up the protected names: required if one list has object IDs and the other user principal names")
	if protect.Missing == "" && t.MayLookUp() == No {
		protect.Missing = readBasic.name +
			", to look up the protected names; without it both lists must have the same kind of names"
	}
	return []Verdict{
		verdict("revoke", deletePasses, deletes),
		verdict("revoke --dry-run", listPasses, lists),
		self,
		verdict("scan --all-users", listPasses|lookUpUsers, lists+", and "+readBasic.name),
		verdict("scan --group", listPasses|readGroups, lists+", and "+groupMembers.name),
		verdict("scan --created-by", listPasses|readAudit, lists+", and "+auditLog.name),
		verdict("sweep --all-users", deletePasses|listPasses|lookUpUsers, deletes+", and "+readBasic.name),
		verdict("revoke --revoke-sessions", deletePasses|revokeSessions, deletes+", and "+sessionsOnly.name),
		verdict("verify", listPasses, lists),
		verdict("verify (sessions)", listPasses|readSessions, lists+", and "+readUsers.name),
		protect,
	}
}

// lacks returns the narrowest permissions that the token lacks for several capabilities.
func (t *Token) lacks(all capability) string {
	var names []string
	for _, need := range []struct {
		capability
		name string
	}{
		{deletePasses, passOnly.name}, {listPasses, "UserAuthMethod-TAP.Read.All"}, {lookUpUsers, readBasic.name},
		{readGroups, groupMembers.name}, {readAudit, auditLog.name},
		{revokeSessions, sessionsOnly.name}, {readSessions, readUsers.name},
	} {
		covered := need.capability == listPasses && slices.Contains(names, passOnly.name)
		if all&need.capability != 0 && t.access(need.capability, false) == No && !covered {
			names = append(names, need.name)
		}
	}
	return strings.Join(names, ", ")
}

// accessToAll reports whether the token allows all of several capabilities.
func (t *Token) accessToAll(all capability) Access {
	access := Yes
	for c := deletePasses; c <= readSessions; c <<= 1 {
		if all&c == 0 {
			continue
		}
		switch t.access(c, false) {
		case No:
			return No
		case Perhaps:
			access = Perhaps
		}
	}
	return access
}
