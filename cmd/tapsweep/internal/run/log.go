package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// openLog creates a results log, or opens the log of an earlier run to resume it.
func (r *run) openLog() (err error) {
	log := &r.opts.Log
	if log.Evidence != "" {
		if err := evidence.Make(log.Evidence); err != nil {
			return status.RefuseFile(fmt.Errorf("--evidence: %w", err), fileHints(err, logFlags)...)
		}
	}
	if !log.Resume {
		if log.Path == "-" {
			r.log = results.Stream(r.console.Out)
			return nil
		}
		if r.log, err = results.Create(log.Path, log.Overwrite); err != nil {
			return status.RefuseFile(err, fileHints(err, logFlags)...)
		}
		return nil
	}
	opts := r.resume
	opts.Protected = r.isProtectedName
	r.log, r.earlier, err = results.Resume(log.Path, r.header, opts)
	if err != nil && !status.Known(err) {
		return status.Refuse(err, r.resumeHints(err)...)
	}
	if err == nil && r.scope != nil && r.earlier.First != nil {
		// Otherwise the time that an age means would move from run to run, and the runs would miss passes.
		r.header.Since = r.earlier.First.Since
	}
	return err
}

// closeLog closes the log of a run that ends with an error before its work begins, and returns the error.
func (r *run) closeLog(err error) error {
	if r.log == nil {
		return err
	}
	return errors.Join(err, r.log.Close())
}

// fileHints returns what to do about a file or directory that cannot be written. flags are those that name it.
func fileHints(err error, flags string) []string {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return []string{"choose a place where you may write, with " + flags}
	}
	return nil
}

// logFlags are the flags that name the results log.
const logFlags = "--results or --evidence"

// resumeHints returns what to do about a log that cannot be resumed.
func (r *run) resumeHints(err error) []string {
	if hints := fileHints(err, logFlags); hints != nil {
		return hints
	}
	if _, ok := errors.AsType[*input.LineError](err); ok {
		return []string{"nothing was deleted: keep a copy of the log, remove that line and resume; " +
			"tapsweep looks up again what the removed line recorded"}
	}
	if _, ok := errors.AsType[*results.MissingFlagError](err); ok {
		return []string{"for a run without this flag, name another --results file or --evidence directory"}
	}
	return []string{"to resume, use the same lists or scope in the same tenant; for a new run, " +
		"name another --results file or --evidence directory"}
}

// write writes a line to the log. It does nothing for a run without a log.
func (r *run) write(line any) error {
	if r.log == nil {
		return nil
	}
	r.earlier.Wrote(line)
	return r.log.Write(line)
}

// beginEvidence writes preflight.txt into the directory of the evidence.
func (r *run) beginEvidence() error {
	dir := r.opts.Log.Evidence
	if dir == "" {
		return nil
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s  tapsweep %s  %s\n", time.Now().UTC().Format(time.RFC3339),
		r.header.Version, safetext.Printable(strings.Join(r.header.Command, " ")))
	if deleted := r.header.DeletedBy; len(deleted) > 0 {
		fmt.Fprintf(&text, "deleted by:    %s\nverified by:   %s\n", safetext.Printable(strings.Join(deleted, ", ")),
			format.OrUnknown(r.header.Operator))
	}
	r.tenant.Token.Print(&text, r.task)
	text.WriteString(r.sinceLine())
	if r.opts.NoPreflight {
		fmt.Fprintln(&text, "tapsweep did not check what the token allows: --no-preflight")
	}
	fmt.Fprintln(&text)
	if err := evidence.Begin(dir, text.String(), r.opts.Log.Resume); err != nil {
		return status.RefuseFile(fmt.Errorf("--evidence: %w", err), "nothing was deleted")
	}
	return nil
}

// syncAnnounced syncs the log before a batch with a DELETE is sent, if no list names the pass. So a sweep that
// is killed, or whose machine loses power, leaves a row for each pass that it deleted. The sync is here and
// not where the pass is found: only the batch waits, and all waiting batches share one fsync.
func (r *run) syncAnnounced(_ context.Context, requests []batch.Request) error {
	isDelete := func(req batch.Request) bool { return req.Method == "DELETE" }
	if r.log == nil || !slices.ContainsFunc(requests, isDelete) {
		return nil
	}
	return r.log.SyncAnnounced()
}

// checkLog refuses a results log that must not be written, such as a file that is also a list. The directory
// of the evidence need not exist. The list "-" is stdin.
func checkLog(log *LogOptions, stdin io.Reader, lists ...string) error {
	path := log.Path
	if err := checkEvidence(log); err != nil {
		return err
	}
	if slices.Contains(standardStreams, filepath.Clean(path)) {
		return status.Refuse(fmt.Errorf("--results: %s is the output of tapsweep itself", path),
			"use --results - for standard output")
	}
	there, err := os.Stat(path)
	if err == nil && !there.Mode().IsRegular() && !there.IsDir() {
		return status.Refuse(fmt.Errorf("--results: %s is a pipe or a device", path),
			"use --results - and redirect standard output, or name a file")
	}
	mayReplace := log.Overwrite || log.Resume
	if mayReplace && path != "" && path != "-" {
		if err := results.CheckTrust(path); err != nil {
			return status.Of(fmt.Errorf("--results: %w", err))
		}
	}
	if log.Evidence != "" && err != nil {
		return nil
	}
	for _, list := range lists {
		info, listErr := os.Stat(list)
		if file, ok := stdin.(*os.File); ok && list == "-" {
			info, listErr = file.Stat()
		}
		if err == nil && listErr == nil && os.SameFile(there, info) {
			return status.Refuse(fmt.Errorf("--results: %s is also a list", path), "choose another --results file")
		}
	}
	if log.Evidence == "" && evidence.Contains(path) {
		return status.Refuse(fmt.Errorf("--results: %s is evidence, which must not change", path),
			"to resume its run, use --evidence "+filepath.Dir(path)+" --resume")
	}
	if log.Overwrite && err == nil && there.Mode().IsRegular() {
		if err := results.CheckReplaceable(path); err != nil {
			return status.Refuse(fmt.Errorf("--results: %w", err), "choose another --results file")
		}
	}
	if err := fileout.Check("--results", path, mayReplace); err != nil {
		return status.Of(err)
	}
	return nil
}

// standardStreams are paths of standard output and standard error. A log that is opened there would overwrite
// other output.
var standardStreams = []string{"/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1",
	"/proc/self/fd/2"}

// checkEvidence refuses a directory that cannot hold the evidence, or that holds the evidence of another run.
func checkEvidence(log *LogOptions) error {
	if log.Evidence == "" {
		return nil
	}
	err := evidence.Check(log.Evidence, log.Resume)
	switch {
	case err == nil:
		return nil
	case status.Known(err):
		return status.Of(fmt.Errorf("--evidence: %w", err))
	}
	hint := "choose another directory"
	switch {
	case errors.Is(err, evidence.ErrExists) && !log.Resume:
		hint += ", or resume its run with --resume"
	case log.Resume && !errors.Is(err, evidence.ErrNoDirectory):
		hint = "restore its files as they were, or repeat the command without --resume and with another directory"
	}
	return status.Refuse(fmt.Errorf("--evidence: %w", err), hint)
}
