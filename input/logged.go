package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// lineMark is the start of each line of a results log.
var lineMark = []byte(`{"type":`)

// isLog reports whether a text that begins with start is a results log, because one of its
// lines starts a run. There may be other lines before it, such as the lines of standard
// error in the output of kubectl logs.
func isLog(start []byte) bool {
	if bytes.HasPrefix(bytes.TrimSpace(start), []byte{'['}) {
		return false // an array
	}
	for line := range bytes.Lines(start) {
		kind, ok := bytes.CutPrefix(line, lineMark)
		if ok && bytes.HasPrefix(bytes.TrimLeft(kind, " "), []byte(`"run"`)) && bytes.HasSuffix(line, []byte{'\n'}) {
			return true
		}
	}
	return false
}

// IsStray reports whether a line of a file is not part of the results log in it but was mixed
// in, as kubectl logs does with standard error. A broken line that begins like a line of the
// log is part of it. If a line of the log follows other text on the same line, glued is the
// length of that text, and otherwise 0: the line must not be skipped, because a row would be
// lost.
func IsStray(line []byte) (stray bool, glued int) {
	switch at := bytes.Index(line, lineMark); {
	case at == 0:
		return false, 0
	case at > 0:
		return false, at
	}
	var l struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(line, &l) != nil || l.Type == "", 0
}

// passOver reports whether line n is to be skipped because it is not part of the results log,
// and counts such lines. It returns a *LineError for a line that must not be skipped.
func (c *content) passOver(n int, line []byte) (bool, error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return false, nil
	}
	stray, glued := IsStray(line)
	if glued > 0 {
		return false, &LineError{Line: n, Msg: "the line has other text before a line of the results log: remove that text " +
			"(kubectl logs adds it with --timestamps or --prefix)"}
	}
	if stray {
		c.foreign++
	}
	return stray, nil
}

// told is what a row of a results log, or of a report made from one, tells beside
// its pair.
type told struct {
	outcome string
	origin  origin
	pending bool // another row about the pair follows
	beside  bool // the row is of a further pass, and the pair has its own row
	open    bool // a sweep was refused before it was decided whether the pass goes
}

// apply makes a row what the log says of it. What is done stays done: a row without a
// pass would otherwise mean whatever pass the user was given since. Who was protected
// stays so: the protect list need not be named again. And a row without a pass means
// whatever pass only where the pair did; a scan that could not look at a user, say, names
// nobody's pass. A user who is not there has none.
func (t *told) apply(r row) row {
	if t.beside {
		return row{line: r.line, mark: "beside"}
	}
	r.origin = t.origin
	if t.pending {
		// Where no other one follows, since the run was killed, the delete stands.
		done := t.outcome == "revoked" || t.outcome == "absent"
		return row{line: r.line, user: r.user, method: r.method, origin: r.origin, mark: "pending", logged: done, done: done}
	}
	if t.open {
		return row{line: r.line, mark: "undecided"} // a log is no yes to what was refused
	}
	r.logged = true
	r.origin.apart = t.outcome == "duplicate" || t.outcome == "invalid"
	switch t.outcome {
	case "revoked", "absent", "duplicate":
		r.done, r.err = true, nil
		return r
	case "protected":
		r.done, r.shield, r.err = true, true, nil
		return r
	case "invalid":
		r = r.refuse("", errors.New("the row was refused in an earlier run: fix it in the original list"))
		r.refused = true
		return r
	}
	if r.err == nil && r.method == "" && !t.origin.anyPass {
		if t.outcome == "unknown_user" {
			r.done, r.gone = true, true
			return r
		}
		r = r.refuse("method", errors.New("the row tells of a user without a pass, and names none: scan again, or name the user in a list"))
		r.refused = true
	}
	return r
}

// applyToUser makes a row what the log says of it in a list of users: every user counts, also
// of a pair that is done.
func (t *told) applyToUser(r row) row {
	r.logged = true
	if r.refused = t.outcome == "invalid"; r.refused && r.err != nil {
		r.err.Msg = "the run of this log refused the row, and it names no user: name the user in a list of its own"
	}
	return r
}

// reportColumns are the names by which a CSV is known to be a report's.
var reportColumns = []string{"outcome", "requestid", "attempts", "source", "line"}

// reported finds the columns of a report by their folded names, nil if the CSV is
// none.
func reported(fields []string) map[string]int {
	at := make(map[string]int)
	for i, f := range fields {
		at[fold(trim(f))] = i
	}
	for _, name := range reportColumns {
		if _, ok := at[name]; !ok {
			return nil
		}
	}
	return at
}

// told reads what a report's row tells.
func (h *header) told(fields []string) *told {
	value := func(name string) string {
		i, ok := h.report[name]
		if !ok || i >= len(fields) {
			return ""
		}
		return strings.ToLower(plainValue(trim(fields[i])))
	}
	return &told{outcome: value("outcome"), pending: value("pending") == "true",
		beside: value("beside") == "true", open: value("undecided") == "true", origin: origin{anyPass: value("anypass") == "true"}}
}
