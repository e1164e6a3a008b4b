package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// maxFile is the most bytes of a file. A secret, a certificate with its chain or a token is
// much smaller.
const maxFile = 1 << 20

// pipeTimeout is how long to wait for a secret or a certificate from another process, which
// may have to ask a person.
const pipeTimeout = 2 * time.Minute

// readFile reads a small file that holds a secret, or the pipe of a shell's process
// substitution. It refuses anything else: a named pipe may have no writer, and a device may
// never end. It stops when ctx is done.
func readFile(ctx context.Context, path string) ([]byte, error) {
	info, err := os.Stat(path) // follows links: mounted secrets are links
	if err != nil {
		return nil, err
	}
	if err := readable(path, info); err != nil {
		return nil, err
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := readSmall(path)
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("reading %s: %w", path, context.Cause(ctx))
	}
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // the path may name another file by now
	if err != nil {
		return nil, err
	}
	if err := readable(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("it is longer than 1 MiB")
	}
	return data, err
}

// readable returns an error for anything but a regular file and a pipe of this process.
func readable(path string, info fs.FileInfo) error {
	mode := info.Mode()
	if mode.IsRegular() || mode&fs.ModeNamedPipe != 0 && ownPipe(path) {
		return nil
	}
	return fmt.Errorf("%s is not a regular file", path)
}

func ownPipe(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// readNow reads a file that is needed before the sign-in.
func readNow(path string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), pipeTimeout,
		fmt.Errorf("nothing came within %v", pipeTimeout))
	defer cancel()
	return readFile(ctx, path)
}
