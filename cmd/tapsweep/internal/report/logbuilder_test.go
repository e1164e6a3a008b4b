package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// A logBuilder writes logs as runs write them.
type logBuilder struct {
	bytes.Buffer
	now  time.Time
	list string // of the last run
}

var night = time.Date(2026, 3, 2, 2, 14, 5, 0, time.UTC)

func (m *logBuilder) line(v any) {
	enc := json.NewEncoder(&m.Buffer)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
}

func (m *logBuilder) lines() int { return bytes.Count(m.Bytes(), []byte("\n")) }

// run adds the first line of a run of revoke on a list with the given number of rows.
func (m *logBuilder) run(list string, rows int, args ...string) {
	m.begin(rows, append([]string{"revoke", "--yes"}, append(args, list)...)...)
}

// begin is the first line of a run of any command. Its last argument is the list.
func (m *logBuilder) begin(rows int, args ...string) {
	m.list = args[len(args)-1]
	run := results.Header{Type: "run", Version: "v1.4.0", Command: args, Digest: "sha256:" + m.list,
		Tenant:    "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913",
		Operator:  "app 7c2e94d1-58af-4b06-8d3e-1f90a6c4b725",
		GraphRoot: "https://graph.microsoft.com", Pairs: rows, Start: m.now,
		Verify: slices.Contains(args, "--verify"), AnyPass: slices.Contains(args, "--any-pass"),
		Sessions: slices.Contains(args, "--revoke-sessions"), Lines: m.lines()}
	m.line(run)
}

// A piece is what comes next in a log.
type piece = func(m *logBuilder)

// logOf returns a log of one run of a command that begins so long after the night. Its name is that
// of --results.
func logOf(t testing.TB, after time.Duration, rows int, command string, parts ...piece) (path string) {
	t.Helper()
	m, name := &logBuilder{now: night.Add(after)}, "log.jsonl"
	args := strings.Fields(command)
	if i := slices.Index(args, "--results"); i >= 0 {
		name = args[i+1]
	}
	m.begin(rows, args...)
	for _, p := range parts {
		p(m)
	}
	return m.write(t, name)
}

// row is a row on a line of the list.
func row(line int, o results.Outcome, change ...rowChange) piece {
	return func(m *logBuilder) { m.row(m.list, line, o, change...) }
}

// scanRow is a row of a scan.
func scanRow(o results.Outcome, user, method string, change ...rowChange) piece {
	return func(m *logBuilder) {
		m.row(results.ScanSource, 0, o, append([]rowChange{aboutPass(user, method)}, change...)...)
	}
}

func scanned(users ...string) piece {
	return func(m *logBuilder) { m.line(results.Scanned{Type: "scanned", Users: users}) }
}

func later(d time.Duration) piece { return func(m *logBuilder) { m.later(d) } }

// next begins another run in the log, an hour later.
func next(rows int, command string) piece {
	return func(m *logBuilder) {
		m.later(time.Hour)
		m.begin(rows, strings.Fields(command)...)
	}
}

func ends(exit int) piece                      { return func(m *logBuilder) { m.end(exit, "") } }
func stopped(exit int, why string) piece       { return func(m *logBuilder) { m.end(exit, why) } }
func waits(d time.Duration, refused int) piece { return func(m *logBuilder) { m.wait(d, refused) } }
func (m *logBuilder) later(d time.Duration)    { m.now = m.now.Add(d) }

// A rowChange changes what a row says.
type rowChange = func(*results.Row)

func aboutPass(user, method string) rowChange {
	return func(r *results.Row) { r.User, r.Method = user, method }
}

// instead makes it a row about another pass than the list names.
func instead(method string) rowChange {
	return func(r *results.Row) { r.InPlaceOf, r.Method = r.Method, method }
}

