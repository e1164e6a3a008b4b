//go:build unix

package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

func TestReadFile(t *testing.T) {
	secret := file(t, "secret", []byte("s"))
	link := filepath.Join(t.TempDir(), "mounted")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, problem := range map[string]string{
		secret:                                   "",
		link:                                     "",
		fifo:                                     "not a regular file",
		t.TempDir():                              "not a regular file",
		"/dev/zero":                              "not a regular file",
		file(t, "long", make([]byte, maxFile+1)): "longer than 1 MiB",
		"nosuch":                                 "no such file",
	} {
		data, err := readFile(t.Context(), path)
		checkError(t, "readFile of "+path, err, problem)
		if err == nil && string(data) != "s" {
			t.Errorf("readFile(%s) = %.20q, want s", path, data)
		}
	}
}

// The pipe of a shell's <(command) is read, until ctx is done.
func TestReadPipe(t *testing.T) {
	pipe := func() (path string, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close(); r.Close() })
		return fmt.Sprintf("/dev/fd/%d", r.Fd()), w
	}
	path, _ := pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := mustNew(t, Options{TokenFile: path}).GetToken(ctx, policy.TokenRequestOptions{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("GetToken = %v, want the end of the context", err)
	}
	path, w := pipe()
	w.WriteString("s")
	w.Close()
	if data, err := readFile(t.Context(), path); err != nil || string(data) != "s" {
		t.Errorf("readFile = %q, %v", data, err)
	}
}

// A flag that names a file with a secret does not wait for a pipe without a writer, and does
// not read without end.
func TestSecretsAreFiles(t *testing.T) {
	clean(t)
	for _, o := range []Options{{SecretFile: "/dev/zero"}, {Certificate: "/dev/zero"}, {TokenFile: "/dev/zero"}} {
		o.Tenant, o.ClientID = "t.example", "a"
		c, err := New(o)
		if err == nil {
			_, err = c.GetToken(t.Context(), policy.TokenRequestOptions{})
		}
		checkError(t, fmt.Sprintf("New and GetToken with %+v", o), err, "not a regular file")
	}
}
