package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"tapsweep/input"
)

// tableColumns are the columns by which a CSV file is known to be a report's.
var tableColumns = []string{"outcome", "requestid", "attempts", "source", "line"}

// tableHeader returns the delimiter and the columns of a report's CSV file, in lower case, or 0
// for another first line. A spreadsheet may have changed the delimiter.
func tableHeader(first string) (comma rune, columns map[string]int) {
	for _, comma := range ",;\t" {
		r := csv.NewReader(strings.NewReader(first))
		r.Comma = comma
		fields, err := r.Read()
		if err != nil {
			continue
		}
		columns := make(map[string]int)
		for i, name := range fields {
			columns[strings.ToLower(strings.TrimSpace(name))] = i
		}
		missing := func(name string) bool { _, ok := columns[name]; return !ok }
		if !slices.ContainsFunc(tableColumns, missing) {
			return comma, columns
		}
	}
	return 0, nil
}

// readTable reads the CSV file of a report, and yields its rows.
func readTable(f io.Reader) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		capped := &cappedReader{r: f, limit: maxLine}
		r := csv.NewReader(capped)
		first, err := firstLine(capped)
		if err != nil {
			yield(nil, err)
			return
		}
		var columns map[string]int
		last := 1 // the line on which the last row ended
		r.Comma, columns = tableHeader(first)
		r.FieldsPerRecord = len(columns)
		r.ReuseRecord = true
		for _, name := range []string{"user", "method"} {
			if _, ok := columns[name]; !ok {
				yield(nil, &LineError{1, fmt.Sprintf("lacks the column %s, which a report has", name)})
				return
			}
		}
		for header := capped.off; ; {
			capped.limit = header + r.InputOffset() + maxLine
			fields, err := r.Read()
			if err == io.EOF {
				return
			}
			if errors.Is(err, errTooLong) {
				err = &LineError{last + 1, "begins a row that is longer than 1 MiB: is a closing quote missing?"}
			}
			if bad, ok := errors.AsType[*csv.ParseError](err); ok {
				err = &LineError{bad.StartLine + 1, "cannot be read: " + bad.Err.Error()}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			line, _ := r.FieldPos(0)
			end, _ := r.FieldPos(len(fields) - 1)
			last = end + 1 + strings.Count(fields[len(fields)-1], "\n")
			if !yield(tableRow(line+1, fields, columns), nil) {
				return
			}
		}
	}
}

// firstLine reads the first line, and no more.
func firstLine(r io.Reader) (string, error) {
	var line strings.Builder
	for b := make([]byte, 1); ; {
		_, err := io.ReadFull(r, b)
		if err != nil && (err != io.EOF || line.Len() == 0) {
			return "", err
		}
		if err == io.EOF || b[0] == '\n' {
			return line.String(), nil
		}
		line.WriteByte(b[0])
	}
}

// tableRow returns a row of a report's CSV file as a record.
func tableRow(line int, fields []string, columns map[string]int) *Record {
	value := func(name string) string {
		i, ok := columns[name]
		if !ok {
			return ""
		}
		return input.PlainValue(strings.TrimSpace(fields[i]))
	}
	is := func(name string) bool { return strings.EqualFold(value(name), "true") }
	row := &Row{Source: value("source"), User: value("user"), Method: value("method"), UPN: value("userprincipalname"),
		Outcome: Outcome(strings.ToLower(value("outcome"))), Provisional: is("pending"), AnyPass: is("anypass"),
		Undecided: is("undecided"), Beside: is("beside")}
	row.Line, _ = strconv.Atoi(value("line"))
	row.Column, _ = strconv.Atoi(value("column"))
	for _, name := range input.CreationColumns {
		row.Creation.Set(name, value(strings.ToLower(name)))
	}
	rec := &Record{Kind: KindRow, Line: line, Row: row}
	if Action(value("action")) == RevokeSessions {
		rec.Kind = KindSessions
	}
	return rec
}
