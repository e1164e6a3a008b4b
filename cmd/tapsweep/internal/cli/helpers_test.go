package cli

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/testdata/assert"
)

var update = flag.Bool("update", false, "rewrite golden files")

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

// flagNames returns the names of the flags of a command.
func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	return assert.Must(os.ReadFile(path))
}
