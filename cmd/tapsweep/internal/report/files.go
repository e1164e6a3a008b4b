package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tapsweep/cmd/tapsweep/internal/fileout"
)

// CheckFile returns an error if a report cannot or must not be written to a path. If only --overwrite is missing, the
// error is a *fileout.ThereError.
func CheckFile(flag, path string, overwrite bool, logs *Logs) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(path))
		return err
	case err != nil:
		return err
	}
	if target, err := os.Stat(path); err == nil && logs.holds(target) {
		return fmt.Errorf("%s is one of the logs", path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a plain file", path)
	}
	err = fileout.CheckBegin(path, "<!DOCTYPE html>", strings.Join(csvHeader[:6], ","), "{\n  \"tenant\"")
	if err == nil && !overwrite {
		return &fileout.ThereError{Flag: flag, Path: path}
	}
	return err
}
