package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// Flags that name files: to be written, if need be in place of what is there, and to be
// read, with what they name. Variables of others name some, too.
var (
	writes = []string{"results", "output", "metrics-file", "html", "csv", "json"}
	reads  = map[string]string{"protect": "a --protect list", "users": "a --users list", "certificate": "the --certificate file",
		"secret-file": "the --secret-file", "token-file": "the --token-file"}
	readsToo = []string{"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "SSL_CERT_FILE"}
)

// checkReplaced refuses to write a file that the command reads, whatever --overwrite and
// --resume say: a list of protected users that has become a results log protects nobody
// in the next run.
func (a *app) checkReplaced(cmd *cobra.Command, args []string) error {
	type named struct{ name, path string }
	var in, out []named
	for flag, what := range reads {
		for _, path := range filesOf(cmd, flag) {
			in = append(in, named{what, path})
		}
	}
	switch cmd.Name() {
	case "revoke", "verify": // report sees to its logs itself
		for _, path := range args {
			in = append(in, named{"a list", path})
		}
	}
	for _, name := range readsToo {
		in = append(in, named{"the file of " + name, os.Getenv(name)})
	}
	for _, flag := range writes {
		for _, path := range filesOf(cmd, flag) {
			out = append(out, named{"--" + flag, path})
		}
	}
	for _, dir := range filesOf(cmd, "evidence") {
		for _, name := range evidence.Names() {
			out = append(out, named{"--evidence", filepath.Join(dir, name)})
		}
	}
	for _, o := range out {
		there, err := os.Stat(o.path)
		if err != nil || !there.Mode().IsRegular() {
			continue
		}
		for _, i := range in {
			if info := a.statInput(i.path); info != nil && os.SameFile(there, info) {
				return refuse(fmt.Errorf("%s: %s is also %s", o.name, o.path, i.name), "choose another "+o.name+" file")
			}
		}
		if o.name != "--evidence" && o.name != "--results" && evidence.Holds(o.path) { // which may be gone on with
			return refuse(fmt.Errorf("%s: %s is evidence, which is sealed", o.name, o.path), "choose another file")
		}
	}
	return nil
}

// statInput is the file that a name of a list leads to, nil for none.
func (a *app) statInput(path string) os.FileInfo {
	info, err := os.Stat(path)
	if f, ok := a.stdin.(*os.File); ok && path == "-" {
		info, err = f.Stat()
	}
	if err != nil {
		return nil
	}
	return info
}

// filesOf are the files that a flag names: none if there is no such flag, or if it takes
// numbers or words, as --users and --output of some commands do.
func filesOf(cmd *cobra.Command, flag string) []string {
	f := cmd.Flags().Lookup(flag)
	if f == nil || f.Value.String() == "" || f.Value.String() == "-" {
		return nil
	}
	switch v := valueOf(f).(type) {
	case *choice:
		return nil
	case pflag.SliceValue:
		return v.GetSlice()
	}
	if f.Value.Type() != "string" {
		return nil
	}
	return []string{f.Value.String()}
}

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

// checkResults refuses a results log that must not be written. The directory of the
// evidence, in which it may be, need not be there.
func (f *runFlags) checkResults(path string) error {
	if isStandardStream(path) {
		return refuse(fmt.Errorf("--results: %s is the output of tapsweep itself", path),
			"use --results - for standard output")
	}
	if f.mayReplace() && path != "" && path != "-" {
		if err := results.CheckTrust(path); err != nil {
			return refuse(fmt.Errorf("--results: %w", err), trustHints(err)...)
		}
	}
	there, err := os.Stat(path)
	if f.evidence != "" && err != nil {
		return nil
	}
	if f.evidence == "" && evidence.Holds(path) {
		return refuse(fmt.Errorf("--results: %s is evidence, which is sealed", path), "go on with it by --evidence "+filepath.Dir(path)+" --resume")
	}
	if f.overwrite && err == nil && there.Mode().IsRegular() {
		if err := results.CheckReplaceable(path); err != nil {
			return refuse(fmt.Errorf("--results: %w", err), "choose another --results file")
		}
	}
	err = checkFile("--results", path, f.mayReplace())
	if exit, ok := errors.AsType[*exitError](err); ok && errors.Is(err, fs.ErrExist) && !f.drill && results.IsLog(path) {
		exit.hints = append([]string{"go on with the run that it is of: --resume"}, exit.hints...)
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

// trustHints returns what to do about a file that is not trusted, and nil for other errors.
func trustHints(err error) []string {
	if trust, ok := errors.AsType[*results.TrustError](err); ok {
		return []string{trust.Hint}
	}
	return nil
}

// checkOutput returns an error if the file for the passes of a scan must not be written.
func checkOutput(path string, mayExist bool) error {
	if err := checkFile("--output", path, mayExist); err != nil || path == "" || path == "-" {
		return err
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if err := report.CheckBegin(path, scan.Begins()...); err != nil {
		return refuse(fmt.Errorf("--output: %w", err), "choose another --output file")
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
			return refuse(fmt.Errorf("%s: %w", flag, err))
		}
		return nil
	}
	if there.IsDir() {
		return refuse(fmt.Errorf("%s: %s is a directory", flag, path))
	}
	if !mayExist && there.Mode().IsRegular() {
		return refuse(&thereError{flag + ": " + path}, "choose another "+flag+" file, or replace it with --overwrite")
	}
	return nil
}
