package run

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// What a person is asked, and which answers confirm it.
func TestConfirm(t *testing.T) {
	const small = "user,method\nDANA@contoso.com,9f0c11aa-1111-4222-8333-000000000001\nlee@contoso.com,\n" +
		"dana@contoso.com,9f0c11aa-1111-4222-8333-000000000001\n"
	var large strings.Builder
	large.WriteString("user\n")
	for i := range 101 {
		large.WriteString("user" + strings.Repeat("x", i) + "@contoso.com\n")
	}
	tests := []struct {
		name, list, answer string
		ok                 bool
		shown              string
	}{
		{"yes", small, "y\n", true,
			"About to delete 2 passes of 2 users\n  in tenant contoso.com (t) at https://graph.microsoft.com.\nSigned in as app a.\n" +
				"  DANA@contoso.com  9f0c11aa-1111-4222-8333-000000000001\n  lee@contoso.com  ANY Temporary Access Pass of the user\n" +
				"1 row names no pass ID: ANY Temporary Access Pass of that user will be deleted.\n" +
				"Left out: 1 row named twice.\nContinue? [y/N] "},
		{"users alone", "dana@contoso.com\nlee@contoso.com\nerik@contoso.com\n", "y\n", true,
			"3 rows name no pass ID: ANY Temporary Access Pass of those users will be deleted.\n"},
		{"in full", small, "YES\n", true, ""},
		{"no", small, "n\n", false, ""},
		{"nothing", small, "\n", false, ""},
		{"end of input", small, "", false, ""},
		{"many, yes", large.String(), "y\n", false, "Type 101 to confirm: "},
		{"many, the number", large.String(), "101\n", true, "  and 96 more\n"},
		{"many, another number", large.String(), "100\n", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := input.Open([]string{writeFile(t, "l.csv", tt.list)}, input.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer list.Close()
			var out bytes.Buffer
			r := asking(strings.NewReader(tt.answer), &out)
			r.list, r.tenant = list, &tenant.Tenant{ID: "t", Domain: "contoso.com", Token: &token.Token{Who: "app a"},
				Root: "https://graph.microsoft.com"}
			err = r.confirmList(t)
			if (err == nil) != tt.ok || !strings.Contains(out.String(), tt.shown) {
				t.Errorf("confirm = %v, want ok %v, shown\n%s, want\n%s", err, tt.ok, out.String(), tt.shown)
			}
		})
	}
}

