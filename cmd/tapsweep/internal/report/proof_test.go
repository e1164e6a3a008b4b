package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
)

// begin is the first line of a run of any command.
func (m *logBuilder) begin(pairs int, args ...string) {
	m.line(results.Run{Type: "run", Version: "v1.4.0", Command: args, Digest: "sha256:" + args[len(args)-1],
		Tenant:    "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913",
		GraphRoot: "https://graph.microsoft.com", Pairs: pairs, Start: m.now})
}

func (m *logBuilder) later(d time.Duration) { m.now = m.now.Add(d) }

func pending(r *results.Row)        { r.Provisional, r.Verified = true, false }
func notVerified(r *results.Row)    { r.Verified = false }
func withoutRequest(r *results.Row) { r.Status, r.Attempts, r.RequestID, r.Reason = 0, 0, "", "" }
func userName(u int) (s string)     { return fmt.Sprintf("user%05d@contoso.com", u) }
func pass(u int) (s string)         { return fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", u) }
func upn(name string) rowChange     { return func(r *results.Row) { r.UPN = name } }

type rowChange = func(*results.Row)

func aboutPass(user, method string) rowChange {
	return func(r *results.Row) { r.User, r.Method = user, method }
}

// instead makes it a row about another pass than its pair names.
func instead(method string) rowChange {
	return func(r *results.Row) { r.InPlaceOf, r.Method = r.Method, method }
}

func anyPass(r *results.Row) { r.AnyPass = true }

// proven are the rows of a log and those of a proof of it.
func proven(t *testing.T) (v1, proof *logBuilder, path string) {
	t.Helper()
	v1 = &logBuilder{now: night}
	v1.begin(7, "revoke", "--yes", "--results", "v1.jsonl", "a.csv")
	v1.later(time.Second)
	v1.row("a.csv", 2, results.Revoked, notVerified) // line 2 of the log
	v1.row("a.csv", 3, results.Absent)               // 3
	v1.row("a.csv", 4, results.Denied)               // 4
	v1.row("a.csv", 5, results.NotSent)              // 5
	v1.row("a.csv", 6, results.Revoked, notVerified,
		aboutPass(userName(2), pass(6))) // 6: another pair of the first user
	v1.row("a.csv", 7, results.Duplicate, notVerified, aboutPass(userName(2), pass(2))) // 7
	v1.row("a.csv", 8, results.Revoked, notVerified)                                    // 8
	v1.later(time.Second)
	v1.end(4, "interrupt signal received")
	path = v1.write(t, "v1.jsonl")

	proof = &logBuilder{now: night.Add(time.Hour)}
	proof.begin(5, "verify", "--results", "proof.jsonl", path)
	proof.later(time.Second)
	seen := func(line, user int, o results.Outcome, change ...rowChange) {
		proof.row(path, line, o, append([]rowChange{aboutPass(userName(user), pass(user)), func(r *results.Row) {
			r.Status, r.Verified, r.Reason = 200, o == results.Revoked || o == results.Absent, ""
		}}, change...)...)
	}
	seen(2, 2, results.Revoked)
	seen(3, 3, results.Absent)
	seen(4, 4, results.Remains)
	seen(5, 5, results.Remains)
	seen(8, 8, results.Remains, func(r *results.Row) { r.Message, r.Reason = "the pass is listed still", "usable" })
	proof.later(time.Second)
	proof.end(1, "")
	return v1, proof, path
}

// A proof says of a pair that nobody deleted that it was deleted, and took the
// command away that goes on with it.
func TestProofAnnotates(t *testing.T) {
	_, proof, v1 := proven(t)
	alone, both := reportOf(t, v1), reportOf(t, v1, proof.write(t, "proof.jsonl"))
	want := map[results.Outcome]int{results.Revoked: 3, results.Absent: 1, results.Denied: 1, results.NotSent: 1,
		results.Duplicate: 1}
	if diff := cmp.Diff(want, alone.Counts); diff != "" {
		t.Fatalf("alone (-want +got):\n%s", diff)
	}
	// The pass of user 8 is there after all; nothing else changes.
	want[results.Revoked], want[results.Remains] = 2, 1
	if diff := cmp.Diff(want, both.Counts); diff != "" {
		t.Errorf("with the proof (-want +got):\n%s", diff)
	}
	if both.Verified != 3 || both.Pairs != alone.Pairs || both.WithoutRow != 0 ||
		both.Words().Title != alone.Words().Title {
		t.Errorf("%d verified, %d pairs, %d without a row, %q", both.Verified, both.Pairs, both.WithoutRow,
			both.Words().Title)
	}
	if got := both.Proof(); got != "3 of 3 verified" {
		t.Errorf("proof %q", got)
	}
	if both.PairsPerSecond != alone.PairsPerSecond {
		t.Errorf("%v pairs/s, without the proof %v", both.PairsPerSecond, alone.PairsPerSecond)
	}
	var commands []string
	for _, a := range both.Resume {
		commands = append(commands, fmt.Sprint(a.Left, " ", strings.NewReplacer(a.Log, "LOG").Replace(a.Command)))
	}
	if diff := cmp.Diff([]string{"2 tapsweep revoke --resume --results LOG --yes a.csv", "3 tapsweep revoke LOG"},
		commands); diff != "" {
		t.Errorf("to go on (-want +got):\n%s", diff)
	}
	if s := text(t, both); strings.Contains(s, "deleted, but") {
		t.Errorf("it tells of a deletion that nobody saw:\n%s", s)
	}
}

// The row that settled a pair keeps its time, answer and reason.
func TestProofKeeps(t *testing.T) {
	_, proof, v1 := proven(t)
	rows := make(map[int]*Row)
	for row, err := range open(t, v1, proof.write(t, "proof.jsonl")).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows[row.Line] = row
	}
	at, looked := night.Add(time.Second), night.Add(time.Hour+time.Second)
	if r := rows[2]; !r.Time.Equal(at) || r.Status != 204 || r.Reason != "EnabledByPolicy" || !r.Verified ||
		!r.VerifiedAt.Equal(looked) {
		t.Errorf("verified: %+v", r)
	}
	if r := rows[8]; !r.Time.Equal(at) || r.Status != 204 || r.Outcome != results.Remains ||
		r.Message != "the pass is listed still" || r.Reason != "EnabledByPolicy" {
		t.Errorf("remains: %+v", r)
	}
	if r := rows[5]; r.Outcome != results.NotSent || r.Verified {
		t.Errorf("not sent: %+v", r)
	}
}

