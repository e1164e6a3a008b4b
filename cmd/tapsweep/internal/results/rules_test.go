package results

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/testdata/assert"
)

const (
	runLine = `{"type":"run"}` + "\n"
	endLine = `{"type":"end","exit":1}` + "\n"

	scannedDana = `{"type":"scanned","users":["` + dana + `"]}` + "\n"
)

// rowLine is a row of a log: the user Dana, an outcome and further keys, such as "method":"x".
func rowLine(outcome Outcome, more ...string) string {
	keys := append([]string{`"user":"` + dana + `"`, `"outcome":"` + string(outcome) + `"`}, more...)
	return `{"type":"result",` + strings.Join(keys, ",") + "}\n"
}

func methodIs(id string) string { return `"method":"` + id + `"` }

const ofScan, pending = `"source":"scan"`, `"pending":true`

// resumed returns what a run that resumes a log of these lines knows of the runs before.
func resumed(t *testing.T, opts ResumeOptions, lines ...string) *ResumeState {
	t.Helper()
	return resumedBy(t, Header{}, opts, lines...)
}

// resumedBy is resumed for a run with this header.
func resumedBy(t *testing.T, next Header, opts ResumeOptions, lines ...string) *ResumeState {
	t.Helper()
	log, earlier, err := Resume(write(t, "log.jsonl", strings.Join(lines, "")), &next, opts)
	assert.OK(t, err, "Resume")
	t.Cleanup(func() { log.Close() })
	return earlier
}

// A resumed scan lists the passes of a user again if the last row of a pass shows that the pass is left.
func TestLaterRowReopensUser(t *testing.T) {
	row := func(o Outcome) string { return rowLine(o, ofScan, methodIs(pass1)) }
	for name, lines := range map[string]string{
		"deleted, then denied":                      row(Revoked) + row(Denied),
		"failed, then not there, then failed again": row(Failed) + scannedDana + row(Failed),
	} {
		assert.That(t, !resumed(t, ResumeOptions{}, runLine, lines).Scanned(dana), "%s: the user is left out", name)
	}
}

// A sweep continues a finished run only with the passes that are not confirmed.
func TestAnew(t *testing.T) {
	e := resumed(t, ResumeOptions{IgnoreFinishedRuns: true}, runLine, rowLine(Revoked, ofScan, methodIs(pass1)),
		rowLine(Found, ofScan, methodIs(pass2), pending), `{"type":"scanned","users":["`+eli+`"]}`+"\n", endLine)
	assert.Same(t, "passes that are completed", e.Len, 0)
	assert.Same(t, "the user with a pass is scanned", e.Scanned(dana), false)
	assert.Same(t, "the user without a pass is scanned", e.Scanned(eli), false)
	assert.Same(t, "passes that are not confirmed", len(e.AllUnconfirmed()), 1)
	assert.Same(t, "the pass that is not confirmed", e.AllUnconfirmed()[0].Method, pass2)
	e = resumed(t, ResumeOptions{IgnoreFinishedRuns: true}, runLine, rowLine(Revoked, ofScan, methodIs(pass1)),
		`{"type":"end","exit":4,"stopped":"signal"}`+"\n")
	assert.Same(t, "passes that the stopped run completed", e.Len, 1)
	assert.Same(t, "the user of the stopped run is scanned", e.Scanned(dana), true)
}

// A run that was refused or not confirmed does not fix the time that an age means. A run that was killed or stopped, or
// that has a row about a pass, does.
func TestRefusedRunFixesNoTime(t *testing.T) {
	const refused, stopped = `{"type":"end","exit":64,"stopped":"limit"}` + "\n",
		`{"type":"end","exit":4,"stopped":"signal"}` + "\n"
	found := rowLine(Found, ofScan, methodIs(pass1))
	for _, tt := range []struct {
		name, lines string
		next        time.Time // Since of the run that resumes
		fixes       bool
	}{
		{"refused", scannedDana + refused, time.Now(), false},
		{"refused twice", scannedDana + refused + runLine + refused, time.Now(), false},
		{"refused, and a list of passes failed", rowLine(Failed, ofScan) + refused, time.Now(), false},
		{"refused, with a time that is no age", scannedDana + refused, time.Time{}, true},
		{"killed", scannedDana, time.Now(), true},
		{"killed, then refused", scannedDana + runLine + refused, time.Now(), true},
		{"stopped during the scan", scannedDana + stopped, time.Now(), true},
		{"refused after it found a pass", scannedDana + found + refused, time.Now(), true},
	} {
		e := resumedBy(t, Header{Since: tt.next}, ResumeOptions{IgnoreFinishedRuns: true}, runLine+tt.lines)
		assert.Same(t, tt.name+": there is a first run", e.First != nil, tt.fixes)
		assert.Same(t, tt.name+": the resumed run leaves out the user", e.Scanned(dana), tt.fixes)
	}
}

