package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
)

// result is how a command line ended.
type result struct {
	code           int
	stdout, stderr string
}

// tapsweep runs a command line in an environment.
func tapsweep(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), Process{Args: args, Environ: environ, In: strings.NewReader(""), Out: &stdout,
		Err:     &stderr,
		Version: "devel"})
	return result{code, stdout.String(), stderr.String()}
}

func execute(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	return Main(ctx, Process{Args: args, Environ: os.Environ(), In: in, Out: out, Err: err, Version: "devel"})
}

// serve starts a tenant and returns the environment for it, and its root.
func serve(t *testing.T, tenant *graphsim.Tenant) (env []string, root string) {
	t.Helper()
	server, err := tenant.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return tenant.Environment(server.URL, server.CAFile), server.URL
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