// What remains by a proof is done by a run on the proof.
func TestProofIsList(t *testing.T) {
	_, proof, v1 := proven(t)
	path := proof.write(t, "proof.jsonl")
	last := &logBuilder{now: night.Add(2 * time.Hour)}
	last.begin(3, "revoke", "--yes", path)
	for i, user := range []int{4, 5, 8} { // lines 4, 5, 6 of the proof
		last.row(path, 4+i, results.Revoked, notVerified, aboutPass(userName(user), pass(user)))
	}
	last.later(time.Second)
	last.end(0, "")
	r := reportOf(t, v1, path, last.write(t, "last.jsonl"))
	if r.Left != 0 || r.Counts[results.Revoked] != 5 || len(r.Resume) != 0 {
		t.Errorf("%v, to go on %+v", r.Counts, r.Resume)
	}
}

// A proof of one night's log went to the pairs of another's, of the same name.
func TestProofOfWhich(t *testing.T) {
	sweep := func(at time.Time, first int) string {
		m := &logBuilder{now: at}
		m.begin(0, "sweep", "--all-users", "--yes", "--results", "last.jsonl", "--overwrite")
		for i := range 3 {
			m.row(results.ScanSource, 0, results.Revoked, notVerified, aboutPass(userName(first+i), pass(first+i)))
		}
		m.end(0, "")
		return m.write(t, "last.jsonl")
	}
	mon, tue := sweep(night, 10), sweep(night.AddDate(0, 0, 1), 20)
	for _, named := range []string{tue, "moved/last.jsonl", "renamed.jsonl"} {
		proof := &logBuilder{now: night.AddDate(0, 0, 2)}
		proof.begin(3, "verify", "--results", "proof.jsonl", named)
		for i := range 3 {
			proof.row(named, 2+i, results.Revoked, aboutPass(userName(20+i), pass(20+i)))
		}
		proof.end(0, "")
		verified := make(map[string]bool)
		for row, err := range open(t, mon, tue, proof.write(t, "proof.jsonl")).Rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			verified[row.User] = row.Verified
		}
		want := map[string]bool{userName(10): false, userName(11): false, userName(12): false, userName(20): true,
			userName(21): true, userName(22): true}
		if diff := cmp.Diff(want, verified); diff != "" {
			t.Errorf("%s (-want +got):\n%s", named, diff)
		}
	}
}

