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

// maxFile is many times what a secret, a certificate with its chain or a token
// takes.
const maxFile = 1 << 20

// pipePatience is how long a secret or a certificate may take that another process
// writes, which may have a person to ask.
const pipePatience = 2 * time.Minute

// readFile reads a small file that holds a secret, or what a process substitution
// of a shell stands for. Anything else, such as a named pipe that may have no writer
// or a device that never ends, is refused. It ends with ctx.
func readFile(ctx context.Context, path string) ([]byte, error) {
	info, err := os.Stat(path) // through links: mounted secrets are some
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
	info, err := f.Stat() // it may be another one by now
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

// readable refuses what is neither a regular file nor a pipe of this process's own.
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

// readNow is readFile for what is needed before anybody signs in.
func readNow(path string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), pipePatience, fmt.Errorf("nothing came within %v", pipePatience))
	defer cancel()
	return readFile(ctx, path)
}
