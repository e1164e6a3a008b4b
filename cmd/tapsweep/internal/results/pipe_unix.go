//go:build unix

package results

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// openWriteEnd fails at once if the pipe has no reader, instead of waiting for one.
// Source: pubs.opengroup.org/onlinepubs/9799919799/functions/open.html, O_NONBLOCK.
func openWriteEnd(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := makeBlocking(f); err != nil {
		return nil, errors.Join(&os.PathError{Op: "open", Path: path, Err: err}, f.Close())
	}
	return f, nil
}

// makeBlocking makes writes wait while the pipe is full. On darwin, Go does not poll a named
// pipe that it opens by path, so a write to a full pipe would return EAGAIN. Elsewhere Go
// polls it, and the descriptor stays as it is.
// Source: newFile in os/file_unix.go of the Go standard library; go.dev/issue/24164.
func makeBlocking(f *os.File) error {
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		return nil
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = syscall.SetNonblock(int(fd), false) }); err != nil {
		return err
	}
	return failed
}

func isNoReader(err error) bool { return errors.Is(err, syscall.ENXIO) }
