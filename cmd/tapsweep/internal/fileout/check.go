package fileout

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A ThereError is returned if the file that a flag names already exists. It is an fs.ErrExist.
type ThereError struct {
	Flag, Path string
	Dangling   bool // the path is a symbolic link to a file that does not exist
}

func (e *ThereError) Error() string {
	if e.Dangling {
		return e.Flag + ": " + e.Path + " is a symbolic link to a file that does not exist"
	}
	return e.Flag + ": " + e.Path + " already exists"
}

func (e *ThereError) Is(target error) bool { return target == fs.ErrExist }

// Hints returns what to do next.
func (e *ThereError) Hints() []string {
	if e.Dangling {
		return []string{"remove the link, or choose another " + e.Flag + " file"}
	}
	hint := "choose another " + e.Flag + " file, or replace it with --overwrite"
	if e.Flag == "--results" {
		return []string{"to resume the run of the log, use --resume", hint}
	}
	return []string{hint}
}

// Check returns an error if writing a file would replace another file, or is not possible. The error contains the flag
// that names the file. The paths "-" and "" are accepted.
func Check(flag, path string, mayExist bool) error {
	if path == "-" || path == "" {
		return nil
	}
	there, err := os.Stat(path)
	if err != nil {
		// Other files than a results log are renamed into place, and then replace the link.
		if _, err := os.Lstat(path); err == nil && (!mayExist || flag == "--results") {
			return &ThereError{flag, path, true}
		}
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		return nil
	}
	if there.IsDir() {
		return fmt.Errorf("%s: %s is a directory", flag, path)
	}
	if !mayExist && there.Mode().IsRegular() {
		return &ThereError{flag, path, false}
	}
	return nil
}
