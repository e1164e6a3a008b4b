package report

import (
	"context"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// An index finds the last row of each pair. It keeps 12 bytes a pair: a hash of
// what names it, and where its last row is.
type index struct {
	logs *Logs
	seed maphash.Seed
	last []place
	of   map[uint64]uint32 // index into last
}

// A place is a row: the log, and the how-manieth of its rows.
type place struct{ log, row uint32 }

func newIndex(l *Logs) *index {
	return &index{logs: l, seed: maphash.MakeSeed(), of: make(map[uint64]uint32)}
}

func (ix *index) key(list int, source string, line int, user string) uint64 {
	var b [256]byte
	key := append(strconv.AppendInt(b[:0], int64(list), 10), 0)
	key = append(strconv.AppendInt(key, int64(line), 10), 0)
	key = append(append(key, source...), 0)
	key = append(key, strings.ToLower(user)...)
	return maphash.Bytes(ix.seed, key)
}

func (ix *index) read(ctx context.Context, i int, lg *log) error {
	known := make(map[results.Outcome]bool)
	for _, o := range results.Outcomes {
		known[o] = true
	}
	if len(ix.logs.logs) > 1 {
		lg.pairs = make(map[int]uint32)
	}
	lg.runs = nil
	var run *Run
	for l, err := range lg.lines(ctx, "run", "result", "wait", "end") {
		if err != nil {
			return err
		}
		switch l.kind {
		case "run":
			if run, err = l.run(lg); err != nil {
				return err
			}
			if err := ix.logs.fits(run); err != nil {
				return err
			}
			for _, before := range lg.runs {
				before.resumed = true
			}
			lg.runs = append(lg.runs, run)
			lg.listOf = ix.logs.list(run)
		case "wait":
			w := wait{run: run}
			if err := l.decode(&w.Wait); err != nil {
				return err
			}
			ix.logs.waits = append(ix.logs.waits, w)
		case "end":
			var end results.End
			if err := l.decode(&end); err != nil {
				return err
			}
			run.end(&end)
		case "result":
			var r struct {
				Line    int             `json:"line"`
				Source  string          `json:"source"`
				User    string          `json:"user"`
				Method  string          `json:"method"`
				Outcome results.Outcome `json:"outcome"`
				Time    time.Time       `json:"time"`
			}
			if err := l.decode(&r); err != nil {
				return err
			}
			if !known[r.Outcome] {
				return fmt.Errorf("line %d has the unknown outcome %q: it is of another version of tapsweep", l.n, r.Outcome)
			}
			if r.Source == results.ScanSource {
				r.User += "\x00" + r.Method // one user may hold more passes, on no line of a list
			}
			pair := ix.add(lg, place{uint32(i), uint32(lg.rows)}, r.Source, r.Line, r.User)
			if lg.pairs != nil {
				lg.pairs[l.n] = pair
			}
			lg.rows++
			run.row(r.Time)
		}
	}
	return nil
}

// add notes a row as the last of its pair, and returns the pair.
func (ix *index) add(lg *log, at place, source string, lineNo int, user string) uint32 {
	list := ix.logs.lists[lg.listOf]
	key := ix.key(lg.listOf, source, lineNo, user)
	pair, seen := ix.of[key]
	if !seen {
		list.saw(source)
		pair, seen = ix.inList(at, source, lineNo, user)
		if !seen {
			pair = uint32(len(ix.last))
			ix.last = append(ix.last, at)
		}
		ix.of[key] = pair
	}
	if seen {
		before := ix.last[pair]
		ix.logs.logs[before.log].superseded.set(int(before.row))
		ix.last[pair] = at
	}
	return pair
}

// inList finds the pair of a row whose list was one of the other logs: what was
// left over by one run is often the list of the next.
func (ix *index) inList(at place, source string, lineNo int, user string) (pair uint32, ok bool) {
	for _, lg := range ix.logs.logs[:at.log] {
		if filepath.Base(lg.name) != filepath.Base(source) {
			continue
		}
		if pair, ok = lg.pairs[lineNo]; ok {
			return pair, true
		}
	}
	return 0, false
}

// fits refuses what makes no sense in one report.
func (l *Logs) fits(run *Run) error {
	first := l.logs[0].runs
	if len(first) == 0 {
		return nil
	}
	switch a := first[0]; {
	case a.tenant != run.tenant && a.tenant != "" && run.tenant != "":
		return fmt.Errorf("it is of tenant %s, and %s is of %s", show(run.tenant), a.Log, show(a.tenant))
	case a.graphRoot != run.graphRoot:
		return fmt.Errorf("it is of %s, and %s of %s", show(run.graphRoot), a.Log, show(a.graphRoot))
	case a.DryRun != run.DryRun:
		return fmt.Errorf("one of it and %s is a dry run, and the other is not", a.Log)
	}
	return nil
}

// list returns the index of the run's list. The pair "me" is another one for
// each signed-in user.
func (l *Logs) list(run *Run) int {
	i := slices.IndexFunc(l.lists, func(li *List) bool { return li.Digest == run.digest && li.self == run.self })
	if i < 0 {
		i = len(l.lists)
		l.lists = append(l.lists, &List{Digest: run.digest, self: run.self, Sources: []string{}})
	}
	l.lists[i].Pairs = max(l.lists[i].Pairs, run.Pairs)
	return i
}
