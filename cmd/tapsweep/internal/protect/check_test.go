package protect

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

const nobody, noID = "bg1@contoso.con", "00000000-0000-4000-8000-000000000000"

var checkTests = []struct {
	name, list string
	pair       string // bg unless set
	opts       graphsim.Options
	check      Check
	wrong      string // in the error
	warning    string
	asked      int
}{
	{name: "all are there", list: bg + "\n" + guest + "\n" + id3, check: Check{Ask: true}, asked: 3},
	{name: "a name of nobody", list: bg + "\n" + nobody, check: Check{Ask: true}, asked: 2,
		wrong: ":2: protected user bg1@contoso.con is not in the tenant: Graph answered 404"},
	{name: "an id of nobody", list: "user\n" + noID, check: Check{Ask: true}, asked: 1,
		wrong: "protected user " + noID + " is not in the tenant"},
	{name: "both names, the id of nobody", list: "userId,upn\n" + noID + "," + bg, check: Check{Ask: true},
		asked: 1,
		wrong: ":2: protected user " + bg + " (" + noID + ") is not in the tenant"},
	{name: "both names of somebody", list: "userId,upn\n" + id1 + "," + bg, check: Check{Ask: true}, asked: 1},
	{name: "names of two users", list: "userId,upn\n" + id1 + "," + guest, check: Check{Ask: true}, asked: 1,
		wrong: ":2: protected user " + guest + " (" + id1 +
			"): the object id and the user principal name are not " +
			"of one user, Graph names the user \"" + bg + "\""},
	{name: "names of two users, beside a needed row", list: "userId,upn\n," + bg + "\n" + id1 + "," + guest,
		pair:  id2,
		check: Check{Ask: true}, asked: 2, wrong: ":3: protected user " + guest},
	{name: "names of two users, and nobody may ask", list: "userId,upn\n" + id1 + "," + guest,
		check:   Check{Why: "no"},
		warning: "1 of 1 protected names could not be checked (" + guest + " (" + id1 + ")): no"},
	{name: "both names in a rehearsal", list: "userId,upn\n" + id1 + "," + bg,
		check:   Check{Rehearsal: true, Why: "simulated"},
		warning: "1 of 1 protected names could not be checked (" + bg + " (" + id1 + ")): simulated"},
	{name: "the same name again", list: bg + "\n" + strings.ToUpper(bg), check: Check{Ask: true}, asked: 1},
	{name: "needed and of nobody", list: nobody, pair: id2, check: Check{Ask: true}, asked: 1,
		wrong: "is not in the tenant"},
	{name: "nobody may ask", list: bg + "\n" + nobody + "\n" + guest, check: Check{Why: "the token lacks X"},
		warning: "3 of 3 protected names could not be checked (bg1@contoso.com, bg1@contoso.con, " + guest +
			"): the token lacks X"},
	{name: "denied", list: bg + "\n" + nobody, opts: graphsim.Options{Roles: []string{"AuditLog.Read.All"}},
		check: Check{Ask: true}, asked: 2,
		warning: "2 of 2 protected names could not be checked (bg1@contoso.com, bg1@contoso.con): Graph answered " +
			"403"},
	{name: "one answer that is lost", list: bg + "\n" + guest, check: Check{Ask: true}, asked: -1,
		opts:    graphsim.Options{Faults: []fault.Fault{{Path: "/users/" + bg, Do: fault.ItemStatus(503)}}},
		warning: "1 of 2 protected names could not be checked (bg1@contoso.com): "},
	{name: "an answer that is none", list: bg, opts: item(fault.ItemBody(`"x"`)),
		check: Check{Ask: true}, asked: 1,
		warning: "1 of 1 protected names could not be checked (bg1@contoso.com): " +
			"the answer of Graph (200) cannot be read"},
	{name: "a rehearsal of somebody on the list", list: bg, check: Check{Rehearsal: true}},
	{name: "a rehearsal of others", list: bg + "\n" + guest + "\nbg2@contoso.com",
		check:   Check{Rehearsal: true, Why: "simulated"},
		warning: "2 of 3 protected names could not be checked (" + guest + ", bg2@contoso.com): simulated"},
	{name: "a rehearsal of a misspelt domain", list: nobody, check: Check{Rehearsal: true},
		wrong: ":1: protected user bg1@contoso.con is on no list, but bg1@contoso.com at "},
	{name: "a rehearsal of a misspelt domain beside the right one", list: bg + "\n" + nobody,
		check: Check{Rehearsal: true}, wrong: ":2: protected user bg1@contoso.con is on no list"},
	{name: "a rehearsal of another domain", list: "bg1@contoso.onmicrosoft.com", check: Check{Rehearsal: true},
		warning: "1 of 1 protected names could not be checked"},
	{name: "a rehearsal by the other name", list: bg, pair: id2, check: Check{Rehearsal: true}, asked: 1,
		warning: "1 of 1 protected names could not be checked (bg1@contoso.com)"},
	{name: "nobody is on the list", check: Check{Ask: true}},
}

