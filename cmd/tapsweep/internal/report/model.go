package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
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
	PairsPerSecond float64   `json:"pairsPerSecond"` // rows of all runs, over seconds

	Pairs      int                     `json:"pairs"` // that a row tells of; the last row of a pair counts
	Counts     map[results.Outcome]int `json:"counts"`
	Done       int                     `json:"done"`
	Left       int                     `json:"left"`
	WithoutRow int                     `json:"withoutRow"` // pairs of the lists that no row tells of
	Verified   int                     `json:"verified"`   // pairs for which a LIST afterwards shows no pass
	Reasons    map[string]int          `json:"reasons"`    // methodUsabilityReason of the passes
	Failures   []*Failure              `json:"failures"`   // what is not done, most first
	Attempts   []Tries                 `json:"attempts"`   // how often requests were sent
	Waits      Waits                   `json:"waits"`
	Progress   []Point                 `json:"progress"` // over time
	Resume     []Again                 `json:"resume"`   // what takes up the rest

	axis    axis
	bins    []bin
	shading []span // the waits, without overlaps
}

// A Log is a file that the report is made from. Its digest tells later that it
// was this one.
type Log struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"`
	Rows   int    `json:"rows"`
	Torn   bool   `json:"torn"` // its last line is not whole, and left out
}

