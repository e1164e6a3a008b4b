package results

import (
	"fmt"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// A Key is what a row is about, whatever pass the user had.
func TestRowKey(t *testing.T) {
	for _, tt := range []struct {
		name string
		row  Row
		want Key
		ok   bool
	}{
		{"a pass", Row{User: "Dana@contoso.com", Method: "9F0C", Outcome: Revoked},
			Key{DeletePass, "dana@contoso.com", "9f0c"}, true},
		{"any pass", Row{User: dana, Method: "9f0c", AnyPass: true, Outcome: Revoked}, Key{DeletePass, dana, ""}, true},
		{"another pass in its place", Row{User: dana, Method: "new", InPlaceOf: "old", Outcome: Remains},
			Key{DeletePass, dana, "old"}, true},
		{"sessions of a user with an invalid row", Row{Action: RevokeSessions, User: dana, Outcome: Invalid},
			Key{RevokeSessions, dana, ""}, true},
		{"protected", Row{User: dana, Method: "9f0c", Outcome: Protected}, Key{DeletePass, dana, "9f0c"}, true},
		{"found by a scan", Row{Source: ScanSource, User: dana, Method: "9f0c", Outcome: Found},
			Key{DeletePass, dana, "9f0c"}, true},
		{"a scan that could not list", Row{Source: ScanSource, User: dana, Outcome: Denied}, Key{ListPasses, dana, ""},
			true},
		{"a list called scan", Row{Source: ScanSource, Line: 2, User: dana, AnyPass: true, Outcome: Denied},
			Key{DeletePass, dana, ""}, true},
		{"a repeat", Row{User: dana, Method: "9f0c", Outcome: Duplicate}, Key{}, false},
		{"a refused row", Row{User: dana, Method: "9f0c", Outcome: Invalid}, Key{}, false},
	} {
		got, ok := tt.row.Key()
		assert.Same(t, tt.name+": Key", got, tt.want)
		assert.Same(t, tt.name+": the row has a key", ok, tt.ok)
	}
}

// The commands that a report and a summary print come from the command line of the run.
func TestCommandsOfARun(t *testing.T) {
	for _, tt := range []struct{ args, log, resume, revoke string }{
		{"revoke --yes --results x.jsonl l.csv", "LOG", "tapsweep revoke --resume --results LOG --yes l.csv",
			"tapsweep revoke LOG"},
		{"revoke --any-pass --resume --results=x.jsonl --protect p.csv l.csv", "LOG",
			"tapsweep revoke --resume --results LOG --any-pass --protect p.csv l.csv",
			"tapsweep revoke --protect p.csv LOG"},
		{"sweep --all-users --evidence case", "LOG", "tapsweep sweep --resume --results LOG --all-users",
			"tapsweep revoke LOG"},
		{"sweep --all-users --evidence case", "moved/" + EvidenceLog,
			"tapsweep sweep --resume --evidence moved --all-users", "tapsweep revoke moved/" + EvidenceLog},
		{"revoke --overwrite --evidence=case l.csv", "LOG", "tapsweep revoke --resume --results LOG l.csv",
			"tapsweep revoke LOG"},
		{"revoke -- --results", "LOG", "tapsweep revoke --resume --results LOG -- --results", "tapsweep revoke LOG"},
		{"verify --cloud usgov --results proof.jsonl --certificate=app.pem --verify-wait 1m l.jsonl", "LOG",
			"tapsweep verify --resume --results LOG --cloud usgov --certificate=app.pem --verify-wait 1m l.jsonl",
			"tapsweep revoke --cloud usgov --certificate=app.pem LOG"},
		{"report l.jsonl", "LOG", "", "tapsweep revoke LOG"},
	} {
		r := Header{Command: strings.Fields(tt.args), Own: true}
		assert.Same(t, fmt.Sprintf("%q: ResumeWith", tt.args), strings.Join(r.ResumeWith(tt.log, false), " "),
			tt.resume)
		assert.Same(t, fmt.Sprintf("%q: RevokeWith", tt.args), strings.Join(r.RevokeWith(tt.log), " "), tt.revoke)
	}
	simulated := Header{Command: []string{"revoke", "l.csv"}, Simulated: true, Verify: true}
	assert.That(t, simulated.ResumeWith("LOG", false) == nil,
		"ResumeWith of a simulation = %q, want nil", simulated.ResumeWith("LOG", false))
	assert.Same(t, "RevokeWith of a run with --verify", strings.Join(simulated.RevokeWith("LOG"), " "),
		"tapsweep revoke --verify LOG")
}

// A log that somebody else wrote chose the host that gets the token of whoever pasted the command of a report.
func TestCommandsOfALogHaveNoSignIn(t *testing.T) {
	for _, tt := range []struct{ args, resume, revoke, signIn string }{
		{"revoke -qy --yes=true --graph-url https://x.example --protect p.csv --token-file=/etc/t l.csv",
			"tapsweep revoke --resume --results LOG --protect p.csv l.csv", "tapsweep revoke --protect p.csv LOG",
			"--graph-url https://x.example --token-file=/etc/t"},
		{"revoke -yq --protect -my.csv l.csv", "tapsweep revoke --resume --results LOG --protect -my.csv l.csv",
			"tapsweep revoke --protect -my.csv LOG", ""},
		{"sweep --created-by -- --graph-url=https://x.example --all-users",
			"tapsweep sweep --resume --results LOG --created-by -- --all-users", "tapsweep revoke LOG",
			"--graph-url=https://x.example"},
		{"revoke --protect --tenant x --sign-in-again l.csv", "tapsweep revoke --resume --results LOG --protect l.csv",
			"tapsweep revoke --protect LOG", "--tenant x --sign-in-again"},
		{"--graph-url=https://x.example revoke l.csv", "", "tapsweep revoke LOG", ""},
	} {
		log := Header{Command: strings.Fields(tt.args)}
		assert.Same(t, fmt.Sprintf("%q: ResumeWith", tt.args), strings.Join(log.ResumeWith("LOG", false), " "),
			tt.resume)
		assert.Same(t, fmt.Sprintf("%q: RevokeWith", tt.args), strings.Join(log.RevokeWith("LOG"), " "), tt.revoke)
		assert.Holds(t, fmt.Sprintf("%q: SignInNote", tt.args), log.SignInNote("LOG"), tt.signIn)
	}
	verify := Header{Own: true, Command: []string{"verify", "l.jsonl"}}
	verify.ProtectFlags = (&Lists{Runs: []ListRun{{Header: &Header{Command: []string{"verify"},
		ProtectFlags: []string{"--graph-url=https://x.example", "--protect"}}}}}).ProtectFlags()
	assert.Same(t, "RevokeWith of a verify of such a log", strings.Join(verify.RevokeWith("LOG"), " "),
		"tapsweep revoke LOG")
}

// On Windows a command was quoted for a POSIX shell, so that PowerShell ran a part of a file name.
func TestCommandLineOfASystem(t *testing.T) {
	words := []string{"tapsweep", "revoke", "-q", `C:\Temp\a.csv`, "dana@x.com", "--protect=b.txt", "a,b", "@splat",
		"it's; Start-Process calc; '.csv", "it\u2019s; calc", "$(calc)", ""}
	assert.Same(t, "on Windows", commandLine("windows", words), `tapsweep revoke -q C:\Temp\a.csv dana@x.com `+
		`'--protect=b.txt' 'a,b' '@splat' 'it''s; Start-Process calc; ''.csv' `+
		"'it\u2019\u2019s; calc' '$(calc)' ''")
	assert.Same(t, "on Linux", commandLine("linux", words), `tapsweep revoke -q 'C:\Temp\a.csv' dana@x.com `+
		`--protect=b.txt a,b @splat 'it'\''s; Start-Process calc; '\''.csv' 'it`+"\u2019"+`s; calc' '$(calc)' ''`)
}
