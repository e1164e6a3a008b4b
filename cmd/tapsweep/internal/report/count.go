package report

import (
	"cmp"
	"context"
	"slices"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Bounds on what is kept of hostile logs.
const (
	maxFailures = 1000
	maxExamples = 3
	maxTries    = 100
	maxReasons  = 100
)

// otherGroups is where the groups beyond the bounds go.
const otherGroups = "others"

// New reads the logs once more and counts. It hands each row that counts to also, which may be nil;
// duplicates are only counted.
func New(ctx context.Context, l *Logs, also func(*Row) error) (*Report, error) {
	r := newReport(l)
	for row, err := range l.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		if !row.Beside {
			r.add(row)
		}
		if also != nil && (row.Beside || row.Outcome != results.Duplicate) {
			if err := also(row); err != nil {
				return nil, err
			}
		}
	}
	if err := r.addSessions(ctx, l, also); err != nil {
		return nil, err
	}
	r.sortFailures()
	for n, pairs := range r.attempts {
		if pairs > 0 {
			r.Attempts = append(r.Attempts, Tries{n, pairs})
		}
	}
	r.Progress = r.points()
	r.nextCommands(l)
	return r, nil
}

// newReport returns what is known of the logs without their rows.
func newReport(l *Logs) *Report {
	r := &Report{
		Lists: l.lists, Runs: l.allRuns(), Pairs: l.pairs, Users: l.users,
		Operators: []string{}, Failures: []*Failure{}, Attempts: []Tries{}, Resume: []NextCommand{},
		Counts: make(map[results.Outcome]int), Reasons: make(map[string]int), Creators: make(map[string]int),
		causes: make(map[cause]*Failure), tasks: make(map[task]int), unverified: make(map[*log]int),
		replacedRows: l.beside, furtherRows: l.further, noLines: true,
	}
	r.head()
	for _, lg := range l.logs {
		r.noLines = r.noLines && !lg.lined
		r.columns = r.columns || lg.columns
		r.Logs = append(r.Logs, Log{safetext.Printable(lg.name), lg.bytes, lg.digest, len(lg.rows), lg.torn,
			lg.stray, lg.lacks, lg.strayAt, lg.copied()})
	}
	r.periods = newPeriods(r.Runs)
	r.addWaits(l.waits)
	return r
}

// add counts the row of a pair.
func (r *Report) add(row *Row) {
	r.Counts[row.Outcome]++
	r.attempts[min(max(row.Attempts, 0), maxTries)]++
	r.binAt(row.Time).completed[seriesOf(row.Outcome)]++
	if row.Verified {
		r.Verified++
	}
	if row.unverified {
		r.Unverified++
		if row.proof == nil {
			r.unverified[row.log]++
		}
	}
	if row.Creation.By != "" {
		addBounded(r.Creators, row.Creation.By)
	}
	if row.Reason != "" {
		addBounded(r.Reasons, row.Reason)
	}
	switch {
	case row.Outcome == results.Found, row.Outcome == results.Protected:
	case row.Outcome.Done():
		r.Done++
	default:
		r.Left++
		r.fail(row)
		if row.proof == nil {
			r.tasks[taskOf(row)]++
		}
	}
}

func addBounded(counts map[string]int, key string) {
	if _, ok := counts[key]; !ok && len(counts) >= maxReasons {
		key = otherGroups
	}
	counts[key]++
}

// head fills in what the runs and the lists say.
func (r *Report) head() {
	for _, run := range r.Runs {
		r.Tenant = cmp.Or(r.Tenant, clip(run.header.Tenant))
		r.domain = cmp.Or(r.domain, clip(run.header.Domain))
		r.GraphRoot = cmp.Or(r.GraphRoot, clip(run.header.GraphRoot))
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
	r.addReaders()
	r.Start = r.Runs[0].Start
	r.Seconds = total(unite(spansOf(r.Runs))).Seconds()
	r.pace()
	for _, list := range r.Lists {
		list.WithoutRow = max(list.Pairs-list.seen, 0)
		if list.proof && r.kind != "verify" {
			r.unverifiedUsers = plus(r.unverifiedUsers, list.WithoutRow)
		} else {
			r.WithoutRow = plus(r.WithoutRow, list.WithoutRow)
		}
		list.Digest = clip(list.Digest)
		for i, s := range list.Sources {
			list.Sources[i] = clip(s)
		}
	}
}

// pace computes PairsPerSecond. A proof completes no pair, unless it is alone.
func (r *Report) pace() {
	rows := 0
	var runs []*Run
	for _, run := range r.Runs {
		if run.kind() != "verify" || r.kind == "verify" {
			rows += run.completed
			runs = append(runs, run)
		}
	}
	if took := total(unite(spansOf(runs))).Seconds(); took > 0 {
		r.PairsPerSecond = float64(rows) / took
	}
}
