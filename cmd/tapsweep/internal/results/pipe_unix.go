//go:build unix

package results

import (
	"errors"
	"os"
	"syscall"
)

// openWriteEnd fails at once if the pipe has no reader, instead of waiting for one.
// Source: pubs.opengroup.org/onlinepubs/9799919799/functions/open.html, O_NONBLOCK.
func openWriteEnd(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
}

func isNoReader(err error) bool { return errors.Is(err, syscall.ENXIO) }
