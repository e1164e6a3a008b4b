package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// What a person is asked, and which answers go on.
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
		{"yes", small, "y\n", true, "About to revoke 2 passes of 2 users in tenant t at https://graph.microsoft.com.\nSigned in as app a.\n" +
			"  DANA@contoso.com  9f0c11aa-1111-4222-8333-000000000001\n  lee@contoso.com  ANY Temporary Access Pass of the user\n" +
			"1 row names no pass: ANY Temporary Access Pass of this user will be deleted.\nLeft out: 1 there twice.\nGo on? [y/N] "},
		{"users alone", "dana@contoso.com\nlee@contoso.com\nerik@contoso.com\n", "y\n", true, "3 rows name no pass: ANY Temporary Access Pass of these users will be deleted.\n"},
		{"in full", small, "YES\n", true, ""},
		{"no", small, "n\n", false, ""},
		{"nothing", small, "\n", false, ""},
		{"end of input", small, "", false, ""},
		{"many, yes", large.String(), "y\n", false, "Type 101 to go on: "},
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
			a := &app{stdin: strings.NewReader(tt.answer), stderr: &out}
			err = a.confirm(t.Context(), &runOf{list: list, tenant: &tenant{id: "t", token: &preflight.Token{Who: "app a"}, root: "https://graph.microsoft.com"}})
			if (err == nil) != tt.ok || !strings.Contains(out.String(), tt.shown) {
				t.Errorf("confirm = %v, want ok %v, shown\n%s, want\n%s", err, tt.ok, out.String(), tt.shown)
			}
		})
	}
}

func TestConfirmLeavesOutProtected(t *testing.T) {
	list, err := input.Open([]string{writeFile(t, "l.csv", "user\ndana@contoso.com\nlee@contoso.com\n")}, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	keep, err := protect.Open(nil, writeFile(t, "glass.csv", "userId,upn\n5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311,Dana@contoso.com\n"))
	if err != nil {
		t.Fatal(err)
	}
	users, err := keep.Resolve(t.Context(), nil, list.Pairs()) // a row with both names needs no looking up
	if err != nil {
		t.Fatal(err)
	}
	p := (&runOf{list: list, keep: users}).plan()
	if p.passes != 1 || p.users != 1 || p.protected != 1 || p.sample[0].User != "lee@contoso.com" {
		t.Errorf("plan %+v", p)
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
	a := &app{stdin: strings.NewReader("y\n"), stderr: &out}
	r := &runOf{app: a, keep: users, tenant: &tenant{token: &preflight.Token{}}}
	err = a.confirmPlan(t.Context(), r, &plan{passes: 1, users: 1})
	if err != nil {
		t.Errorf("confirmPlan = %v", err)
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
	a := &app{stdin: blocked{}, stderr: &out}
	err = a.confirm(ctx, &runOf{list: list, tenant: &tenant{token: &preflight.Token{}}})
	if exit, ok := errors.AsType[*status.Error](err); !ok || exit.Code != status.Stopped {
		t.Errorf("confirm = %v", err)
	}
}

// Input typed before the question does not answer it.
func TestConfirmHearsNothingTypedAhead(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(tenant.AddUsers(2)))
	args := []string{"revoke", "--graph-url", root, list}
	no := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") }
	p := typed(t, env, "y\ny\ny", no, args...)
	if n := len(tenant.Remaining()); n != 2 {
		t.Errorf("%d passes were deleted by what was typed ahead\n%s", 2-n, p.stderr)
	}
	if p.code != status.Usage || !strings.Contains(p.stderr, "not confirmed") {
		t.Errorf("exit %d, want %d and to be told that nobody confirmed\n%s", p.code, status.Usage, p.stderr)
	}
	yes := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("y\n") }
	if p := typed(t, env, "n\n", yes, args...); p.code != status.Done || len(tenant.Remaining()) != 0 {
		t.Errorf("an answer after the question: exit %d, %d passes left, want 0 and 0\n%s", p.code, len(tenant.Remaining()), p.stderr)
	}
}

// blocked is a terminal at which nobody types.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

// Names that come from the service cannot repaint what is asked.
func TestConfirmShowsNoRawText(t *testing.T) {
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader("y\n"), stderr: &out}
	p := &plan{passes: 1, users: 1, sample: []input.Pair{{User: "a\x1b[2J\r\nAbout to revoke 0 passes", Method: "m\u202e"}}}
	if err := a.confirmPlan(t.Context(), &runOf{app: a, tenant: &tenant{token: &preflight.Token{}}}, p); err != nil || strings.ContainsAny(out.String(), "\x1b\r\u202e") {
		t.Errorf("%v, %q", err, out.String())
	}
}
