package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// checkLog refuses a results log that must not be written, such as one that is also one of the
// lists. The directory of the evidence, in which it may be, need not exist.
func checkLog(log *Log, drill bool, lists ...string) error {
	path := log.Path
	if err := checkEvidence(log); err != nil {
		return err
	}
	if isStandardStream(path) {
		return status.Refuse(fmt.Errorf("--results: %s is the output of tapsweep itself", path),
			"use --results - for standard output")
	}
	mayReplace := log.Overwrite || log.Resume
	if mayReplace && path != "" && path != "-" {
		if err := results.CheckTrust(path); err != nil {
			return status.Of(fmt.Errorf("--results: %w", err))
		}
	}
	there, err := os.Stat(path)
	if log.Evidence != "" && err != nil {
		return nil
	}
	for _, list := range lists {
		if info, listErr := os.Stat(list); err == nil && listErr == nil && os.SameFile(there, info) {
			return status.Refuse(fmt.Errorf("--results: %s is also a list", path), "choose another --results file")
		}
	}
	if log.Evidence == "" && evidence.Contains(path) {
		return status.Refuse(fmt.Errorf("--results: %s is evidence, which is sealed", path),
			"resume it by --evidence "+filepath.Dir(path)+" --resume")
	}
	if log.Overwrite && err == nil && there.Mode().IsRegular() {
		if err := results.CheckReplaceable(path); err != nil {
			return status.Refuse(fmt.Errorf("--results: %w", err), "choose another --results file")
		}
	}
	err = fileout.Check("--results", path, mayReplace)
	if errors.Is(err, fs.ErrExist) && !drill && results.IsLog(path) {
		return status.Refuse(err, append([]string{"resume the run that it is of: --resume"},
			fileout.Hints("--results", err)...)...)
	}
	if err != nil {
		return status.Refuse(err, fileout.Hints("--results", err)...)
	}
	return nil
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

// checkEvidence refuses a directory that cannot hold the evidence, or holds other evidence.
func checkEvidence(log *Log) error {
	if log.Evidence == "" {
		return nil
	}
	err := evidence.Check(log.Evidence, log.Resume)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("--evidence: %w", err)
	switch {
	case errors.Is(err, evidence.ErrExists) && !log.Resume:
		return status.Refuse(err, "choose another directory, or resume the run that it is of with --resume")
	case status.Known(err):
		return status.Of(err)
	}
	return status.Refuse(err, "choose another directory")
}