// A protected name that does not exist is refused. Earlier it silently protected nobody if list
// and protect list used the same kind of name.
func TestNamesAreChecked(t *testing.T) {
	for _, tt := range checkTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := contoso(tt.opts)
				l := &List{}
				if tt.list != "" {
					l = open(t, tt.list)
				}
				l.Check = tt.check
				users, err := l.Resolve(t.Context(), newRunner(t, tenant), pairs(cmp.Or(tt.pair, bg)))
				if tt.wrong == "" && err != nil {
					t.Fatalf("Resolve = %v", err)
				}
				e, ok := errors.AsType[*ResolveError](err)
				if tt.wrong != "" && (!ok || !strings.Contains(e.Error(), tt.wrong)) {
					t.Errorf("Resolve = %v, want %q", err, tt.wrong)
				}
				if got := users.Warning(); tt.warning == "" && got != "" || !strings.HasPrefix(got, tt.warning) {
					t.Errorf("Warning() = %q, want %q", got, tt.warning)
				}
				if n := len(tenant.Log()); tt.asked >= 0 && n != tt.asked {
					t.Errorf("%d lookups, want %d", n, tt.asked)
				}
			})
		})
	}
}

// Names are looked up twenty to a batch. The lookups end once it is clear that they are not
// permitted.
func TestManyNamesAreChecked(t *testing.T) {
	for _, tt := range []struct {
		role string
		most int // batches
		want int // not checked
	}{
		{"User.Read.All", 220, 0},
		{"UserAuthMethod-TAP.ReadWrite.All", 100, 4000},
	} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Roles: []string{tt.role}})
			var text strings.Builder
			for _, u := range tenant.AddUsers(4000) {
				fmt.Fprintln(&text, u.UPN)
			}
			l := open(t, text.String())
			l.Check.Ask = true
			users, err := l.Resolve(t.Context(), newRunner(t, tenant), pairs("user0001@contoso.example"))
			if err != nil {
				t.Fatalf("%s: Resolve = %v", tt.role, err)
			}
			if users.Checked.Unchecked != tt.want || users.Checked.Names != 4000 {
				t.Errorf("%s: %s, want %d of 4000 not checked", tt.role, users.Warning(), tt.want)
			}
			if n := tenant.Stats().Batches; n > tt.most {
				t.Errorf("%s: %d batches, want %d at most", tt.role, n, tt.most)
			}
		})
	}
}

// Patterns are refused. Earlier they were taken for names, and protected nobody.
func TestPatternsAreRefused(t *testing.T) {
	for list, line := range map[string]int{
		"bg*@contoso.com":                               1,
		"bg1@contoso.com\nbg*@contoso.com":              2,
		"user\n*@contoso.com":                           2,
		"userId,upn\n" + id1 + ",*@contoso.com":         2,
		`[{"userPrincipalName":"bg*@contoso.com"}]`:     1,
		"# break glass\n\n" + bg + "\nadm*@contoso.com": 4,
	} {
		path := writeList(t, list)
		l, err := Open(nil, path)
		e, ok := errors.AsType[*ResolveError](err)
		if !ok || l != nil {
			t.Errorf("Open of %q = %v, %v, want a *ResolveError", list, l, err)
			continue
		}
		if e.Errs[0].Line != line || !strings.Contains(e.Error(), "is a pattern, which protects nobody") {
			t.Errorf("Open of %q = %v, want line %d to be a pattern", list, e, line)
		}
	}
	for _, list := range []string{"*", bg + "\n*", bg + "\nbg?@contoso.com", bg + "\nbg%@contoso.com",
		"bg[12]@contoso.com"} {
		if _, err := Open(nil, writeList(t, list)); err == nil {
			t.Errorf("Open of %q is no error", list)
		}
	}
}

func TestOneLetterOff(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"contoso.con", "contoso.com", true}, {"contoso.co", "contoso.com", true},
		{"contosso.com", "contoso.com", true},
		{"contsoo.com", "contoso.com", true}, {"contoso.com", "contoso.com", false},
		{"contoso.net", "contoso.com", false},
		{"", "", false}, {"a", "", true}, {"fabrikam.com", "contoso.com", false},
	} {
		if got := oneLetterOff(tt.a, tt.b); got != tt.want {
			t.Errorf("oneLetterOff(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
		if got := oneLetterOff(tt.b, tt.a); got != tt.want {
			t.Errorf("oneLetterOff(%q, %q) = %v, want %v", tt.b, tt.a, got, tt.want)
		}
	}
}
