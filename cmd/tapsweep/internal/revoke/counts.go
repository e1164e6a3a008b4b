package revoke

import (
	"cmp"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Counts has the totals of the rows of a run.
type Counts struct {
	Outcomes  map[results.Outcome]int
	NoPass    map[results.Outcome]int // the rows that are not about a pass, see results.Row.AboutPass
	Causes    map[Cause]*CauseRows    // why rows are not done
	Throttled int                     // requests refused with 429; the run adds those in whole batches refused with 503
	Requests  int                     // individual requests that were answered or lost, including refused ones

	Sessions *Counts // the totals of the rows about sessions, nil if there are none

	Beside     int // deleted passes in rows with Beside, which do not count for their pair
	Verified   int // rows whose user held no pass afterwards
	Unverified int // rows that are done, but could not be verified
	Unnamed    int // Remains rows about a pass that no list names, not counted by VerifyOnly
}

// A Cause is the reason why rows are not done: the error code of Graph, or the error if Graph did not answer. Code
// is empty if the outcome alone is the reason.
type Cause struct {
	Outcome results.Outcome
	Code    string
}

// CauseRows counts the rows of a Cause.
type CauseRows struct {
	Rows int
	Hint string // the hint of the first row that has one
}

// All returns Outcomes. It returns nil for a nil Counts.
func (c *Counts) All() map[results.Outcome]int {
	if c == nil {
		return nil
	}
	return c.Outcomes
}

// Total returns the number of rows. It returns 0 for a nil Counts.
func (c *Counts) Total() (n int) { return c.Sum(func(results.Outcome) bool { return true }) }

// Sum returns the number of rows with some of the outcomes. It returns 0 for a nil Counts.
func (c *Counts) Sum(some func(results.Outcome) bool) (n int) {
	for o, k := range c.All() {
		if some(o) {
			n += k
		}
	}
	return n
}

// Left returns the number of rows about passes and sessions for which something is left to do.
func (c *Counts) Left() (n int) {
	n = c.LeftOfPasses()
	if c.Sessions != nil {
		n += c.Sessions.Left()
	}
	return n
}

// LeftOfPasses returns the number of rows about passes for which something is left to do.
func (c *Counts) LeftOfPasses() (n int) { return c.Unverified + c.Sum(results.Outcome.Left) }

// Touched reports whether a pass may have been deleted.
func (c *Counts) Touched() bool {
	return c.Beside+c.Outcomes[results.Revoked]+c.Outcomes[results.Remains]+c.Outcomes[results.Unknown] > 0
}

// NewCounts returns Counts without rows.
func NewCounts() Counts {
	return Counts{Outcomes: make(map[results.Outcome]int), NoPass: make(map[results.Outcome]int),
		Causes: make(map[Cause]*CauseRows)}
}

// addSent counts the attempts and refusals of a request.
func (c *Counts) addSent(res batch.Result) {
	c.Throttled += res.Throttled
	c.Requests += res.Throttled + res.Attempts
}

// addRow counts a row.
func (c *Counts) addRow(row *results.Row) {
	if row.Beside {
		if row.Outcome == results.Revoked {
			c.Beside++
		}
		return
	}
	c.Outcomes[row.Outcome]++
	if !row.AboutPass() {
		c.NoPass[row.Outcome]++
	}
	if row.Verified {
		c.Verified++
	}
	if !row.Outcome.Left() {
		return
	}
	key := Cause{row.Outcome, safetext.Printable(cause(row))}
	if c.Causes[key] == nil {
		if len(c.Causes) >= maxCauses {
			return
		}
		c.Causes[key] = new(CauseRows)
	}
	c.Causes[key].Rows++
	c.Causes[key].Hint = cmp.Or(c.Causes[key].Hint, row.Hint)
}

// maxCauses is the maximum number of causes. It limits the memory that codes of the service can take.
const maxCauses = 1000

func cause(row *results.Row) string {
	if row.Code == "" && (row.Outcome == results.Failed || row.Outcome == results.Unknown) {
		return row.Message
	}
	return row.Code
}
