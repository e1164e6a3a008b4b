package preflight

import (
	"fmt"
	"io"
	"strings"
	"tapsweep/cmd/tapsweep/internal/format"
	"text/tabwriter"
	"time"
)

// Print writes whose token it is and what it may do, for people.
func (t *Token) Print(w io.Writer, task Task) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(tw, "%s:\t%s\n", name, value) }
	line("tenant", format.OrUnknown(t.Tenant))
	line("cloud", t.endpoint.String())
	line("signed in as", format.OrUnknown(t.Who))
	line("permissions", format.OrUnknown(strings.Join(t.shown(), ", ")))
	line("may", t.Deeds())
	if !t.Expires.IsZero() {
		line("token", "ends in "+life(time.Until(t.Expires)))
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

// shown are the permissions that matter here; tokens may have dozens of others.
func (t *Token) shown() (list []string) {
	others := 0
	for _, p := range t.Permissions {
		if relevant(p) {
			list = append(list, p)
		} else {
			others++
		}
	}
	if others > 0 {
		list = append(list, fmt.Sprintf("%d more that do not matter here", others))
	}
	if t.readable && len(list) == 0 {
		list = []string{"none"}
	}
	return list
}

func relevant(permission string) bool {
	for _, prefix := range []string{"UserAuthMethod-TAP.", "UserAuthenticationMethod.", "User.", "Directory.", "Group", "AuditLog."} {
		if strings.HasPrefix(permission, prefix) {
			return true
		}
	}
	return false
}

// Deeds says in words what the token allows.
func (t *Token) Deeds() string {
	if !t.readable {
		return "not known before Graph answers"
	}
	var deeds []string
	switch del, list := t.may(deletePasses, false), t.may(listPasses, false); {
	case del == Yes:
		deeds = append(deeds, "list and delete passes of any user")
	case del == Perhaps:
		deeds = append(deeds, "perhaps delete passes of any user")
	case list == Yes:
		deeds = append(deeds, "list passes of any user, delete none")
	}
	if t.Kind == User && t.may(deletePasses, false) != Yes {
		switch {
		case t.may(deletePasses, true) == Yes:
			deeds = append(deeds, "list and delete the own pass")
		case t.may(listPasses, true) == Yes && t.may(listPasses, false) != Yes:
			deeds = append(deeds, "list the own pass")
		}
	}
	if t.may(lookUpUsers, false) == Yes {
		deeds = append(deeds, "look up users")
	}
	if len(deeds) == 0 {
		return "nothing of what tapsweep does"
	}
	if t.Kind == User {
		deeds = append(deeds, "all as far as the user's roles reach")
	}
	return strings.Join(deeds, "; ")
}

func life(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// A Verdict says whether a command works with a token.
type Verdict struct {
	Command string `json:"command"`
	Works   Works  `json:"works"`
	Needs   string `json:"needs"`
	Users   bool   `json:"-"` // it reads users, too
}

// Verdicts says what works for which command.
func (t *Token) Verdicts() []Verdict {
	deletes := strings.Join(deletePasses.any, " or ")
	const lists = "UserAuthMethod-TAP.Read.All or more"
	return []Verdict{
		{"revoke", t.may(deletePasses, false), deletes, false},
		{"revoke --dry-run", t.may(listPasses, false), lists, false},
		{"revoke --self", t.may(deletePasses, true), "a user's token with " + strings.Join(deletePasses.own, " or "), false},
		{"scan --all-users", both(t.may(listPasses, false), t.may(lookUpUsers, false)), lists + ", and User.ReadBasic.All", true},
		{"scan --group", both(t.may(listPasses, false), t.may(readGroups, false)), lists + ", and " + groupMembers.name, false},
		{"scan --created-by", both(t.may(listPasses, false), t.may(readAudit, false)), lists + ", and " + auditLog.name, false},
		{"sweep --all-users", both(both(t.may(deletePasses, false), t.may(listPasses, false)), t.may(lookUpUsers, false)), deletes + ", and User.ReadBasic.All", true},
		{"verify", t.may(listPasses, false), lists, false},
		{"revoke --protect", both(t.may(deletePasses, false), t.may(lookUpUsers, false)),
			readUsers.name + " or User.ReadBasic.All besides, where users have to be looked up", true},
	}
}

func both(a, b Works) Works {
	switch {
	case a == No || b == No:
		return No
	case a == Yes && b == Yes:
		return Yes
	}
	return Perhaps
}

// MayLookUp tells whether the token lets users be read.
func (t *Token) MayLookUp() Works { return t.may(lookUpUsers, false) }
