package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

var trials = flag.Int("trials", 8, "how many lists TestReadersAgree tries")

var seedFlag = flag.Uint64("seed", 0, "the seed of tests with random numbers, which they print; 0 is random")

// randomSeed returns the seed of the flag, or a random one.
func randomSeed() uint64 {
	if *seedFlag == 0 {
		return rand.Uint64()
	}
	return *seedFlag
}

// A log has three readers: --resume, the report, and a run with the log as its list. They
// agree for any list in any format, even if Graph denies requests, the run is killed, or
// users get new passes meanwhile: each row of the list has one row in the report, and at the
// end only the passes on the list are gone.
func TestReadersAgree(t *testing.T) {
	t.Parallel()
	seed := randomSeed()
	for i := range *trials {
		t.Run(fmt.Sprintf("%d-%d", seed, i), func(t *testing.T) {
			t.Parallel()
			newTrial(t, rand.New(rand.NewPCG(seed, uint64(i)))).run()
		})
	}
}

// A trial is one list, and a tenant with some of the users and passes on the list.
type trial struct {
	*testing.T
	rng    *rand.Rand
	tenant *graphsim.Tenant
	env    []string
	dir    string
	lists  []string
	flags  []string        // of each run
	rows   int             // of all lists
	named  map[string]bool // passes that have to go
	spared map[string]bool // passes that must not
	verify bool
	first  bool // no run was before
}

type tried struct {
	User   string `json:"user"`
	Method string `json:"method,omitempty"`
}

func (tr *trial) often(n int) bool { return tr.rng.IntN(n) == 0 }

