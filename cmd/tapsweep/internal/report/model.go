package report

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A Report is what results logs tell, but for the single rows. As JSON it is
// what `tapsweep report --json` writes; the keys are an interface.
type Report struct {
	Tenant    string   `json:"tenant"`
	GraphRoot string   `json:"graphRoot"`
	Operators []string `json:"operators"` // whose tokens the runs used, as far as those tell
	DryRun    bool     `json:"dryRun"`
	Logs      []Log    `json:"logs"`
	Lists     []*List  `json:"lists"`
	Runs      []*Run   `json:"runs"` // the earliest first

	Start          time.Time `json:"start"`          // of the first run
	End            time.Time `json:"end"`            // of the last, or the last thing known of it
	Seconds        float64   `json:"seconds"`        // in which a run was going on
	PairsPerSecond float64   `json:"pairsPerSecond"` // rows of the runs, but for not_sent, over the time in which one was going on, proofs left out

	Pairs      int                     `json:"pairs"` // that a row tells of; the last row of a pair counts
	Counts     map[results.Outcome]int `json:"counts"`
	Done       int                     `json:"done"` // pairs that are only found, or protected, are neither done nor left
	Left       int                     `json:"left"`
	WithoutRow int                     `json:"withoutRow"` // pairs of the lists that no row tells of
	Users      int                     `json:"users"`      // that scans and sweeps have looked at
	Verified   int                     `json:"verified"`   // pairs for which a LIST afterwards shows no pass
	Unverified int                     `json:"unverified"` // pairs that were to be verified, and are not
	Reasons    map[string]int          `json:"reasons"`    // methodUsabilityReason of the passes
	Failures   []*Failure              `json:"failures"`   // what is not done, most first
	Attempts   []Tries                 `json:"attempts"`   // how often requests were sent
	Waits      Waits                   `json:"waits"`
	Progress   []Point                 `json:"progress"` // over time
	Resume     []Again                 `json:"resume"`   // what takes up the rest

	axis    axis
	bins    []bin
	shading []span // the waits, without overlaps

	reasonsNow map[string]int // Reasons of passes that are not gone

	kind    string // what the runs are shown as: revoke, sweep, scan or verify
	odd     int    // times and numbers of the logs that cannot be
	beside  int    // rows about passes that others came in place of
	further int    // rows about further passes of users who had several
	noLook  int    // users that a proof among others has yet to look at
	noLines bool   // no pair is on a line of a list
	columns bool   // several are on one
}

// A Log is a file that the report is made from. Its digest tells later that it
// was this one.
type Log struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"`
	Rows   int    `json:"rows"`
	Torn   bool   `json:"torn"`            // the last line is incomplete and was skipped
	Stray  int    `json:"stray,omitempty"` // skipped lines that are not part of the log

	strayAt int  // the first of the Stray lines
	copied  bool // its runs are also in other logs, and count there
}

// A List is a list of which the logs tell.
type List struct {
	Digest     string   `json:"digest"` // see input.List.Digest
	Sources    []string `json:"sources"`
	Pairs      int      `json:"pairs"`
	WithoutRow int      `json:"withoutRow"`

	self  string
	seen  int
	proof bool // its rows are users that tapsweep verify looks at,
	shown bool // and some stand in the table
}

// noun is what its rows name.
func (l *List) noun() string {
	if l.proof {
		return "user"
	}
	return "pair"
}

// maxSources bounds what is kept of the names in a log's rows.
const maxSources = 100

// saw takes in the first row of a pair.
func (l *List) saw(source string) {
	l.seen++
	if len(l.Sources) < maxSources && !slices.Contains(l.Sources, source) {
		l.Sources = append(l.Sources, source)
	}
}

// A Failure is a group of pairs that are not done for the same reason.
type Failure struct {
	Outcome  results.Outcome `json:"outcome"`
	Code     string          `json:"code"`   // Graph's
	Status   int             `json:"status"` // HTTP, 0 if there was no answer
	Hint     string          `json:"hint"`
	Count    int             `json:"count"`
	Examples []string        `json:"examples"` // some of the users
}

// Tries counts the pairs whose deciding request was sent so often.
type Tries struct {
	Attempts int `json:"attempts"`
	Pairs    int `json:"pairs"`
}

// Waits sum up how the tenant throttled.
type Waits struct {
	Count   int              `json:"count"`
	Refused int              `json:"refused"` // requests, with 429, or with 503 as a whole batch
	Seconds float64          `json:"seconds"` // with at least one quota closed
	Quotas  map[string]Quota `json:"quotas"`
}

// A Quota is what Waits are for one quota.
type Quota struct {
	Count   int     `json:"count"`
	Refused int     `json:"refused"`
	Seconds float64 `json:"seconds"`
}

// Again is the command that goes on with a log.
type Again struct {
	Log     string `json:"log"`
	Left    int    `json:"left"`    // pairs that it tries again, and those without a row
	Command string `json:"command"` // empty if none does; Note says why
	Note    string `json:"note,omitempty"`

	noun string // of what is left
	list bool   // the log is a list for it
}

// Bounds on what is kept of hostile logs.
const (
	maxFailures = 1000
	maxExamples = 3
	maxTries    = 100
	maxReasons  = 100
)

// more is where the groups beyond the bounds go.
const more = "others"

