package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"tapsweep/input"
)

var csvHeader = []string{"source", "line", "user", "method", "outcome", "status", "code", "message", "attempts",
	"requestId", "time", "hint", "reason", "verified", "userPrincipalName", "verifiedAt", "pending", "anyPass",
	"column", "beside", "createdBy", "createdAt", "auditId", "auditMatch", "action", "sentAt"}

// A csvFile writes one line for each row, in a form that is safe to open in a spreadsheet. Rows without beside are the
// pairs, except for duplicates. A row with beside is about a further pass, and has the request ID of its delete.
type csvFile struct{ w *csv.Writer }

// newCSV writes the header. If that fails, Close returns the error.
func newCSV(w io.Writer) *csvFile {
	c := &csvFile{csv.NewWriter(w)}
	_ = c.w.Write(csvHeader)
	return c
}

func (c *csvFile) writeRow(r *reportedRow) error {
	fields := []string{r.Source, strconv.Itoa(r.Line), r.User, r.Method, string(r.Outcome), strconv.Itoa(r.Status),
		r.Code, r.Message, strconv.Itoa(r.Attempts), r.RequestID, r.Time.Format(time.RFC3339Nano), r.Hint, r.Reason,
		ifSet(r.Verified, "true"), r.UPN, ifSet(r.VerifiedAt, r.VerifiedAt.Format(time.RFC3339Nano)),
		ifSet(r.Provisional, "true"), ifSet(r.AnyPass, "true"),
		ifSet(r.Column, strconv.Itoa(r.Column)), ifSet(r.Beside, "true")}
	fields = append(fields, r.Creation.Values()...)
	fields = append(fields, string(r.Action), ifSet(r.SentAt, r.SentAt.Format(time.RFC3339)))
	for i, f := range fields {
		fields[i] = input.CSVValue(f)
	}
	return c.w.Write(fields)
}

// ifSet returns text unless value is zero.
func ifSet[T comparable](value T, text string) string {
	var zero T
	if value == zero {
		return ""
	}
	return text
}

// Close writes buffered data. It does not close the writer.
func (c *csvFile) Close() error {
	c.w.Flush()
	return c.w.Error()
}
