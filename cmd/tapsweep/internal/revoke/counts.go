package revoke

import (
	"maps"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Counts sums a run up.
type Counts struct {
	Outcomes  map[results.Outcome]int
	Before    map[results.Outcome]int // of these, what runs before had done, and this one only looked at
	Causes    map[Cause]*Tally        // why rows are not done
	Throttled int                     // refusals with 429; of a whole run with 503 of whole batches, too
	Requests  int                     // individual requests answered or lost, refusals included

	Reasons map[passes.Reason]int // of the passes that were revoked or planned to be

	Beside     int // deleted passes other than the one that counts for their pair
	Verified   int // rows whose user was seen without a pass afterwards
	Unverified int // rows that are done, and whose user could not be looked at
}

// A Cause is what keeps rows from being done: Graph's code, or what happened where
// Graph said nothing; empty where the outcome says it all.
type Cause struct {
	Outcome results.Outcome
	Code    string
}

// A Tally counts the rows of a Cause.
type Tally struct {
	Rows int
	Hint string // of the first row that had one
}

// Own are the Outcomes without what runs before had done.
func (c *Counts) Own() map[results.Outcome]int {
	own := maps.Clone(c.Outcomes)
	for o, n := range c.Before {
		own[o] -= n
	}
	return own
}

// Total is the number of rows.
func (c *Counts) Total() (n int) {
	for _, k := range c.Outcomes {
		n += k
	}
	return n
}

// Left returns the number of rows for which something is left to do.
func (c *Counts) Left() (n int) {
	n = c.Unverified
	for o, k := range c.Outcomes {
		if o.Left() {
			n += k
		}
	}
	return n
}

// Touched reports whether a pass may have been deleted.
func (c *Counts) Touched() bool {
	return c.Beside+c.Outcomes[results.Revoked]+c.Outcomes[results.Remains]+c.Outcomes[results.Unknown] > 0
}

// NewCounts returns counts of nothing.
func NewCounts() Counts {
	return Counts{Outcomes: make(map[results.Outcome]int), Before: make(map[results.Outcome]int), Causes: make(map[Cause]*Tally), Reasons: make(map[passes.Reason]int)}
}

// Sent counts what it took to have a request answered.
func (c *Counts) Sent(res batch.Result) {
	c.Throttled += res.Throttled
	c.Requests += res.Throttled + res.Attempts
}

// Row counts a row. before is what a run before has done for the pair, if this one only
// looked at it.
func (c *Counts) Row(row *results.Row, before results.Outcome) {
	if row.Beside {
		if row.Outcome == results.Revoked {
			c.Beside++
		}
		return
	}
	c.Outcomes[row.Outcome]++
	if row.Outcome == before {
		c.Before[before]++
	} else if row.Reason != "" && (row.Outcome == results.Revoked || row.Outcome == results.Planned) {
		c.Reasons[passes.Reason(row.Reason)]++
	}
	if row.Verified {
		c.Verified++
	}
	if !row.Outcome.Left() {
		return
	}
	key := Cause{row.Outcome, safetext.Printable(cause(row))}
	t := c.Causes[key]
	if t == nil {
		if len(c.Causes) >= maxCauses {
			return
		}
		t = new(Tally)
		c.Causes[key] = t
	}
	t.Rows++
	if t.Hint == "" {
		t.Hint = row.Hint
	}
}

// maxCauses bounds what a service may have us remember.
const maxCauses = 1000

// cause is the Code of a row's Cause.
func cause(row *results.Row) string {
	if row.Code == "" && (row.Outcome == results.Failed || row.Outcome == results.Unknown) {
		return row.Message
	}
	return row.Code
}