// New reads the logs once more and counts. Each row that is Listed is handed to
// also, which may be nil.
func New(ctx context.Context, l *Logs, also func(*Row) error) (*Report, error) {
	r := &Report{Lists: l.lists, Runs: l.allRuns(), Operators: []string{}, Counts: make(map[results.Outcome]int),
		Reasons: make(map[string]int), reasonsNow: make(map[string]int), Failures: []*Failure{},
		Attempts: []Tries{}, Resume: []Again{}, Pairs: l.rows, Users: l.users, beside: l.beside,
		further: l.further, odd: l.odd, noLines: true}
	r.head()
	for _, lg := range l.logs {
		r.noLines, r.columns = r.noLines && !lg.lined, r.columns || lg.columns
		r.Logs = append(r.Logs, Log{batch.Printable(lg.name), lg.bytes, lg.digest, lg.rows, lg.torn,
			lg.stray, lg.strayAt, lg.copied()})
	}
	r.axis = newAxis(r.Runs)
	r.bins = make([]bin, axisBins)
	r.addWaits(l.waits)
	left := make(map[*log]leftover)
	var from *log
	groups := make(map[causeOf]*Failure)
	attempts := make(map[int]int)
	for row, err := range l.rowsOf(ctx, func(lg *log) { from = lg }) {
		if err != nil {
			return nil, err
		}
		if row.Beside {
			if also != nil {
				if err := also(row); err != nil {
					return nil, err
				}
			}
			continue
		}
		r.Counts[row.Outcome]++
		rest := left[from]
		if row.Verified {
			r.Verified++
		}
		if row.unverified {
			r.Unverified++
			if !row.proven {
				rest.unverified++
			}
		}
		switch {
		case row.Outcome == results.Protected: // while it is, no run touches it
		case row.Outcome == results.Remains && !row.proven:
			rest.remain++
		case row.Outcome.Again() && row.Outcome != results.Remains:
			rest.again++
		}
		left[from] = rest
		if row.Reason != "" {
			addBounded(r.Reasons, row.Reason)
			if !gone(row.Outcome) || r.kind == "verify" {
				addBounded(r.reasonsNow, row.Reason)
			}
		}
		attempts[min(max(row.Attempts, 0), maxTries)]++
		r.bins[r.axis.bin(row.Time)].settled[seriesOf(row.Outcome)]++
		switch {
		case row.Outcome == results.Found, row.Outcome == results.Protected:
		case row.Outcome.Done():
			r.Done++
		default:
			r.Left++
			g := causeOf{row.Outcome, row.Code, row.Status, row.Hint}
			if len(groups) >= maxFailures && groups[g] == nil {
				g = causeOf{row.Outcome, more, 0, ""}
			}
			f := groups[g]
			if f == nil {
				f = &Failure{Outcome: g.outcome, Code: g.code, Status: g.status, Hint: cmp.Or(g.hint, r.meaning(g.outcome)), Examples: []string{}}
				groups[g] = f
				r.Failures = append(r.Failures, f)
			}
			f.Count++
			if len(f.Examples) < maxExamples {
				f.Examples = append(f.Examples, cmp.Or(row.UPN, row.User))
			}
		}
		if also != nil && row.Listed() {
			if err := also(row); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(r.Failures, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Hint, b.Hint))
	})
	for n, pairs := range attempts {
		r.Attempts = append(r.Attempts, Tries{n, pairs})
	}
	slices.SortFunc(r.Attempts, func(a, b Tries) int { return cmp.Compare(a.Attempts, b.Attempts) })
	r.Progress = r.points()
	r.again(l, left)
	return r, nil
}

func addBounded(counts map[string]int, key string) {
	if _, ok := counts[key]; !ok && len(counts) >= maxReasons {
		key = more
	}
	counts[key]++
}

// head fills in what the runs tell.
func (r *Report) head() {
	for _, run := range r.Runs {
		r.Tenant = cmp.Or(r.Tenant, clip(run.tenant))
		r.GraphRoot = cmp.Or(r.GraphRoot, clip(run.graphRoot))
		r.DryRun = run.DryRun
		cleanRun(run)
		if run.Operator != "" && !slices.Contains(r.Operators, run.Operator) {
			r.Operators = append(r.Operators, run.Operator)
		}
		if run.End.After(r.End) {
			r.End = run.End
		}
	}
	r.kind = kindOfRuns(r.Runs)
	r.Start = r.Runs[0].Start
	r.Seconds = total(unite(spansOf(r.Runs))).Seconds()
	r.pace()
	for _, list := range r.Lists {
		list.WithoutRow = max(list.Pairs-list.seen, 0)
		if list.proof && r.kind != "verify" {
			r.noLook = plus(r.noLook, list.WithoutRow)
		} else {
			r.WithoutRow = plus(r.WithoutRow, list.WithoutRow)
		}
		list.Digest = clip(list.Digest)
		for i, s := range list.Sources {
			list.Sources[i] = clip(s)
		}
	}
}

// pace works out how fast pairs were settled, which proofs do not.
func (r *Report) pace() {
	rows := 0
	var runs []*Run
	for _, run := range r.Runs {
		if run.kind() != "verify" || r.kind == "verify" {
			rows += run.settled
			runs = append(runs, run)
		}
	}
	if took := total(unite(spansOf(runs))).Seconds(); took > 0 {
		r.PairsPerSecond = float64(rows) / took
	}
}

// Killed are the runs without a last line.
func (r *Report) Killed() (killed []*Run) {
	for _, run := range r.Runs {
		if run.Exit == nil {
			killed = append(killed, run)
		}
	}
	return killed
}
