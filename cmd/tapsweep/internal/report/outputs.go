package report

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"time"

	"tapsweep/cmd/tapsweep/internal/fileout"
)

// Outputs are the files of a report. "-" means Stdout; a file with an empty name is not written. If possible, either
// all files appear or none.
type Outputs struct {
	HTML, CSV, JSON, Text string

	Stdout  io.Writer
	Version string // of tapsweep

	Overwrite bool // replace files that exist

	files []*fileout.File
}

// Write writes all files with a name. If there are none, it writes the text to Stdout.
func (o *Outputs) Write(ctx context.Context, logs *Logs) error {
	defer func() {
		for _, f := range o.files {
			f.Abort() // if it is not committed
		}
	}()
	if err := o.render(ctx, logs); err != nil {
		return err
	}
	for _, f := range o.files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outputs) render(ctx context.Context, logs *Logs) error {
	var eachRow func(*reportedRow) error
	var table *csvFile
	if o.CSV != "" {
		w, err := o.open(o.CSV)
		if err != nil {
			return err
		}
		table = newCSV(w)
		eachRow = table.writeRow
	}
	r, err := makeReport(ctx, logs, eachRow)
	if err == nil && table != nil {
		err = table.Close()
	}
	if err == nil && o.HTML != "" {
		page := htmlPage{Made: time.Now(), By: o.Version}
		if o.CSV != "" && o.CSV != "-" && filepath.Dir(o.CSV) == filepath.Dir(o.HTML) {
			page.CSV = filepath.Base(o.CSV)
		}
		err = o.write(o.HTML, func(w io.Writer) error { return r.writeHTML(ctx, w, logs, page) })
	}
	if err == nil && o.JSON != "" {
		err = o.write(o.JSON, r.writeJSON)
	}
	if err == nil && (o.Text != "" || len(o.files) == 0) {
		err = o.write(cmp.Or(o.Text, "-"), r.writeText)
	}
	return err
}

func (o *Outputs) open(path string) (io.Writer, error) {
	f, err := fileout.Open(path, o.Stdout, o.Overwrite)
	if err != nil {
		return nil, err
	}
	o.files = append(o.files, f)
	return f, nil
}

func (o *Outputs) write(path string, write func(io.Writer) error) error {
	w, err := o.open(path)
	if err != nil {
		return err
	}
	return write(w)
}
