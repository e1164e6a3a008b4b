package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
)

// freeName returns a name that no file has, and that is none of those taken.
func freeName(base, ext string, taken ...string) string {
	name := base + ext
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); err != nil && !slices.ContainsFunc(taken, func(t string) bool { return sameName(name, t) }) {
			return name
		}
		name = fmt.Sprintf("%s-%d%s", base, i, ext)
	}
}

// newName is the results log of a run that was given none: two may begin in one second.
func newName() string {
	return freeName("tapsweep-"+time.Now().UTC().Format("20060102T150405Z"), ".jsonl")
}

// mayReplace tells whether files that are written may be there already.
func (f *runFlags) mayReplace() bool { return f.overwrite || f.resume != "" }

// checkResults refuses a results log that must not be written: one that is also one of the lists,
// for example. The directory of the evidence, in which it may be, need not exist.
func (f *runFlags) checkResults(path string, lists ...string) error {
	if isStandardStream(path) {
		return status.Refuse(fmt.Errorf("--results: %s is the output of tapsweep itself", path),
			"use --results - for standard output")
	}
	if f.mayReplace() && path != "" && path != "-" {
		if err := results.CheckTrust(path); err != nil {
			return fmt.Errorf("--results: %w", err)
		}
	}
	there, err := os.Stat(path)
	if f.evidence != "" && err != nil {
		return nil
	}
	for _, list := range lists {
		if info, listErr := os.Stat(list); err == nil && listErr == nil && os.SameFile(there, info) {
			return status.Refuse(fmt.Errorf("--results: %s is also a list", path), "choose another --results file")
		}
	}
	if f.evidence == "" && evidence.Holds(path) {
		return status.Refuse(fmt.Errorf("--results: %s is evidence, which is sealed", path), "go on with it by --evidence "+filepath.Dir(path)+" --resume")
	}
	if f.overwrite && err == nil && there.Mode().IsRegular() {
		if err := results.CheckReplaceable(path); err != nil {
			return status.Refuse(fmt.Errorf("--results: %w", err), "choose another --results file")
		}
	}
	err = checkFile("--results", path, f.mayReplace())
	if exit, ok := errors.AsType[*status.Error](err); ok && errors.Is(err, fs.ErrExist) && !f.drill && results.IsLog(path) {
		exit.Hints = append([]string{"go on with the run that it is of: --resume"}, exit.Hints...)
	}
	return err
}

// isStandardStream reports whether a path leads to standard output or standard error of this
// process. A log that is opened there a second time would overwrite the other output.
func isStandardStream(path string) bool {
	switch filepath.Clean(path) {
	case "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", "/proc/self/fd/2":
		return true
	}
	there, err := os.Stat(path)
	out, outErr := os.Stdout.Stat()
	return err == nil && outErr == nil && there.Mode().IsRegular() && os.SameFile(there, out)
}

// checkOutput returns an error if the file for the passes of a scan must not be written.
func checkOutput(path string, mayExist bool) error {
	if err := checkFile("--output", path, mayExist); err != nil || path == "" || path == "-" {
		return err
	}
	if evidence.Holds(path) {
		return status.Refuse(fmt.Errorf("--output: %s is evidence, which is sealed", path), "choose another file")
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if err := fileout.CheckBegin(path, scan.Begins()...); err != nil {
		return status.Refuse(fmt.Errorf("--output: %w", err), "choose another --output file")
	}
	return nil
}

// A thereError is an fs.ErrExist in our words.
type thereError struct{ what string }

func (e *thereError) Error() string        { return e.what + " is there already" }
func (e *thereError) Is(target error) bool { return target == fs.ErrExist }

// sameName tells whether two files that may not be there yet have one name.
func sameName(a, b string) bool { return b != "" && filepath.Clean(a) == filepath.Clean(b) }

// checkFile refuses a file to be written that would destroy something, or cannot be
// there. flag names it.
func checkFile(flag, path string, mayExist bool) error {
	if path == "-" || path == "" {
		return nil
	}
	there, err := os.Stat(path)
	if err != nil {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return status.Refuse(fmt.Errorf("%s: %w", flag, err))
		}
		return nil
	}
	if there.IsDir() {
		return status.Refuse(fmt.Errorf("%s: %s is a directory", flag, path))
	}
	if !mayExist && there.Mode().IsRegular() {
		return status.Refuse(&thereError{flag + ": " + path}, "choose another "+flag+" file, or replace it with --overwrite")
	}
	return nil
}
