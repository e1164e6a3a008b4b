package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
)

// newName returns the default name of a results log. It has a number if another run began in the same
// second.
func newName() string {
	base := "tapsweep-" + time.Now().UTC().Format("20060102T150405Z")
	name := base + ".jsonl"
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d.jsonl", base, i)
	}
}

// checkOutput returns an error if the file for the passes of a scan must not be written.
func checkOutput(path string, mayExist bool) error {
	if err := fileout.Check("--output", path, mayExist); err != nil {
		return status.Of(err)
	}
	if path == "-" {
		return nil
	}
	if evidence.Contains(path) {
		return status.Refuse(fmt.Errorf("--output: %s is evidence, which must not change", path), "choose another file")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil
	case !info.Mode().IsRegular():
		return status.Refuse(fmt.Errorf("--output: %s is not a regular file", path),
			"use --output - and redirect standard output")
	}
	if err := fileout.CheckBegin(path, scan.Begins()...); err != nil {
		return status.Refuse(fmt.Errorf("--output: %w", err), "choose another --output file")
	}
	return nil
}

// sameName reports whether two paths name the same file. The files need not exist yet.
func sameName(a, b string) bool { return a != "" && b != "" && filepath.Clean(a) == filepath.Clean(b) }
