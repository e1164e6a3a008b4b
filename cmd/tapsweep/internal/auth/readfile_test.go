//go:build unix

package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
		if problem == "" && (err != nil || string(data) != "s") || problem != "" && (err == nil || !strings.Contains(err.Error(), problem)) {
			t.Errorf("readFile(%s) = %d bytes, %v, want %q", path, len(data), err, problem)
		}
	}
}

// The pipe of a shell's <(command) is read, until ctx is done.
func TestReadPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c, err := New(Options{TokenFile: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetToken(ctx, policy.TokenRequestOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("GetToken = %v, want the end of the context", err)
	}
	w.WriteString("s")
	w.Close()
	r2, w2, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r2.Close()
	w2.WriteString("s")
	w2.Close()
	if data, err := readFile(t.Context(), fmt.Sprintf("/dev/fd/%d", r2.Fd())); err != nil || string(data) != "s" {
		t.Errorf("readFile = %q, %v", data, err)
	}
}

// A flag that names a file with a secret does not wait for a pipe without a writer, and does
// not read without end.
func TestSecretsAreFiles(t *testing.T) {
	clean(t)
	for _, o := range []Options{{SecretFile: "/dev/zero"}, {Certificate: "/dev/zero"}} {
		o.Tenant, o.ClientID = "t.example", "a"
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("New = %v", err)
		}
	}
	c, err := New(Options{TokenFile: "/dev/zero"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetToken(t.Context(), policy.TokenRequestOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("GetToken = %v", err)
	}
}
