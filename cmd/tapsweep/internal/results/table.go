package results

import (
	"bufio"
	"bytes"
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

// maxHeader bounds the first line of a report's CSV file.
const maxHeader = 4 << 10

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
		buffered := bufio.NewReaderSize(f, maxLine)
		start, err := buffered.Peek(maxHeader)
		if err != nil && err != io.EOF {
			yield(nil, err)
			return
		}
		r := csv.NewReader(buffered)
		first, _, _ := bytes.Cut(start, []byte("\n"))
		comma, columns := tableHeader(string(first))
		r.Comma, r.ReuseRecord = comma, true
		for _, name := range []string{"user", "method"} {
			if _, ok := columns[name]; !ok {
				yield(nil, &LineError{1, fmt.Sprintf("lacks the column %s, which a report has", name)})
				return
			}
		}
		_, err = r.Read() // the header
		for err == nil {
			var fields []string
			if fields, err = r.Read(); err == nil {
				line, _ := r.FieldPos(0)
				if !yield(tableRow(line, fields, columns), nil) {
					return
				}
			}
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			err = &LineError{bad.StartLine, "cannot be read: " + bad.Err.Error()}
		}
		if err != io.EOF {
			yield(nil, err)
		}
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
	return &Record{Kind: KindRow, Line: line, Row: row}
}