func newTrial(t *testing.T, rng *rand.Rand) *trial {
	tr := &trial{T: t, rng: rng, tenant: graphsim.New(graphsim.Options{}), dir: t.TempDir(),
		named: make(map[string]bool), spared: make(map[string]bool), first: true}
	any, protect := tr.often(4), tr.often(4)
	var of []tried // the users and passes that rows may name
	if tr.often(4) {
		of = append(of, tried{"dana@contoso.example", "is no id"}, tried{User: "nobody"})
		tr.flags = append(tr.flags, "--skip-invalid")
	}
	for u := range 1 + rng.IntN(3) {
		user := graphsim.User{UPN: fmt.Sprintf("user%d@contoso.example", u)}
		of = append(of, tried{user.UPN, fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", 100+u)}) // is not there
		most := map[bool]int{true: 1, false: 2}[any]
		for p := range min(rng.IntN(4), most) {
			id := fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", 10*u+p)
			user.Passes = append(user.Passes, graphsim.Pass{ID: id})
			of = append(of, tried{user.UPN, id})
			tr.spared[id] = true
			if tr.often(2) {
				tr.tenant.AddFaults(fault.Fault{Method: "DELETE", Path: id, Times: 1, Do: fault.ItemStatus(403)})
			}
		}
		if len(user.Passes) < 2 && tr.often(2) { // and so in a real tenant: one is meant
			of = append(of, tried{User: user.UPN})
		}
		tr.tenant.AddUser(user)
	}
	rows := make([]tried, 1+rng.IntN(10))
	for i := range rows {
		rows[i] = of[rng.IntN(len(of))]
		if i == 0 {
			rows[i] = of[len(of)-1] // which is none to be refused
		}
		for _, held := range tr.tenant.Remaining() {
			if held.UPN == rows[i].User && !(protect && held.UPN == "user0@contoso.example") &&
				(held.PassID == rows[i].Method || rows[i].Method == "" || any) {
				tr.named[held.PassID] = true
				delete(tr.spared, held.PassID)
			}
		}
	}
	if protect {
		tr.flags = append(tr.flags, "--protect", writeFile(t, "glass.txt", "user\nuser0@contoso.example\n"))
	}
	if tr.rows = len(rows); any {
		tr.flags = append(tr.flags, "--any-pass")
	}
	if tr.verify = tr.often(3); tr.verify {
		tr.flags = append(tr.flags, "--verify", "--verify-wait", "1s")
	}
	for at := tr.rng.IntN(max(len(rows), 1)); len(rows) > 0; at = len(rows) {
		tr.write(rows[:max(at, 1)])
		rows = rows[max(at, 1):]
	}
	tr.env = serve(t, tr.tenant)
	tr.flags = append(tr.flags, "--yes", "--quiet")
	return tr
}

// write writes a list of the rows, in any of the formats.
func (tr *trial) write(rows []tried) {
	var b strings.Builder
	name := fmt.Sprintf("list%d", len(tr.lists))
	switch tr.rng.IntN(3) {
	case 0:
		name += ".csv"
		b.WriteString("user,method\n")
		for _, r := range rows {
			fmt.Fprintf(&b, "%s,%s\n", r.User, r.Method)
		}
	case 1:
		name += ".jsonl"
		for _, r := range rows {
			b.Write(asJSONOf(r))
			b.WriteString("\n")
		}
	default: // on one line, where most goes wrong
		name += ".json"
		b.Write(asJSONOf(rows))
	}
	tr.lists = append(tr.lists, tr.in(name))
	write(tr.T, tr.in(name), b.String())
}

func (tr *trial) in(name string) string { return filepath.Join(tr.dir, name) }

func (tr *trial) run() {
	log := tr.in("log.jsonl")
	logs := []string{log}
	args := append([]string{"--results", log, "--resume"}, tr.lists...)
	code := tr.revoke(args)
	for range tr.rng.IntN(3) {
		if tr.often(2) {
			tr.kill(log)
		}
		if tr.often(4) {
			tr.give()
		}
		code = tr.revoke(args)
	}
	tr.report(logs)
	for n := 0; code != status.Done && n < 10; n++ {
		if tr.often(2) { // the log is the list of a further run
			rest := tr.in(fmt.Sprintf("rest%d.jsonl", n))
			args = []string{"--results", rest, "--resume", logs[len(logs)-1]}
			logs = append(logs, rest)
			if tr.verify {
				clear(tr.spared) // passes that were found in place of the named ones are deleted too
			}
		}
		if code = tr.revoke(args); code == status.Usage {
			logs = logs[:len(logs)-1] // of no pair, and so it has no log
			break
		}
		tr.report(logs)
	}
	left := tr.left()
	for id := range tr.named {
		if left[id] {
			tr.problem("exit %d, and %s is there still", code, id)
		}
	}
	for id := range tr.spared {
		if !left[id] {
			tr.problem("%s is gone, and no row named it", id)
		}
	}
	for o, n := range tr.report(logs) {
		switch o {
		case results.Replaced, results.Remains: // of two passes of a user one may be named by nobody
		case results.Invalid, results.Protected:
		default:
			if n > 0 && !o.Done() {
				tr.problem("exit %d, %d %s", code, n, o)
			}
		}
	}
}

func (tr *trial) revoke(args []string) (code int) {
	p := tapsweep(tr.T, tr.env, append(append([]string{"revoke"}, tr.flags...), args...)...)
	onlyBad := p.code == status.Usage && !tr.first && strings.Contains(p.stderr, "no valid rows in")
	if p.code != status.Done && p.code != status.Incomplete && !onlyBad {
		tr.problem("exit %d of revoke %q: %s", p.code, args, p.stderr)
	}
	if tr.first {
		tr.first = false
		tr.ended(args[1])
	}
	return p.code
}

// ended checks the log of one run that ended.
func (tr *trial) ended(log string) {
	rows := tr.report([]string{log})
	_, end := readLog(tr.T, readText(tr.T, log))
	for o, n := range end.Counts {
		if rows[o] != n {
			tr.problem("the run counted %d %s, and the report %d", n, o, rows[o])
		}
	}
}

// kill cuts the log off as a kill does.
func (tr *trial) kill(log string) {
	text := readText(tr.T, log)
	first := strings.IndexByte(text, '\n') + 1
	assert.OK(tr.T, os.Truncate(log, int64(first+tr.rng.IntN(len(text)-first))))
}

// give replaces the passes of a user with another one.
func (tr *trial) give() {
	held := tr.tenant.Remaining()
	if len(held) == 0 {
		return
	}
	h := held[tr.rng.IntN(len(held))]
	tr.tenant.GivePass(h.UserID, graphsim.Pass{})
	for _, other := range held {
		if other.UserID == h.UserID {
			delete(tr.spared, other.PassID)
		}
	}
}

// left returns the passes that users still hold.
func (tr *trial) left() map[string]bool {
	left := make(map[string]bool)
	for _, held := range tr.tenant.Remaining() {
		left[held.PassID] = true
	}
	return left
}

// report checks the report of the logs: it has each row of the list once, without duplicates,
// and each pass that it shows as deleted is deleted.
func (tr *trial) report(logs []string) (counts map[results.Outcome]int) {
	p := tapsweep(tr.T, nil, append([]string{"report", "--overwrite", "--csv", tr.in("r.csv"), "--json", "-"},
		logs...)...)
	var sum report.Report
	decode(tr.T, p.stdout, &sum)
	left, listed := tr.left(), 0 // rows that count for a pass of the list
	for _, row := range readTable(tr.T, tr.in("r.csv")) {
		if row["beside"] == "" {
			listed++
		}
		outcome := results.Outcome(row["outcome"])
		switch outcome {
		case results.Invalid:
			if row["anyPass"] != "" {
				tr.problem("a row that was refused means any pass: %q", row)
			}
		case results.Revoked, results.Absent:
			if left[row["method"]] {
				tr.problem("%s of %s is %s, and there", row["method"], row["user"], outcome)
			}
		}
	}
	if all := sum.Pairs + sum.WithoutRow; all != tr.rows {
		tr.problem("%d passes in the report, %d without a row, where the list has %d", sum.Pairs, sum.WithoutRow,
			tr.rows)
	}
	if want := sum.Pairs - sum.Counts[results.Duplicate]; listed != want {
		tr.problem("%d rows of the table are not beside, want one for each of %d passes but duplicates", listed, want)
	}
	return sum.Counts
}

// problem fails the trial, with all information that explains the failure.
func (tr *trial) problem(format string, args ...any) {
	tr.Helper()
	tr.Errorf(format, args...)
	tr.Log(strings.Join(tr.flags, " "))
	files, _ := filepath.Glob(tr.in("*"))
	for _, name := range files {
		tr.Logf("%s:\n%s", filepath.Base(name), readText(tr.T, name))
	}
	tr.FailNow()
}