// A run without --protect must not resume a run with it, unless that run is complete and ignored.
func TestResumeIgnoresProtectOfCompleteRuns(t *testing.T) {
	const protects = `{"type":"run","command":["sweep","--protect","bg.txt"]}` + "\n"
	const stopped = `{"type":"end","exit":4,"stopped":"signal"}` + "\n"
	const refused = `{"type":"end","exit":64,"stopped":"limit"}` + "\n"
	for _, tt := range []struct {
		name, lines string
		ignore      bool // IgnoreFinishedRuns
		refuses     bool
	}{
		{"a complete sweep", protects + endLine, true, false},
		{"a stopped sweep", protects + stopped, true, true},
		{"a killed sweep", protects, true, true},
		{"a sweep that was refused", protects + refused, true, true},
		{"a complete sweep, then a stopped one", protects + endLine + protects + stopped, true, true},
		{"a complete revoke", protects + endLine, false, true},
	} {
		log, _, err := Resume(write(t, "log.jsonl", tt.lines), &Header{Since: time.Now()},
			ResumeOptions{IgnoreFinishedRuns: tt.ignore})
		if err == nil {
			log.Close()
		}
		_, refuses := errors.AsType[*MissingFlagError](err)
		assert.Same(t, tt.name+": Resume refuses", refuses, tt.refuses)
	}
}

// A resumed scan lists the passes of a user again if the scan before could not. The new answer supersedes the old one.
func TestFailedListIsSuperseded(t *testing.T) {
	for _, outcome := range []Outcome{Failed, Denied, Rejected, UnknownUser} {
		assert.Same(t, fmt.Sprintf("the resumed scan leaves out a user whose list is %s", outcome),
			resumed(t, ResumeOptions{}, runLine, rowLine(outcome, ofScan)).Scanned(dana), false)
	}
	failed := rowLine(Failed, ofScan)
	assert.That(t, resumed(t, ResumeOptions{}, runLine, failed, runLine, scannedDana).Scanned(dana),
		"the user is scanned again, although the passes were listed")
}

// A row beside the pair ends the announcement of its own pass, and of no other.
func TestBesideRowEndsItsAnnouncement(t *testing.T) {
	anyPass := `"anyPass":true`
	for pass, want := range map[string]int{pass1: 0, strings.ToUpper(pass1): 0, pass2: 1} {
		e := resumed(t, ResumeOptions{}, runLine, rowLine(Found, methodIs(pass1), anyPass, pending),
			rowLine(Revoked, methodIs(pass), anyPass, `"beside":true`))
		assert.Same(t, fmt.Sprintf("a row beside about %s: doubts about", pass), len(e.AllUnconfirmed()), want)
	}
}

// SyncAnnounced puts an announced delete on disk, and leaves other rows in memory.
func TestSyncAnnouncedOfEachRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk bytes.Buffer
		log := newLog("-", &disk, unsynced)
		defer log.Close()
		for _, step := range []struct {
			name string
			line any
			want string // in the log after SyncAnnounced; empty if nothing new is
		}{
			{"the first line", &Header{}, ""},
			{"a row", &Row{User: eli, Outcome: Denied}, ""},
			{"an announcement", &Row{User: dana, Outcome: Found, Provisional: true}, dana},
			{"the next announcement", &Row{User: eli, Outcome: Found, Provisional: true}, eli},
			{"a row after it", &Row{User: "last@contoso.com", Outcome: Denied}, ""},
		} {
			before := disk.Len()
			assert.OK(t, log.Write(step.line))
			assert.OK(t, log.SyncAnnounced())
			switch added := disk.String()[before:]; {
			case step.want == "" && added != "":
				t.Errorf("%s: SyncAnnounced wrote %q, want nothing", step.name, added)
			case !strings.Contains(added, step.want):
				t.Errorf("%s: SyncAnnounced wrote %q, want %s in it", step.name, added, step.want)
			}
		}
	})
}

// After a complete scan, what earlier runs left and the scan did not find again no longer counts, for all readers.
func TestNotFoundAgain(t *testing.T) {
	const run, complete = `{"type":"run","command":["sweep"],"sessions":true,"lines":%d}` + "\n",
		`{"type":"end","exit":4,"stopped":"throttled","scanned":true}` + "\n"
	first := fmt.Sprintf(run, 0) + rowLine(NotSent, ofScan, methodIs(pass1)) +
		rowLine(Failed, ofScan, `"user":"`+eli+`"`) + rowLine(Revoked, ofScan, methodIs("gone")) + complete
	for _, tt := range []struct {
		name, second string
		want         int
	}{
		{"not found", complete, 0},
		{"found", rowLine(NotSent, ofScan, methodIs(pass1)) + complete, 1},
		{"the scan was stopped", strings.Replace(complete, `,"scanned":true`, "", 1), 2},
	} {
		e := resumedBy(t, Header{Sessions: true}, ResumeOptions{IgnoreFinishedRuns: true}, first, fmt.Sprintf(run, 5),
			tt.second)
		passes, _ := e.Totals()
		assert.Same(t, tt.name+": left", passes.Outcomes[NotSent]+passes.Outcomes[Failed], tt.want)
		assert.Same(t, tt.name+": revoked", passes.Outcomes[Revoked], 1)
	}
}
