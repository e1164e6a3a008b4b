package report

import (
	"cmp"
	"context"
	"slices"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Limits on what is kept of hostile logs.
const (
	maxFailures = 1000
	maxExamples = 3
	maxReasons  = 100
)

// otherGroups is the group for everything beyond these limits.
const otherGroups = "others"

// makeReport reads the logs again and counts their rows. It calls also for each row except duplicates; also may be nil.
func makeReport(ctx context.Context, l *Logs, also func(*reportedRow) error) (*Report, error) {
	r := newReport(l)
	for row, err := range l.countedRows(ctx) {
		if err != nil {
			return nil, err
		}
		r.add(row)
		if also != nil && row.Outcome != results.Duplicate {
			if err := also(row); err != nil {
				return nil, err
			}
		}
	}
	r.Left = plus(r.Left, r.WithoutRow)
	r.Failures = r.failures.sorted()
	r.pace()
	r.nextCommands(l)
	if r.Sessions.All() == 0 {
		r.Sessions = nil
	} else {
		r.Sessions.Left = plus(r.Sessions.Left, r.Sessions.WithoutRow)
		r.Sessions.finish(l)
	}
	return r, nil
}

// newReport returns a report without the rows.
func newReport(l *Logs) *Report {
	r := &Report{
		Lists: l.lists, Files: []ReportedFile{}, Runs: l.allRuns(), Users: l.users, twoNames: l.twoNames,
		Sessions: newSessions(l),
		Resume:   []NextCommand{}, failures: make(failures),
		Counts: make(map[results.Outcome]int), NoPass: make(map[results.Outcome]int),
		Reasons: make(map[string]int), Creators: make(map[string]int),
		tasks: make(map[nextTask]int), users: make(map[nextTask]int),
		unnamed: make(map[*sourceLog]bool), unverified: make(map[*sourceLog]int),
	}
	r.fillHeader()
	for _, lg := range l.logs {
		r.Logs = append(r.Logs, ReportedLog{Name: safetext.Printable(lg.name), Bytes: lg.bytes, Digest: lg.digest,
			Rows: len(lg.rows), Torn: lg.end.Torn, Lacks: lg.end.Lacks,
			Stray: lg.end.Foreign, skipped: lg.end.Skipped(safetext.Printable(lg.name)),
			ahead: lg.aheadWords()})
	}
	r.axis = newAxis(r.Runs)
	r.addWaits(l.waits)
	return r
}

func (r *Report) add(row *reportedRow) {
	switch {
	case row.Action == results.RevokeSessions:
		r.Sessions.add(row)
		return
	case row.Beside:
		r.beside++
		return
	}
	r.Pairs++
	r.Counts[row.Outcome]++
	if !row.AboutPass() {
		r.NoPass[row.Outcome]++
	}
	r.axis.add(row)
	if row.Verified {
		r.Verified++
	}
	if row.unverified {
		r.Unverified++
		if !row.unverifiable {
			r.unverified[cmp.Or(row.verifyLog, row.log)]++
		}
	}
	if row.Creation.By != "" {
		addBounded(r.Creators, row.Creation.By)
		r.creatorsOfList = r.creatorsOfList || !row.FromScan()
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
		r.failures.add(row)
		task := taskOf(row)
		r.tasks[task]++
		if !row.AboutPass() {
			r.users[task]++
		}
		// In the log of verify, nothing shows whether the pass is the one that a list names.
		if task.list && (row.InPlaceOf != "" || row.log.last().header.Kind() == "verify") {
			r.unnamed[task.log] = true
		}
	}
}

func addBounded(counts map[string]int, key string) {
	if _, ok := counts[key]; !ok && len(counts) >= maxReasons {
		key = otherGroups
	}
	counts[key]++
}

func (r *Report) addFiles(what string, files []input.File) {
	for _, f := range files {
		file := ReportedFile{what, clip(f.Name), clip(f.Digest)}
		if len(r.Files) < maxSources && !slices.Contains(r.Files, file) {
			r.Files = append(r.Files, file)
		}
	}
}

// fillHeader sets the fields that come from the runs and the lists.
func (r *Report) fillHeader() {
	for _, run := range r.Runs {
		r.Tenant = cmp.Or(r.Tenant, clip(run.header.Tenant))
		r.domain = cmp.Or(r.domain, clip(run.header.Domain))
		r.GraphRoot = cmp.Or(r.GraphRoot, clip(run.header.GraphRoot))
		r.DryRun = run.DryRun
		r.Operators = append(r.Operators, run.Operator)
		r.addFiles("list", run.header.Lists)
		r.addFiles("protect", run.header.Protect)
		if run.End.After(r.End) {
			r.End = run.End
		}
	}
	r.Operators = distinct(r.Operators)
	r.kind = kindOfRuns(r.Runs)
	r.setTaskOperators()
	r.Start = r.Runs[0].Start
	r.Seconds = total(unite(spansOf(r.Runs))).Seconds()
	for _, list := range r.Lists {
		list.WithoutRow = max(list.Pairs-list.seen, 0)
		if list.ofVerify && r.kind != "verify" {
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

// pace computes PairsPerSecond. Runs of verify complete no pair, unless the report has no other runs.
func (r *Report) pace() {
	runs := slices.DeleteFunc(slices.Clone(r.Runs), func(run *ReportedRun) bool {
		return run.header.Kind() == "verify" && r.kind != "verify"
	})
	if took := total(unite(spansOf(runs))).Seconds(); took > 0 {
		r.PairsPerSecond = float64(r.Pairs-r.Counts[results.NotSent]-r.Counts[results.Unknown]) / took
	}
}

// setTaskOperators sets TaskOperators if one of the runs is tapsweep verify.
func (r *Report) setTaskOperators() {
	var by TaskOperators
	for _, run := range r.Runs {
		if run.header.Kind() != "verify" {
			by.DeletedBy = append(by.DeletedBy, run.Operator)
			continue
		}
		by.VerifiedBy = append(by.VerifiedBy, run.Operator)
		for _, name := range run.header.DeletedBy {
			by.DeletedBy = append(by.DeletedBy, clip(name))
		}
	}
	by.DeletedBy, by.VerifiedBy = distinct(by.DeletedBy), distinct(by.VerifiedBy)
	if len(by.VerifiedBy) > 0 && len(by.DeletedBy) > 0 {
		r.TaskOperators = &by
	}
}

// distinct returns each name that is known once, in order.
func distinct(names []string) []string {
	known := []string{}
	for _, name := range names {
		if name != "" && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	return known
}
