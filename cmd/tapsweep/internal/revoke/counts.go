package revoke

import (
	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Counts sums a run up.
type Counts struct {
	Outcomes  map[results.Outcome]int
	Codes     map[string]int // error codes of rows that are not done
	Throttled int            // refusals with 429
	Requests  int            // individual requests answered or lost, refusals included

	Verified   int // rows whose user was seen without a pass afterwards
	Unverified int // rows that are done, and whose user could not be looked at
}

// Total is the number of rows.
func (c *Counts) Total() (n int) {
	for _, k := range c.Outcomes {
		n += k
	}
	return n
}

// Left is the number of rows that are not done.
func (c *Counts) Left() (n int) {
	n = c.Unverified
	for o, k := range c.Outcomes {
		if !o.Done() {
			n += k
		}
	}
	return n
}

// NewCounts returns counts of nothing.
func NewCounts() Counts {
	return Counts{Outcomes: make(map[results.Outcome]int), Codes: make(map[string]int)}
}

// Sent counts what it took to have a request answered.
func (c *Counts) Sent(res batch.Result) {
	c.Throttled += res.Throttled
	c.Requests += res.Throttled + res.Attempts
}

// Row counts a row.
func (c *Counts) Row(row *results.Row) {
	c.Outcomes[row.Outcome]++
	if row.Verified {
		c.Verified++
	}
	if code := cause(row); code != "" && len(c.Codes) < maxCodes {
		c.Codes[batch.Printable(code)]++
	}
}

// maxCodes bounds what a service may have us remember.
const maxCodes = 1000

// cause is what the summary counts rows that are not done under: Graph's code,
// or what happened where Graph said nothing.
func cause(row *results.Row) string {
	switch {
	case row.Outcome.Done():
		return ""
	case row.Code == "" && (row.Outcome == results.Failed || row.Outcome == results.Unknown):
		return row.Message
	}
	return row.Code
}
