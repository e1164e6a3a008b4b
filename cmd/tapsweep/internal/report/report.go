// Package report makes reports from results logs: as text, as JSON, as CSV, and as an HTML page with a chart that needs
// no network.
//
// OpenLogs reads the logs and finds the row that counts for each pair. New reads them again and counts the rows, and
// HTML reads them again for the table. So a log of millions of rows is never in memory. The page, the text and the
// CSV can show any content of a hostile log, and run none of it.
package report

import (
	"encoding/json"
	"io"
	"slices"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A Report has the totals of runs, without the rows. `tapsweep report --json` writes it as JSON; the keys are an
// interface.
type Report struct {
	Tenant        string          `json:"tenant"`
	GraphRoot     string          `json:"graphRoot"`
	Operators     []string        `json:"operators"`         // whose tokens the runs used, as far as the logs say
	TaskOperators *TaskOperators  `json:"readers,omitempty"` // nil without a run of tapsweep verify
	DryRun        bool            `json:"dryRun"`
	Logs          []ReportedLog   `json:"logs"`
	Lists         []*ReportedList `json:"lists"`
	Files         []ReportedFile  `json:"files"`
	Runs          []*ReportedRun  `json:"runs"` // the earliest first

	Start   time.Time `json:"start"`   // of the first run
	End     time.Time `json:"end"`     // of the last run, or of its last line
	Seconds float64   `json:"seconds"` // in which at least one run was active
	// PairsPerSecond does not count runs of verify, and rows with the outcome not_sent, which take no time.
	PairsPerSecond float64 `json:"pairsPerSecond"`

	Pairs      int                     `json:"pairs"` // with a row; the last row of a pair counts
	Counts     map[results.Outcome]int `json:"counts"`
	NoPass     map[results.Outcome]int `json:"noPass"`     // the Counts of rows that are not about a known pass
	Done       int                     `json:"done"`       // found and protected pairs are neither done nor left
	Left       int                     `json:"left"`       // not done, including those without a row
	WithoutRow int                     `json:"withoutRow"` // pairs of the lists without a row
	Users      int                     `json:"users"`      // that scans and sweeps looked at
	Verified   int                     `json:"verified"`   // pairs whose user holds no pass, by a LIST afterwards
	Unverified int                     `json:"unverified"` // pairs that should have been verified
	Reasons    map[string]int          `json:"reasons"`    // passes by methodUsabilityReason
	Creators   map[string]int          `json:"creators"`   // passes by who created them, as a scan or a list says
	Failures   []*Failure              `json:"failures"`   // pairs that are not done by cause, the most frequent first
	Sessions   *SessionReport          `json:"sessions,omitempty"`
	Waits      Waits                   `json:"waits"`
	Resume     []NextCommand           `json:"resume"` // the commands for what is left

	axis       axis
	waiting    []span // the waits, without overlaps
	failures   failures
	tasks      map[nextTask]int    // rows that are left
	users      map[nextTask]int    // those of tasks that are not about a known pass
	unnamed    map[*sourceLog]bool // logs that may name passes that no list names
	unverified map[*sourceLog]int  // rows to verify, by the log whose run would verify them
	domain     string              // of the tenant

	creatorsOfList bool // a list says who created a pass, not a scan

	kind            string // the command as which the runs are shown: revoke, sweep, scan or verify
	beside          int    // rows that are listed and do not count
	twoNames        int    // users whose sessions have rows under both names
	unverifiedUsers int    // users that a proof has not looked at, where it is not the only run
}

// A ReportedLog is a log file of the report. Its digest shows later that the file has not changed.
type ReportedLog struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"`
	Rows   int    `json:"rows"`
	Torn   bool   `json:"torn"`            // the last line is incomplete and was skipped
	Lacks  string `json:"lacks,omitempty"` // how many lines are missing, in words
	Stray  int    `json:"stray,omitempty"` // skipped lines that are not part of the log

	skipped string // the words for Stray
	ahead   string // the words for lines from the future
}

// A ReportedFile is a file that a run has read. If it was changed between two runs, both versions are listed.
type ReportedFile struct {
	What   string `json:"what"` // "list" or "protect"
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// A ReportedList is a list that runs worked on.
type ReportedList struct {
	Digest     string   `json:"digest"` // of its pairs, see input.List.Digest
	Sources    []string `json:"sources"`
	Pairs      int      `json:"pairs"`
	WithoutRow int      `json:"withoutRow"`

	self     string // object ID of the user whom rows of "me" mean
	seen     int    // pairs with a row
	ofVerify bool   // its rows are users that tapsweep verify looks at
}

// maxSources is the maximum number of names of a list.
const maxSources = 100

// addSource counts the first row of a pair.
func (l *ReportedList) addSource(source string) {
	l.seen++
	if len(l.Sources) < maxSources && !slices.Contains(l.Sources, source) {
		l.Sources = append(l.Sources, source)
	}
}

// TaskOperators are the operators who deleted passes, and those who verified that they are gone. The proof is strongest
// if they differ.
type TaskOperators struct {
	DeletedBy  []string `json:"deletedBy"`
	VerifiedBy []string `json:"verifiedBy"`
}

// writeJSON writes the report as one object.
func (r *Report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(safetext.JSON(w))
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
