package results

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tapsweep/testdata/assert"
)

// logOf returns a log of one run with these rows, without its end.
func logOf(t *testing.T, rows ...Row) string {
	t.Helper()
	var b strings.Builder
	log := Stream(&b)
	run := header
	for _, line := range append([]any{&run}, pointers(rows)...) {
		assert.OK(t, log.Write(line))
	}
	assert.OK(t, log.Close())
	return b.String()
}

func pointers(rows []Row) (all []any) {
	for i := range rows {
		all = append(all, &rows[i])
	}
	return all
}

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
		if got, ok := tt.row.Key(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: Key() = %+v, %v, want %+v, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

// The last row of a key is the last word on it, and a row of another key is not.
func TestLastWord(t *testing.T) {
	pass := func(method string, o Outcome) Row {
		return Row{Source: "l.csv", Line: 2, User: dana, Method: method, Outcome: o}
	}
	at := func(line int, r Row) Row { r.Line = line; return r }
	for _, tt := range []struct {
		name string
		rows []Row
		last []int // the numbers of the rows that are a last word
	}{
		{"one", []Row{pass("a", Revoked)}, []int{1}},
		{"tried again", []Row{pass("a", Failed), pass("A", Revoked)}, []int{2}},
		{"two passes of a user", []Row{pass("a", Failed), pass("b", Revoked)}, []int{1, 2}},
		{"moved to another line", []Row{pass("a", Failed), at(3, pass("a", Revoked))}, []int{2}},
		{"a pass and any pass", []Row{pass("a", Failed),
			{Source: "l.csv", Line: 3, User: dana, Method: "a", AnyPass: true, Outcome: Revoked}}, []int{1, 2}},
		{"a repeat does not supersede", []Row{pass("a", Failed), at(3, pass("a", Duplicate))}, []int{1, 2}},
		{"a repeat of a repeat", []Row{at(3, pass("a", Duplicate)), at(4, pass("a", Duplicate))}, []int{1, 2}},
		{"a repeat once more", []Row{at(3, pass("a", Duplicate)), at(3, pass("a", Duplicate))}, []int{2}},
		{"protected, and then not", []Row{pass("a", Protected), pass("a", Revoked)}, []int{2}},
		{"a further pass", []Row{pass("a", Failed),
			{Source: "l.csv", Line: 2, User: dana, Method: "a", Beside: true, Outcome: Revoked}}, []int{1}},
		{"not listed, and then listed", []Row{{Source: ScanSource, User: dana, Outcome: Failed},
			{Source: ScanSource, User: dana, Method: "a", Outcome: Found}}, []int{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := logOf(t, tt.rows...)
			var s State
			var c Condition
			for rec, err := range Read(strings.NewReader(text), &c) {
				assert.OK(t, err)
				s.apply(rec, false)
			}
			var last []int
			for i := range tt.rows {
				if s.isLast(i+1, &tt.rows[i], header.Digest) {
					last = append(last, i+1)
				}
			}
			assert.Equal(t, "the last words are rows", last, tt.last)
		})
	}
}

// wordsOf returns the last words of a log, sorted.
func wordsOf(t *testing.T, r io.Reader) (words []string, c Condition) {
	t.Helper()
	var s State
	for rec, err := range Read(r, &c) {
		assert.OK(t, err)
		s.apply(rec, rec.Row != nil && rec.Row.Outcome.Done())
	}
	for _, w := range s.words {
		words = append(words, fmt.Sprint(w.ref, Outcomes[w.outcome], w.flags))
	}
	slices.Sort(words)
	return words, c
}

var seed = flag.Uint64("seed", 17, "the seed of TestStateOfAnyReads")

// What a log says does not depend on how its bytes come: a pipe hands over parts of lines.
func TestStateOfAnyReads(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 0))
	for trial := range 50 {
		var rows []Row
		for range rng.IntN(40) {
			rows = append(rows,
				Row{Source: "l.csv", Line: 2 + rng.IntN(5), User: fmt.Sprintf("user%d@contoso.com", rng.IntN(4)),
					Method: []string{"", "a", "b"}[rng.IntN(3)], AnyPass: rng.IntN(4) == 0,
					Provisional: rng.IntN(5) == 0,
					Outcome:     Outcomes[rng.IntN(len(Outcomes))], Message: strings.Repeat("x", rng.IntN(200))})
		}
		text := logOf(t, rows...)
		want, condition := wordsOf(t, strings.NewReader(text))
		for name, r := range map[string]io.Reader{
			"byte by byte":          iotest.OneByteReader(strings.NewReader(text)),
			"half of what is asked": iotest.HalfReader(strings.NewReader(text)),
			"the end with the data": iotest.DataErrReader(strings.NewReader(text)),
			"without its line end":  strings.NewReader(strings.TrimSuffix(text, "\n")),
		} {
			got, c := wordsOf(t, r)
			assert.Equal(t, fmt.Sprintf("trial %d, %s: the last words", trial, name), got, want)
			assert.Same(t, fmt.Sprintf("trial %d, %s: lines", trial, name), c.lines, condition.lines)
		}
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
		{"report l.jsonl", "LOG", "", "tapsweep revoke LOG"},
	} {
		r := Run{Command: strings.Fields(tt.args)}
		r.Describe("LOG")
		assert.Same(t, fmt.Sprintf("%q: ResumeWith", tt.args), strings.Join(r.ResumeWith(tt.log, false), " "),
			tt.resume)
		assert.Same(t, fmt.Sprintf("%q: RevokeWith", tt.args), strings.Join(r.RevokeWith(tt.log), " "), tt.revoke)
	}
	simulated := Run{Command: []string{"revoke", "l.csv"}, Simulated: true, Verify: true}
	simulated.Describe("LOG")
	assert.That(t, simulated.ResumeWith("LOG", false) == nil,
		"ResumeWith of a simulation = %q, want nil", simulated.ResumeWith("LOG", false))
	assert.Same(t, "RevokeWith of a run with --verify", strings.Join(simulated.RevokeWith("LOG"), " "),
		"tapsweep revoke --verify LOG")
}
