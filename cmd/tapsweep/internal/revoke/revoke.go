// Package revoke is the job: it turns pairs of user and pass into requests, and
// their responses into what became of each pair.
//
// A pair whose pass is known is one DELETE. Graph's 404 to it does not tell a
// pass that is gone from one that was replaced or a user that does not exist,
// so it is followed by a LIST of the user's passes, which does. A pair without
// a pass begins with that LIST.
package revoke

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Options of a Job.
type Options struct {
	// DryRun only lists: a pass that would be deleted is Planned.
	DryRun bool

	// Settled tells pairs, by source, line and user, that need nothing more: they
	// get no request and no row. Nil means none.
	Settled func(source string, line int, user string) bool

	// Protected tells users that must not be touched, nor read: their pairs are
	// Protected. Nil means none.
	Protected func(user string) bool

	// Self are the names of the signed-in user, whom a pair may also call
	// input.Me. Writes for one user never travel together.
	Self []string

	// Caller helps to tell what a 403 means.
	Caller Caller

	// AbortAfter ends the run with ErrAllDenied if so many answers, the first ones,
	// are all 403. Zero or less never does.
	AbortAfter int

	// Looks is how often a pass is deleted that Graph says is gone (404) and
	// lists all the same, which is what a replica does that lags behind. Zero
	// means 4, with pauses of 2, 4 and 8 seconds between.
	Looks int
}

// A Source yields the pairs of a list in order. An error ends it.
type Source = iter.Seq2[input.Pair, error]

// Counts sums a run up.
type Counts struct {
	Outcomes  map[results.Outcome]int
	Codes     map[string]int // error codes of rows that are not done
	Throttled int            // refusals with 429
	Requests  int            // individual requests answered or lost, refusals included
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
	for o, k := range c.Outcomes {
		if !o.Done() {
			n += k
		}
	}
	return n
}

// A Job runs pairs through a runner and writes one row for each.
type Job struct {
	runner *batch.Runner
	write  func(*results.Row) error
	opts   Options

	counts Counts
	abort  *abort
	stop   context.CancelCauseFunc
}

// New returns a Job. It calls write once for each pair, from one goroutine; an
// error of it stops the run before more is sent.
func New(runner *batch.Runner, write func(*results.Row) error, opts Options) *Job {
	if opts.Looks <= 0 {
		opts.Looks = 4
	}
	return &Job{runner: runner, write: write, opts: opts, abort: newAbort(opts.AbortAfter), counts: Counts{
		Outcomes: make(map[results.Outcome]int),
		Codes:    make(map[string]int),
	}}
}

// Run works off the pairs. Its error tells why it stopped early; pairs that
// could not be revoked are rows. Counts is valid in either case, and a Job runs
// once.
func (j *Job) Run(ctx context.Context, pairs Source) (Counts, error) {
	ctx, j.stop = context.WithCancelCause(ctx)
	defer j.stop(nil)
	err := j.runner.Run(ctx, j.requests(pairs), j.settle)
	return j.counts, err
}

// requests turns pairs into first requests. It runs on the runner's goroutine,
// as settle does, so rows that need no request are written from here.
func (j *Job) requests(pairs Source) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for pair, err := range pairs {
			if err != nil {
				j.stop(err)
				return
			}
			if j.opts.Settled != nil && j.opts.Settled(pair.Source, pair.Line, pair.User) {
				continue
			}
			w := &work{pair: pair, method: pair.Method}
			switch {
			case pair.Err != nil:
				j.row(w, results.Row{Outcome: results.Invalid, Message: pair.Err.Error()})
				continue
			case j.opts.Protected != nil && j.opts.Protected(pair.User):
				j.row(w, results.Row{Outcome: results.Protected})
				continue
			case pair.FirstOf != nil:
				j.row(w, results.Row{Outcome: results.Duplicate,
					Message: fmt.Sprintf("the same pair as %s:%d", pair.FirstOf.Source, pair.FirstOf.Line)})
				continue
			}
			w.key = j.key(pair.User)
			req := w.delete()
			if j.opts.DryRun || w.method == "" {
				req = w.list(looking)
			}
			if !yield(req) {
				return
			}
		}
	}
}

// work is a pair under way; it travels as the request's tag.
type work struct {
	pair      input.Pair
	key       string // the user, by one name
	method    string // the pass to delete, once it is known
	step      step
	rest      []string     // further passes of a user whose pair names none
	looks     int          // LISTs that showed a pass that a DELETE did not find
	deletes   int          // sends of the last DELETE
	revoked   bool         // a pass was deleted, for a pair that names none
	uncertain bool         // a DELETE may have been carried out without an answer
	last      *results.Row // of the DELETE that a LIST is to explain
}

// step is what the request under way is for.
type step int

const (
	deleting   step = iota
	looking         // LIST: which pass does the user hold?
	explaining      // LIST: why did the DELETE find nothing?
	checking        // LIST: was it deleted by an attempt without an answer?
)

// key is the same for all names that are known of a user.
func (j *Job) key(user string) string {
	for _, name := range j.opts.Self {
		if strings.EqualFold(name, user) {
			return input.Me
		}
	}
	return strings.ToLower(user)
}

