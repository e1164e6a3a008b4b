package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// mostCommonFlags is how many flags the help of revoke shows at most, so that it fits on a screen.
const mostCommonFlags = 25

func TestRevokeHelpIsShort(t *testing.T) {
	help := tapsweep(t, nil, "revoke", "--help").stdout
	n := 0
	for line := range strings.Lines(help) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, "-") {
			n++
		}
	}
	assert.That(t, n > 0, "revoke --help shows no flags\n%s", help)
	assert.That(t, n <= mostCommonFlags, "revoke --help shows %d flags, want at most %d", n, mostCommonFlags)
}

// The help of a command shows the common flags, and the page "flags" shows all with their variables.
// Each of them is in a section. No line is wider than a terminal.
func TestHelpShowsAllFlags(t *testing.T) {
	page := tapsweep(t, nil, "help", "flags").stdout
	var text strings.Builder
	text.WriteString(page)
	for _, cmd := range new(program).rootCommand().Commands() {
		help := tapsweep(t, nil, cmd.Name(), "--help").stdout
		if !cmd.IsAdditionalHelpTopicCommand() && !cmd.HasExample() { // which are command lines
			text.WriteString(help)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			name := "  --" + f.Name
			if f.Shorthand != "" {
				name = ", --" + f.Name
			}
			_, rare := f.Annotations[isRare]
			assert.That(t, sectionOf(f) != others, "%s --%s is in no section of the help", cmd.Name(), f.Name)
			assert.That(t, strings.Contains(page, name), "help flags does not show --%s of %s", f.Name, cmd.Name())
			assert.That(t, strings.Contains(help, name) != rare,
				"%s --help shows --%s: %v, want %v", cmd.Name(), f.Name, rare, !rare)
			if hasEnvironment(f) {
				assert.Holds(t, "the page flags", page, variable(f.Name))
			}
		})
	}
	for line := range strings.Lines(text.String()) {
		assert.That(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")) <= 80,
			"a line of the help is wider than 80 columns: %s", line)
	}
}

// A wrong command line is refused with what to do, and with exit code 64.
func TestWrongCommandLines(t *testing.T) {
	var got strings.Builder
	for _, args := range []string{
		"revoke --dryrun l.csv", "revoke -dryrun l.csv", "revoke --zebra l.csv", "revoke -qz l.csv",
		"revoke --protect", "verify", "check l.csv", "revok l.csv", "quarantine", "help nigthly",
		"help protect",
		"revoke --verify-wait 5s l.csv", "revoke --yes=maybe l.csv", "revoke --max-items 1e3 l.csv",
		"revoke --concurrency 1001 l.csv", "revoke --rate fast l.csv", "revoke --max-wait 15 l.csv",
		"revoke --max-wait=-5s l.csv", "revoke --max-wait=0s l.csv", "check --api-version v2",
		"sweep --reason used,gone",
	} {
		p := tapsweep(t, nil, strings.Fields(args)...)
		assert.Same(t, fmt.Sprintf("tapsweep %s: exit", args), p.code, status.Usage)
		fmt.Fprintf(&got, "$ tapsweep %s\n%s", args, p.stderr)
	}
	assert.Golden(t, "wrong", got.String(), *update)
}

// What help says to be the default can be given.
func TestDefaultsAreTaken(t *testing.T) {
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.DefValue == "" || f.DefValue == "[]" {
				return
			}
			assert.Is(t, fmt.Sprintf("default of %s --%s", cmd.Name(), f.Name), f.Value.Set(f.DefValue), nil)
		})
	}
}

// An empty value of a filter or guard is refused. Earlier it was ignored, and the run did more
// than the user or the script had meant.
func TestEmptyValuesAreRefused(t *testing.T) {
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			for _, empty := range []string{"", " "} {
				p := tapsweep(t, nil, cmd.Name(), "--"+f.Name+"="+empty, "x")
				what := fmt.Sprintf("%s --%s=%q: ", cmd.Name(), f.Name, empty)
				assert.Same(t, what+"exit", p.code, status.Usage) // the list is not there
				refused := strings.HasPrefix(p.stderr, "tapsweep: --"+f.Name+" ")
				assert.Same(t, what+"refused for it", refused, f.Name != "metrics-file" || empty != "")
			}
		})
	}
}

// Help that cannot be written ends the command like any other output. A reader of a pipe may stop reading.
func TestHelpThatCannotBeWritten(t *testing.T) {
	for _, args := range []string{"help", "revoke --help", "help flags", "help lists", "version"} {
		for _, tt := range []struct {
			cause  syscall.Errno
			code   int
			stderr string
		}{
			{syscall.ENOSPC, status.Stopped, "tapsweep: no space left on device\n"},
			{syscall.EPIPE, 0, ""},
		} {
			var stderr strings.Builder
			code := Main(t.Context(), Process{Args: strings.Fields(args), Out: brokenOutput{tt.cause}, Err: &stderr})
			assert.Same(t, fmt.Sprintf("%s: exit code after %v", args, tt.cause), code, tt.code)
			assert.Same(t, fmt.Sprintf("%s: standard error after %v", args, tt.cause), stderr.String(), tt.stderr)
		}
	}
}

type brokenOutput struct{ err error }

func (o brokenOutput) Write([]byte) (int, error) { return 0, o.err }

// A shell completes the words of a flag, and completes nothing else by running the command.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"revoke --priority=": "low\nnormal\nhigh\n",
		"scan --format=":     "csv\njsonl\ntable\n",
		"sweep --reason=":    "expired\nused\ndisabled\nscheduled\nusable\n",
	} {
		p := tapsweep(t, []string{"TAPSWEEP_RATE=nonsense"}, append([]string{"__complete"}, strings.Fields(line)...)...)
		assert.Same(t, line+": exit", p.code, status.Done)
		assert.That(t, strings.HasPrefix(p.stdout, want), "%s: %q is offered, want %q", line, p.stdout, want)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		p := tapsweep(t, []string{"TAPSWEEP_METRICS_FILE=x.prom"}, "completion", shell)
		assert.Same(t, "completion "+shell+": exit", p.code, status.Done)
		assert.Holds(t, "completion "+shell, p.stdout, "__complete")
	}
}

// The command and the flag print the same.
func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		p := tapsweep(t, nil, arg)
		assert.Same(t, arg+": exit", p.code, status.Done)
		assert.That(t, strings.HasPrefix(p.stdout, "tapsweep devel "), "%s prints %q", arg, p.stdout)
	}
}
