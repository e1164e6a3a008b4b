package scan

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/input"
)

// Formats are the formats of a Writer. All except the table can be used as lists.
var Formats = []string{"csv", "jsonl", "table"}

// Begins returns the first bytes of the output in each of Formats.
func Begins() []string {
	return []string{strings.Join(columns, ","), `{"user":`, "USER "}
}

// A Line is one pass in the output.
type Line struct {
	User       string    `json:"user"`
	Method     string    `json:"method"`
	UPN        string    `json:"userPrincipalName"`
	Reason     string    `json:"reason"`
	Created    time.Time `json:"created,omitzero"`
	Start      time.Time `json:"start,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
	UsableOnce bool      `json:"usableOnce"`

	input.Creation
}

var columns = []string{"user", "method", "userPrincipalName", "reason", "created", "start", "expires", "usableOnce"}

// A Writer writes passes in one of Formats.
type Writer struct {
	audit bool
	lines int
	buf   *bufio.Writer
	write func(*Line) error
	flush func() error // writes to buf what write has held back
}

// NewWriter returns a Writer in a format of Formats. If audit is set, the passes come from the audit log, and the
// lines have the fields of the audit record.
func NewWriter(w io.Writer, format string, audit bool) (*Writer, error) {
	out := &Writer{audit: audit, buf: bufio.NewWriterSize(w, 64<<10)}
	switch format {
	case "csv":
		rows, head := csv.NewWriter(out.buf), columns
		if audit {
			head = slices.Concat(columns, input.CreationColumns)
		}
		out.write = func(l *Line) error { return rows.Write(out.fields(l)) }
		out.flush = func() error { rows.Flush(); return rows.Error() }
		return out, rows.Write(head)
	case "table":
		tabs := tabwriter.NewWriter(out.buf, 0, 0, 2, ' ', 0)
		out.write = func(l *Line) error { return out.row(tabs, l) }
		out.flush = tabs.Flush
	default:
		enc := json.NewEncoder(safetext.JSON(out.buf))
		enc.SetEscapeHTML(false)
		out.write = func(l *Line) error { return enc.Encode(l) }
		out.flush = func() error { return nil }
	}
	return out, nil
}

// Write writes a pass. Some errors are returned only by Close.
func (w *Writer) Write(l *Line) error {
	w.lines++
	return w.write(l)
}

// Empty reports whether no pass was written.
func (w *Writer) Empty() bool { return w.lines == 0 }

// Close writes buffered data. It does not close the io.Writer.
func (w *Writer) Close() error { return cmp.Or(w.flush(), w.buf.Flush()) }

// fields returns the fields of a pass in a CSV file.
func (w *Writer) fields(l *Line) []string {
	fields := []string{l.User, l.Method, l.UPN, l.Reason, stamp(l.Created), stamp(l.Start), stamp(l.Expires),
		fmt.Sprint(l.UsableOnce)}
	if w.audit {
		fields = append(fields, l.Creation.Values()...)
	}
	for i, value := range fields {
		fields[i] = input.CSVValue(value)
	}
	return fields
}

// row writes a pass in the table.
func (w *Writer) row(tabs io.Writer, l *Line) error {
	head, creation := "USER\tPASS\tREASON\tCREATED\tEXPIRES\tONE-TIME", ""
	if w.audit {
		head += "\tCREATED BY\tMATCHED"
		creation = "\t" + cmp.Or(safetext.Printable(l.Creation.By), "?") + "\t" + safetext.Printable(l.Match)
	}
	if w.lines == 1 {
		if _, err := fmt.Fprintln(tabs, head); err != nil {
			return err
		}
	}
	once := "no"
	if l.UsableOnce {
		once = "yes"
	}
	_, err := fmt.Fprintf(tabs, "%s\t%s\t%s\t%s\t%s\t%s%s\n", safetext.Printable(cmp.Or(l.UPN, l.User)),
		safetext.Printable(l.Method), l.Reason, minute(l.Created), minute(l.Expires), once, creation)
	return err
}

func stamp(t time.Time) string { return format.Time(t, time.RFC3339, "") }

func minute(t time.Time) string { return format.Time(t, "2006-01-02 15:04Z", "?") }