func (w *work) delete() batch.Request {
	w.step = deleting
	return batch.Request{
		Method: "DELETE",
		URL:    PassURL(w.pair.User, w.method),
		Key:    w.key,
		Tag:    w,
	}
}

func (w *work) list(why step) batch.Request {
	w.step = why
	return batch.Request{Method: "GET", URL: PassesURL(w.pair.User), Tag: w}
}

// settle takes in the answer to a request of a pair. It either writes the row
// or returns the pair's next request.
func (j *Job) settle(res batch.Result) []batch.Request {
	w := res.Request.Tag.(*work)
	j.counts.Throttled += res.Throttled
	j.counts.Requests += res.Throttled + res.Attempts
	var next *batch.Request
	switch w.step {
	case deleting:
		next = j.deleted(w, res)
	case looking:
		next = j.looked(w, res)
	case explaining:
		next = j.explained(w, res)
	case checking:
		j.checked(w, res)
	}
	if next == nil {
		return nil
	}
	return []batch.Request{*next}
}

func (j *Job) deleted(w *work, res batch.Result) *batch.Request {
	row := toRow(res)
	w.deletes, w.uncertain = res.Attempts, w.uncertain || res.Uncertain
	switch {
	case res.Err == nil && res.Response.Status < 300:
		row.Outcome = results.Revoked
		w.revoked = true
		if len(w.rest) > 0 {
			w.method, w.rest = w.rest[0], w.rest[1:]
			return new(w.delete())
		}
	case res.Err == nil && res.Response.Status == 404:
		w.last = &row
		return new(w.list(explaining))
	case res.Uncertain && !errors.Is(res.Err, batch.ErrNotSent):
		w.last = &row
		return new(w.list(checking))
	}
	j.row(w, row)
	return nil
}

// looked handles the first LIST of a pair that names no pass, and all there is
// of a dry run.
func (j *Job) looked(w *work, res batch.Result) *batch.Request {
	row := toReadRow(res)
	passes, err := readPasses(res)
	switch {
	case err != nil:
		row.Message = err.Error()
	case !listed(res):
	case j.opts.DryRun:
		row.Outcome = dryRun(w, passes)
	case len(passes) == 0:
		row.Outcome = results.Absent
	default:
		// A user has one pass at most, by the documentation; the row names the
		// last one should there be more.
		w.method, w.rest = passes[0], passes[1:]
		return new(w.delete())
	}
	j.row(w, row)
	return nil
}

func dryRun(w *work, passes []string) results.Outcome {
	if w.method == "" && len(passes) > 0 {
		w.method = passes[0]
	}
	switch {
	case len(passes) == 0:
		return results.Absent
	case holds(passes, w.method):
		return results.Planned
	default:
		return results.Replaced
	}
}

// explained handles the LIST after a DELETE that found nothing.
func (j *Job) explained(w *work, res batch.Result) *batch.Request {
	row := toReadRow(res)
	row.Attempts = w.deletes
	passes, err := readPasses(res)
	switch {
	case err != nil || !listed(res):
		// The pass is gone, but what the user holds now is not known.
		if err != nil {
			row.Message = err.Error()
		}
		if row.Outcome != results.UnknownUser {
			row.Message = join("Graph found no such pass (404), and could not tell what the user holds now", row.Message)
		}
	case len(passes) == 0:
		row.Outcome = results.Absent
		if w.uncertain || w.revoked {
			// An attempt before this one was carried out, and its answer lost.
			row.Outcome = results.Revoked
		}
	case holds(passes, w.method):
		if w.looks++; w.looks < j.opts.Looks {
			req := w.delete()
			req.Delay = time.Second << w.looks
			return &req
		}
		row.Outcome = results.Failed
		row.Message = "Graph finds no such pass (404) and lists it all the same"
	case w.pair.Method == "":
		// It was replaced between our LIST and our DELETE.
		if w.looks++; w.looks < j.opts.Looks {
			w.method = passes[0]
			return new(w.delete())
		}
		row.Outcome = results.Replaced
		row.Message = "the user gets new passes faster than they can be deleted"
	default:
		row.Outcome = results.Replaced
		row.Message = "the user holds another pass: " + batch.Printable(passes[0])
	}
	j.row(w, row)
	return nil
}

// checked handles the LIST after a DELETE that failed for good, an attempt of
// which may have been carried out.
func (j *Job) checked(w *work, res batch.Result) {
	row := *w.last
	if passes, err := readPasses(res); err == nil && listed(res) && !holds(passes, w.method) {
		row.Outcome = results.Revoked
		row.Message = join("gone, although the last attempt failed", row.Message)
	}
	j.row(w, row)
}

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

// row writes what became of the pair, for good.
func (j *Job) row(w *work, row results.Row) {
	row.Line, row.Source = w.pair.Line, w.pair.Source
	row.User, row.Method = w.pair.User, w.method
	row.Time = time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = j.opts.Caller.Hint(w.pair.User)
	}
	j.counts.Outcomes[row.Outcome]++
	if code := cause(&row); code != "" && len(j.counts.Codes) < 1000 {
		j.counts.Codes[batch.Printable(code)]++
	}
	if err := j.write(&row); err != nil {
		j.stop(err)
	}
	if j.abort.note(row.Outcome) {
		j.stop(fmt.Errorf("%w: the first %d answers", ErrAllDenied, j.opts.AbortAfter))
	}
}