// A run with --verify writes two rows a pair; one that was killed between them left
// pairs that are done, and yet to be verified.
func TestPending(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(4, "revoke", "--yes", "--verify", "--results", "v.jsonl", "a.csv")
	m.later(time.Second)
	for line := 2; line < 6; line++ {
		m.row("a.csv", line, results.Revoked, pending)
	}
	m.later(9 * time.Second)
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Remains, instead("another"), func(r *results.Row) { r.Reason = "usable" })
	path := m.write(t, "v.jsonl")
	var table bytes.Buffer
	c, _ := NewCSV(&table)
	r, err := New(t.Context(), open(t, path), c.Row)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if diff := cmp.Diff(map[results.Outcome]int{results.Revoked: 3, results.Remains: 1}, r.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if r.Runs[0].Rows != 2 || r.PairsPerSecond != 0.2 {
		t.Errorf("%d rows, %v pairs/s", r.Runs[0].Rows, r.PairsPerSecond)
	}
	if first := r.Progress[0]; first.Revoked != 3 {
		t.Errorf("the pairs are settled when they are deleted: %+v", r.Progress)
	}
	check(t, "proof", r.Proof(), "1 of 3 verified")
	if len(r.Resume) != 1 || r.Resume[0].Left != 3 || !strings.Contains(r.Resume[0].Command, " --verify ") {
		t.Errorf("to go on: %+v", r.Resume)
	}
	var states []string
	for line := range strings.Lines(table.String()) {
		f := strings.Split(strings.TrimSpace(line), ",")
		states = append(states, strings.Join([]string{f[1], f[3], f[4], f[13], f[16]}, " "))
	}
	want := []string{"line method outcome verified pending", "2 " + pass(2) + " revoked true ",
		"3 " + pass(3) + " revoked  ", "4 " + pass(4) + " revoked  true", "5 " + pass(5) + " revoked  true",
		"3 another remains  "}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}

	// A run that goes on with it verifies without an answer of its own.
	m.later(time.Hour)
	m.begin(4, "revoke", "--yes", "--verify", "--results", "v.jsonl", "--resume", "a.csv")
	m.row("a.csv", 4, results.Revoked, withoutRequest)
	m.row("a.csv", 5, results.Revoked, withoutRequest, notVerified,
		func(r *results.Row) { r.Message = "not verified: timeout" })
	m.end(1, "")
	r = reportOf(t, m.write(t, "v.jsonl"))
	if got, want := r.Verdict(), "3 of 4 passes are gone, 1 is left; 1 of those that are gone is not verified."; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	if r.Verified != 2 || r.Unverified != 1 || r.Counts[results.Revoked] != 3 || r.Attempts[0].Attempts != 1 {
		t.Errorf("%d verified, %d not, %v, attempts %v", r.Verified, r.Unverified, r.Counts, r.Attempts)
	}
}

// A sweep whose look shows another pass counted the user twice.
func TestPendingOtherPass(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(0, "sweep", "--all-users", "--yes", "--verify")
	m.row(results.ScanSource, 0, results.Revoked, aboutPass("id-1", "m1"), pending)
	m.row(results.ScanSource, 0, results.Remains, aboutPass("id-1", "m1"), instead("m2"))
	m.row(results.ScanSource, 0, results.Revoked, aboutPass("id-2", "m3"), pending) // two passes of one user
	m.row(results.ScanSource, 0, results.Revoked, aboutPass("id-2", "m4"), pending)
	m.row(results.ScanSource, 0, results.Revoked, aboutPass("id-2", "m3"))
	m.row(results.ScanSource, 0, results.Revoked, aboutPass("id-2", "m4"))
	m.end(1, "")
	r := reportOf(t, m.write(t, "s.jsonl"))
	if diff := cmp.Diff(map[results.Outcome]int{results.Remains: 1, results.Revoked: 2}, r.Counts); diff != "" ||
		r.Unverified != 0 {
		t.Errorf("%d not verified, counts (-want +got):\n%s", r.Unverified, diff)
	}
}

// The words of a proof by itself.
func TestProofAlone(t *testing.T) {
	_, proof, _ := proven(t)
	r := reportOf(t, proof.write(t, "proof.jsonl"))
	if got, want := r.Verdict(), "3 of 5 users still hold a pass, 2 hold none."; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	if got, want := r.Runs[0].ExitText(), "1, somebody holds a pass, or could not be looked at"; got != want {
		t.Errorf("exit %q, want %q", got, want)
	}
	if len(r.Resume) != 1 || r.Resume[0].Left != 3 || !strings.HasPrefix(r.Resume[0].Command, "tapsweep revoke ") {
		t.Errorf("to go on: %+v", r.Resume)
	}
	if s := text(t, r); strings.Contains(s, "deleted, but") || strings.Contains(s, "were before") ||
		strings.Contains(s, "pair") {
		t.Errorf("not the words of a proof:\n%s", s)
	}
}
