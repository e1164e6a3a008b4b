package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/internal/safetext"
)

// addEvidence adds --evidence, for commands whose runs are proven afterwards.
func (f *runFlags) addEvidence(fl *pflag.FlagSet) {
	fl.StringVar(&f.evidence, "evidence", "", "keep results log, reports, preflight and SHA-256 sums in this new directory")
	fl.SetAnnotation("evidence", cobra.BashCompSubdirsInDir, nil)
}

// checkEvidence refuses a directory of evidence that is none, or is one already, and
// has the results log be kept in it.
func (f *runFlags) checkEvidence() error {
	switch {
	case f.evidence == "":
		return nil
	case f.results != "":
		return status.Refuse(errors.New("--evidence and --results exclude each other: the results log is kept in the directory"),
			"a log that is there already: tapsweep report makes its reports")
	case f.overwrite:
		return status.Refuse(errors.New("--evidence and --overwrite exclude each other: evidence is never replaced"))
	}
	switch err := evidence.Check(f.evidence, f.resume != ""); {
	case errors.Is(err, evidence.ErrThere) && f.resume == "":
		return status.Refuse(fmt.Errorf("--evidence: %w", err), "choose another directory, or go on with the run that it is of by --resume")
	case status.Known(err):
		return fmt.Errorf("--evidence: %w", err)
	case err != nil:
		return status.Refuse(fmt.Errorf("--evidence: %w", err), "choose another directory")
	}
	f.results = filepath.Join(f.evidence, evidence.Log)
	return nil
}

// beginEvidence puts what is known before anything is sent into the directory.
func (r *runOf) beginEvidence() error {
	if r.flags.evidence == "" {
		return nil
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s  tapsweep %s  %s\n", time.Now().UTC().Format(time.RFC3339),
		r.header.Version, safetext.Printable(strings.Join(r.header.Command, " ")))
	r.tenant.token.Print(&text, r.asked)
	if r.flags.noPreflight {
		fmt.Fprintln(&text, "not judged by it what the token may do: --no-preflight")
	}
	fmt.Fprintln(&text)
	if err := evidence.Begin(r.flags.evidence, text.String(), r.flags.resume != ""); err != nil {
		return status.RefuseFile(fmt.Errorf("--evidence: %w", err), "nothing was sent")
	}
	return nil
}

// seal writes the reports and the manifest, once the log is on disk and before the next
// run may have it. A run that was
// stopped is reported on like any other.
func (r *runOf) seal(ctx context.Context) (digest string, err error) {
	ctx = context.WithoutCancel(ctx)
	dir := r.flags.evidence
	logs, err := report.OpenLogs(ctx, append([]string{r.log.Name()}, r.proves...))
	if err != nil {
		return "", err
	}
	defer logs.Close()
	in := func(name string) string { return filepath.Join(dir, name) }
	out := &outputs{app: r.app, overwrite: true}
	defer out.abort()
	f := &reportFlags{text: in(evidence.Text), html: in(evidence.HTML), csv: in(evidence.CSV), json: in(evidence.JSON)}
	if err := out.report(ctx, f, logs); err != nil {
		return "", err
	}
	if err := out.commit(); err != nil {
		return "", err
	}
	return evidence.Seal(dir)
}
