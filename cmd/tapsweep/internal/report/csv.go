package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"tapsweep/input"
)

// csvHeader names the columns. The first rows of it make the file a list, too.
var csvHeader = []string{"source", "line", "user", "method", "outcome", "status", "code", "message", "attempts",
	"requestId", "time", "hint", "reason", "verified", "userPrincipalName", "verifiedAt", "pending", "anyPass",
	"undecided", "column", "beside"}

// A CSV writes one line for each row, safe to be opened in a spreadsheet. The rows without beside are the
// pairs, except for duplicates. A row with beside is about a further pass, and has the request id of its delete.
type CSV struct {
	w      *csv.Writer
	fields []string
}

// NewCSV starts with the header.
func NewCSV(w io.Writer) (*CSV, error) {
	c := &CSV{w: csv.NewWriter(w)}
	return c, c.w.Write(csvHeader)
}

// Row writes a row.
func (c *CSV) Row(r *Row) error {
	verified, at, pending, anyPass, undecided, column, beside := "", "", "", "", "", "", ""
	if r.Verified {
		verified = "true"
	}
	if !r.VerifiedAt.IsZero() {
		at = r.VerifiedAt.Format(time.RFC3339Nano)
	}
	if r.Pending {
		pending = "true"
	}
	if r.AnyPass {
		anyPass = "true"
	}
	if r.Undecided {
		undecided = "true"
	}
	if r.Column > 0 {
		column = strconv.Itoa(r.Column)
	}
	if r.Beside {
		beside = "true"
	}
	c.fields = append(c.fields[:0], r.Source, strconv.Itoa(r.Line), r.User, r.Method, string(r.Outcome),
		strconv.Itoa(r.Status), r.Code, r.Message, strconv.Itoa(r.Attempts), r.RequestID,
		r.Time.Format(time.RFC3339Nano), r.Hint, r.Reason, verified, r.UPN, at, pending, anyPass,
		undecided, column, beside)
	for i, f := range c.fields {
		c.fields[i] = input.CSVValue(f)
	}
	return c.w.Write(c.fields)
}

// Close writes what is left, but does not close the writer.
func (c *CSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}
