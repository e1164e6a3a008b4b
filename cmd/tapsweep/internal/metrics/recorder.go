package metrics

import (
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// A Recorder records what one command writes to the metrics file. Nil records nothing.
type Recorder struct {
	start   time.Time
	run     Run
	expired *Expired // nil for a command that does not look for passes
	began   bool
}

// NewRecorder returns a Recorder for a command that begins now.
func NewRecorder() *Recorder { return &Recorder{start: time.Now()} }

// A Result is how a run ended.
type Result struct {
	Outcomes map[results.Outcome]int // rows
	Log      map[results.Outcome]int // rows of the whole log, nil if they are the same
	Refused  int                     // requests
	Scan     *scan.Counts            // nil if the run does not look for passes
	Sessions map[results.Outcome]int // users of the whole log by what became of their sessions, nil without
	Complete bool                    // the run reached its end, so it has scanned everybody
}

// Scans says that the command looks for passes.
func (r *Recorder) Scans() {
	if r != nil {
		r.expired = NewExpired()
	}
}

// Found records a pass that a scan has found.
func (r *Recorder) Found(f *scan.Found) {
	if r != nil {
		r.expired.Found(f)
	}
}

// Earlier records a row of an earlier run on the same log.
func (r *Recorder) Earlier(row *results.Row) {
	if r != nil {
		r.expired.Earlier(row)
	}
}

// Row records the outcome of a pass.
func (r *Recorder) Row(row *results.Row) {
	if r != nil {
		r.expired.Row(row)
	}
}

// Batch does nothing, because Result has the counts of batches.
func (r *Recorder) Batch(batch.Observation) {}

// Began says that the run has begun.
func (r *Recorder) Began() {
	if r != nil {
		r.began = true
	}
}

// Ended records how the run ended.
func (r *Recorder) Ended(result Result) {
	if r == nil {
		return
	}
	r.run.Outcomes, r.run.Log, r.run.Refused = result.Outcomes, result.Log, result.Refused
	r.run.Sessions = result.Sessions
	if result.Complete {
		r.run.Expired = r.expired
	}
	if result.Scan != nil {
		r.run.Users, r.run.Before = result.Scan.Users, result.Scan.Earlier
	}
}

// HasBegun reports whether the run has begun.
func (r *Recorder) HasBegun() bool { return r != nil && r.began }

// Write writes the file for a command that ended with an exit code.
func (r *Recorder) Write(path, command string, code int) error {
	r.run.Command, r.run.End, r.run.Exit = command, time.Now(), code
	r.run.Took = r.run.End.Sub(r.start)
	return r.run.Write(path)
}