func pending(r *results.Row)        { r.Provisional, r.Verified = true, false }
func notVerified(r *results.Row)    { r.Verified = false }
func withoutRequest(r *results.Row) { r.Status, r.Attempts, r.RequestID, r.Reason = 0, 0, "", "" }
func anyPass(r *results.Row)        { r.AnyPass = true }
func isBeside(r *results.Row)       { r.Beside = true }
func message(s string) rowChange    { return func(r *results.Row) { r.Message = s } }
func requestID(s string) rowChange  { return func(r *results.Row) { r.RequestID = s } }
func answered(status int) rowChange { return func(r *results.Row) { r.Status = status } }
func upn(name string) rowChange     { return func(r *results.Row) { r.UPN = name } }
func userName(u int) string         { return fmt.Sprintf("user%05d@contoso.com", u) }
func pass(u int) string             { return fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", u) }

func (m *logBuilder) row(list string, line int, o results.Outcome, change ...rowChange) {
	r := results.Row{Type: "result", Line: line, Source: list, Outcome: o, Status: 204, Attempts: 1, Time: m.now,
		User: userName(line), Method: pass(line),
		RequestID: fmt.Sprintf("7f2d0c1e-aaaa-4bbb-8ccc-%012d", line)}
	switch o {
	case results.Denied:
		r.Status, r.Code, r.Message = 403, "accessDenied", "Request Authorization failed"
		r.Hint = "the user may hold an admin role, or belong to a role-assignable group or a restricted " +
			"administrative unit, which takes Privileged Authentication Administrator; " +
			"assign that role to the app's service principal, or have a person who holds it do this row"
	case results.UnknownUser:
		r.Status, r.Code = 404, "Request_ResourceNotFound"
		r.Message = "Resource '" + r.User + "' does not exist or one of its queried reference-property objects " +
			"are not present."
	case results.Failed:
		r.Status, r.Code, r.Message, r.Attempts = 503, "serviceUnavailable", "The service is unavailable", 6
	case results.Absent, results.Replaced:
		r.Status = 200
	case results.NotSent:
		r.Status, r.Attempts, r.RequestID, r.Message = 0, 0, "", "interrupt signal received"
	case results.Revoked:
		r.Reason, r.Verified = "EnabledByPolicy", true
		if line%9 == 0 {
			r.Reason = "Expired"
		}
	}
	for _, f := range change {
		f(&r)
	}
	m.line(r)
}

func (m *logBuilder) wait(d time.Duration, refused int) {
	m.line(results.Wait{Type: "wait", Time: m.now, Until: m.now.Add(d), Refused: refused, Quota: "write"})
}

func (m *logBuilder) end(exit int, stopped string) {
	m.line(results.End{Type: "end", Exit: exit, Stopped: stopped, End: m.now, Lines: m.lines()})
}

func (m *logBuilder) write(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	assert.OK(t, os.WriteFile(path, m.Bytes(), 0o600))
	return path
}

// incident has two runs: one at night, which the tenant throttles and which is killed, and one that resumes
// it the next afternoon.
func incident(pairs int) *logBuilder {
	m := &logBuilder{now: night}
	rng := rand.New(rand.NewPCG(1, 2))
	list := "incident-4711.csv"
	outcome := func(i int) results.Outcome {
		switch k := i * 7919 % 1000; {
		case k < 6:
			return results.Denied
		case k < 9:
			return results.UnknownUser
		case k < 11:
			return results.Replaced
		case k < 40:
			return results.Absent
		case k < 43:
			return results.Duplicate
		case k < 45:
			return results.Failed
		}
		return results.Revoked
	}
	m.run(list, pairs, "--results", "incident-4711.jsonl")
	done := pairs * 2 / 3
	for i := range done {
		m.now = m.now.Add(time.Duration(rng.IntN(100)) * time.Millisecond)
		if i%(pairs/8) == pairs/16 {
			m.wait(12*time.Second, 40+rng.IntN(60))
			m.now = m.now.Add(12 * time.Second)
		}
		m.row(list, i+2, outcome(i), func(r *results.Row) {
			if i%50 == 0 && r.Attempts == 1 {
				r.Attempts = 2 + rng.IntN(2)
			}
		})
	}
	m.now = m.now.Add(13*time.Hour + 20*time.Minute)
	m.run(list, pairs, "--results", "incident-4711.jsonl", "--resume")
	for i := range done {
		if o := outcome(i); o == results.Failed || o == results.Denied && i%3 == 0 {
			m.row(list, i+2, results.Revoked)
		}
	}
	for i := done; i < pairs; i++ {
		m.now = m.now.Add(time.Duration(rng.IntN(90)) * time.Millisecond)
		if i%(pairs/6) == pairs/12 {
			m.wait(10*time.Second, 30)
			m.now = m.now.Add(10 * time.Second)
		}
		m.row(list, i+2, outcome(i))
	}
	m.end(1, "")
	return m
}

func open(t testing.TB, paths ...string) *Logs {
	t.Helper()
	l := assert.Must(OpenLogs(t.Context(), paths))
	t.Cleanup(func() { l.Close() })
	return l
}

// reportOf reports on logs.
func reportOf(t testing.TB, paths ...string) *Report {
	t.Helper()
	r := assert.Must(makeReport(t.Context(), open(t, paths...), nil))
	return r
}

func text(t testing.TB, r *Report, paths ...string) string {
	t.Helper()
	var b strings.Builder
	assert.OK(t, r.writeText(&b))
	s := b.String()
	for _, p := range paths {
		s = strings.ReplaceAll(s, filepath.Dir(p)+"/", "")
	}
	return s
}

// ran returns the run of a command line, as a log describes it.
func ran(args ...string) *results.Header {
	return &results.Header{Command: args, Verify: slices.Contains(args, "--verify"),
		AnyPass:   slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--any-pass") }),
		Simulated: slices.Contains(args, "--simulate")}
}
