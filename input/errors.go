package input

import (
	"fmt"
	"strconv"
	"strings"
)

const maxProblems = 20 // how many errors Problems keeps

// A LineError is an error at one place of a list.
type LineError struct {
	Source string // empty if the caller names it
	Line   int    // counted from 1, 0 if the error is about the whole list
	Column int    // in bytes, counted from 1, 0 if it is unknown
	Msg    string // what is wrong and what to do about it
	Err    error  // the cause, if there is one
}

// Error returns the place and the message: `list.csv:4: method "no... (4 characters)" is not a GUID`.
func (e *LineError) Error() string {
	return place(e.Source, e.Line, e.Column) + ": " + e.Msg
}

// place returns a place such as list.csv:7, or line 7 without a source. Line and column are left out if they are 0.
func place(source string, line, column int) string {
	switch {
	case line > 0 && source == "":
		source = "line " + strconv.Itoa(line)
	case line > 0:
		source += ":" + strconv.Itoa(line)
	}
	if column > 0 {
		source += ":" + strconv.Itoa(column)
	}
	return source
}

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Problems has all errors in lists, in the order of the lists.
type Problems struct {
	Errs  []*LineError // the first 20
	Count int          // all of them
	Cut   bool         // SkipInvalid cannot skip all of them, for example because the rest of a list is unreadable
}

// Add counts an error. It keeps the first 20.
func (p *Problems) Add(e *LineError) {
	p.Count++
	if len(p.Errs) < maxProblems {
		p.Errs = append(p.Errs, e)
	}
}

// addFatal adds an error that SkipInvalid cannot skip.
func (p *Problems) addFatal(e *LineError) {
	p.Add(e)
	p.Cut = true
}

// Error returns the kept errors, one on each line, and the number of the others.
func (p *Problems) Error() string {
	var lines []string
	for _, e := range p.Errs {
		lines = append(lines, e.Error())
	}
	if more := p.Count - len(p.Errs); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the kept errors, for errors.Is and errors.As.
func (p *Problems) Unwrap() []error {
	errs := make([]error, len(p.Errs))
	for i, e := range p.Errs {
		errs[i] = e
	}
	return errs
}

// An EmptyError is returned if the lists are valid but have no rows: only a header or an empty array, as a scan writes
// if it finds nothing. There is nothing to do.
type EmptyError struct {
	Sources []string // as they were given to Open, "stdin" for "-"
}

func (e *EmptyError) Error() string {
	verb := "has"
	if len(e.Sources) > 1 {
		verb = "have"
	}
	return strings.Join(e.Sources, ", ") + " " + verb + " no rows"
}
