package report

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"time"

	"tapsweep/cmd/tapsweep/internal/fileout"
)

// Outputs are the files of a report. "-" is Stdout; an empty name is not written. They appear
// together, or not at all as far as that can be.
type Outputs struct {
	HTML, CSV, JSON, Text string

	Stdout  io.Writer
	Version string // of tapsweep

	Overwrite bool // replace files that exist

	files []*fileout.File
}

// Write writes a report in each form that has a name. If none has, the text goes to Stdout.
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
	var eachRow func(*ReportedRow) error
	var table *CSV
	if o.CSV != "" {
		w, err := o.open(o.CSV)
		if err == nil {
			table, err = NewCSV(w)
		}
		if err != nil {
			return err
		}
		eachRow = table.Row
	}
	r, err := New(ctx, logs, eachRow)
	if err == nil && table != nil {
		err = table.Close()
	}
	if err == nil && o.HTML != "" {
		page := HTMLPage{Made: time.Now(), By: o.Version}
		if o.CSV != "" && o.CSV != "-" && filepath.Dir(o.CSV) == filepath.Dir(o.HTML) {
			page.CSV = filepath.Base(o.CSV)
		}
		err = o.write(o.HTML, func(w io.Writer) error { return r.HTML(ctx, w, logs, page) })
	}
	if err == nil && o.JSON != "" {
		err = o.write(o.JSON, r.JSON)
	}
	if err == nil && (o.Text != "" || len(o.files) == 0) {
		err = o.write(cmp.Or(o.Text, "-"), r.Text)
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