func TestConfirmLeavesOutProtected(t *testing.T) {
	list, err := input.Open([]string{writeFile(t, "l.csv", "user\ndana@contoso.com\nlee@contoso.com\n")},
		input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	keep, err := protect.Open(nil, writeFile(t, "glass.csv",
		"userId,upn\n5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311,Dana@contoso.com\n"))
	if err != nil {
		t.Fatal(err)
	}
	users, err := keep.Resolve(t.Context(), nil, list.Pairs()) // a row with both names needs no looking up
	if err != nil {
		t.Fatal(err)
	}
	r := asking(nil, nil)
	r.list, r.protectedUsers = list, users
	p := r.question()
	if p.passes != 1 || p.users != 1 || p.protected != 1 || p.sample[0].User != "lee@contoso.com" {
		t.Errorf("plan %+v", p)
	}
}

// The person who asks is one user whose sessions are revoked, by whatever name.
func TestConfirmCountsUsersOfSessions(t *testing.T) {
	const id, self = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "6e2d3c8f-0a4f-4c1d-9b63-2f7a1e90c322"
	r := asking(nil, nil)
	r.list = openList(t, "user\n"+id+"\ndana@contoso.com\n"+self+"\nme@contoso.com\nlee@contoso.com\n")
	r.header.Sessions, r.tenant.Token.Self = true, []string{self, "me@contoso.com"}
	if q := r.question(); q.sessions != 4 {
		t.Errorf("sessions of %d users, want those of dana by two names, of lee and one's own", q.sessions)
	}
}

// The confirmation says that a protected name may protect nobody.
func TestConfirmTellsUncheckedNames(t *testing.T) {
	keep, err := protect.Open(nil, writeFile(t, "glass.txt", "bg1@contoso.com\nbg2@contoso.com\n"))
	if err != nil {
		t.Fatal(err)
	}
	keep.Check.Why = "the token lacks User.Read.All"
	users, err := keep.Resolve(t.Context(), nil, func(func(input.Pair, error) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	r.protectedUsers = users
	err = r.confirm(t.Context(), &question{passes: 1, users: 1})
	if err != nil {
		t.Errorf("confirm = %v", err)
	}
	want := "2 of 2 protected names could not be checked (bg1@contoso.com, bg2@contoso.com): " +
		"the token lacks User.Read.All.\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("the question lacks %q\n%s", want, out.String())
	}
}

// An interrupt at the prompt is an answer: no.
func TestConfirmInterrupted(t *testing.T) {
	list, err := input.Open([]string{writeFile(t, "l.csv", "user\ndana@contoso.com\n")}, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	r := asking(blocked{}, &out)
	r.list = list
	p := r.question()
	err = r.confirm(ctx, &p)
	if exit, ok := errors.AsType[*status.Error](err); !ok || exit.Code != status.Stopped {
		t.Errorf("confirm = %v", err)
	}
}

// blocked is a terminal at which nobody types.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

// Names that come from the service cannot repaint what is asked.
func TestConfirmShowsNoRawText(t *testing.T) {
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	p := &question{passes: 1, users: 1,
		sample: []input.Pair{{User: "a\x1b[2J\r\nAbout to revoke 0 passes", Method: "m\u202e"}}}
	if err := r.confirm(t.Context(), p); err != nil || strings.ContainsAny(out.String(), "\x1b\r\u202e") {
		t.Errorf("%v, %q", err, out.String())
	}
}

// The confirmation shows the user principal name and the object ID, which identifies the user.
func TestConfirmNamesThePerson(t *testing.T) {
	const id, pass = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "9f0c11aa-1111-4222-8333-000000000001"
	text := "user,method,userPrincipalName\n" + id + "," + pass + ",dana@contoso.com\n"
	list, err := input.Open([]string{writeFile(t, "l.csv", text)}, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	r.list = list
	if err := r.confirmList(t); err != nil {
		t.Errorf("confirm = %v", err)
	}
	if want := "  dana@contoso.com (" + id + ")  " + pass + "\n"; !strings.Contains(out.String(), want) {
		t.Errorf("the question lacks %q\n%s", want, out.String())
	}
}

// Who is asked has to know that it concerns themselves.
func TestConfirmOwn(t *testing.T) {
	sim := graphsim.New(graphsim.Options{})
	sim.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example"})
	token := sim.Entra.UserToken(selfID, allScope)
	for list, want := range map[string]string{
		"user,method\n" + selfID + "," + selfPass + "\nDana@contoso.example," + otherPass + "\n" + lee +
			",\n": "3 passes of 2 users\n  in tenant t",
		"user\n" + selfID + "\n":              "It is your own.\n",
		"user\n" + selfID + "\nx@y.example\n": "One of them is your own.\n",
		"user,method\n" + selfID + "," + selfPass + "\n" + selfID + "," + otherPass + "\n": "2 of them are your own.\n",
		"user\n" + lee + "\n": "of 1 user\n  in",
	} {
		var out bytes.Buffer
		r := asking(strings.NewReader("y\n"), &out)
		r.list, r.tenant = openList(t, list), tenantOf(t, token)
		if err := r.confirmList(t); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s%v, want %q in\n%s", list, err, want, out.String())
		}
		if own := strings.Contains(out.String(), "your own"); own == (list == "user\n"+lee+"\n") {
			t.Errorf("%s", out.String())
		}
	}
}