// A List is a list of which the logs tell.
type List struct {
	Digest     string   `json:"digest"` // see input.List.Digest
	Sources    []string `json:"sources"`
	Pairs      int      `json:"pairs"`
	WithoutRow int      `json:"withoutRow"`

	self string
	seen int
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

// A Run is one run of which a log tells.
type Run struct {
	Log      string    `json:"log"` // the file
	Version  string    `json:"version"`
	Operator string    `json:"operator"`
	Command  []string  `json:"command"`
	DryRun   bool      `json:"dryRun"`
	Pairs    int       `json:"pairs"` // of its list
	Rows     int       `json:"rows"`  // that it wrote
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`     // or the last thing known of it
	Exit     *int      `json:"exit"`    // null if it was killed, or is still going on
	Stopped  string    `json:"stopped"` // why it stopped early

	args                            []string // the command as the log has it
	tenant, graphRoot, digest, self string
	last                            time.Time
	resumed                         bool // another run on the log came after it
}

// Title says what the runs were for.
func (r *Report) Title() string {
	titles := map[string]string{
		"revoke": "Revocation of Temporary Access Passes", "sweep": "Sweep of Temporary Access Passes",
		"scan": "Scan for Temporary Access Passes", "verify": "Proof that Temporary Access Passes are gone",
	}
	for _, run := range r.Runs {
		if len(run.args) > 0 && titles[run.args[0]] != "" {
			return titles[run.args[0]]
		}
	}
	return titles["revoke"]
}

func newRun(name string, r *results.Run) *Run {
	return &Run{Log: name, Version: r.Version, Operator: r.Operator, args: r.Command, DryRun: r.DryRun, Pairs: max(r.Pairs, 0),
		Start: utc(r.Start), last: utc(r.Start), tenant: r.Tenant, graphRoot: r.GraphRoot, digest: r.Digest, self: r.Self}
}

func (r *Run) row(at time.Time) {
	r.Rows++
	r.saw(at)
}

// utc is the time in UTC, or none where that has a year that cannot be written.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func (r *Run) saw(at time.Time) {
	if at = utc(at); at.After(r.last) {
		r.last = at
	}
}

func (r *Run) end(e *results.End) {
	r.Exit, r.Stopped, r.End = &e.Exit, batch.Printable(e.Stopped), utc(e.End)
}

// Took is how long the run went on, as far as is known.
func (r *Run) Took() time.Duration { return r.End.Sub(r.Start) }

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
	Refused int              `json:"refused"` // requests, with 429
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

// New reads the logs once more and counts. Each row that counts is handed to
// also, which may be nil.
func New(ctx context.Context, l *Logs, also func(*results.Row) error) (*Report, error) {
	r := &Report{Lists: l.lists, Runs: l.allRuns(), Operators: []string{}, Counts: make(map[results.Outcome]int),
		Reasons: make(map[string]int), Failures: []*Failure{}, Attempts: []Tries{}, Resume: []Again{}, Pairs: l.rows}
	r.head()
	for _, lg := range l.logs {
		r.Logs = append(r.Logs, Log{batch.Printable(lg.name), lg.size, lg.digest, lg.rows, lg.torn})
	}
	r.axis = newAxis(r.Runs)
	r.bins = make([]bin, axisBins)
	r.addWaits(l.waits)
	left := make(map[*log]int)
	var from *log
	type group struct {
		outcome results.Outcome
		code    string
		status  int
		hint    string
	}
	groups := make(map[group]*Failure)
	attempts := make(map[int]int)
	for row, err := range l.rowsOf(ctx, func(lg *log) { from = lg }) {
		if err != nil {
			return nil, err
		}
		r.Counts[row.Outcome]++
		if row.Verified {
			r.Verified++
		}
		if row.Reason != "" {
			addBounded(r.Reasons, row.Reason)
		}
		attempts[min(max(row.Attempts, 0), maxTries)]++
		r.bins[r.axis.bin(row.Time)].settled[seriesOf(row.Outcome)]++
		if row.Outcome.Again() {
			left[from]++
		}
		if row.Outcome.Done() {
			r.Done++
		} else {
			r.Left++
			g := group{row.Outcome, row.Code, row.Status, row.Hint}
			if len(groups) >= maxFailures && groups[g] == nil {
				g = group{row.Outcome, more, 0, ""}
			}
			f := groups[g]
			if f == nil {
				f = &Failure{Outcome: g.outcome, Code: g.code, Status: g.status, Hint: cmp.Or(g.hint, hints[g.outcome]), Examples: []string{}}
				groups[g] = f
				r.Failures = append(r.Failures, f)
			}
			f.Count++
			if len(f.Examples) < maxExamples {
				f.Examples = append(f.Examples, cmp.Or(row.UPN, row.User))
			}
		}
		if also != nil {
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
	rows := 0
	for _, run := range r.Runs {
		r.Tenant = cmp.Or(r.Tenant, clip(run.tenant))
		r.GraphRoot = cmp.Or(r.GraphRoot, clip(run.graphRoot))
		r.DryRun = run.DryRun
		rows += run.Rows
		cleanRun(run)
		if run.Operator != "" && !slices.Contains(r.Operators, run.Operator) {
			r.Operators = append(r.Operators, run.Operator)
		}
		if run.End.After(r.End) {
			r.End = run.End
		}
	}
	r.Start = r.Runs[0].Start
	for _, s := range unite(spansOf(r.Runs)) {
		r.Seconds += s.end.Sub(s.start).Seconds()
	}
	if r.Seconds > 0 {
		r.PairsPerSecond = float64(rows) / r.Seconds
	}
	for _, list := range r.Lists {
		list.WithoutRow = max(list.Pairs-list.seen, 0)
		r.WithoutRow += list.WithoutRow
		list.Digest = clip(list.Digest)
		for i, s := range list.Sources {
			list.Sources[i] = clip(s)
		}
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

// clip makes a text of a log fit to be shown. Names go through a quick way,
// since a list has millions of them.
func clip(s string) string {
	if len(s) > 200 || strings.Contains(s, "eyJ") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return batch.Printable(s)
	}
	return s
}

func show(s string) string { return cmp.Or(clip(s), "(not known)") }

func clean(row *results.Row) {
	for _, s := range []*string{&row.Source, &row.User, &row.UPN, &row.Method, &row.Reason} {
		*s = clip(*s)
	}
	for _, s := range []*string{&row.Code, &row.Message, &row.RequestID, &row.Hint} {
		if *s != "" {
			*s = batch.Printable(*s)
		}
	}
	row.Time = utc(row.Time)
}

func cleanRun(run *Run) {
	for _, s := range []*string{&run.Log, &run.Version, &run.Operator} {
		*s = batch.Printable(*s)
	}
	run.Command = make([]string, len(run.args))
	for i, arg := range run.args {
		run.Command[i] = batch.Printable(arg)
	}
}
