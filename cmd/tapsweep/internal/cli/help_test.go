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
	assert.That(t, n != 0 && n <= mostCommonFlags,
		"revoke --help shows %d flags, want 1 to %d\n%s", n, mostCommonFlags, help)
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
			assert.That(t, !hasEnvironment(f) || strings.Contains(page, variable(f.Name)),
				"help flags does not show %s", variable(f.Name))
		})
	}
	for line := range strings.Lines(text.String()) {
		assert.That(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")) <= defaultWidth,
			"a line of the help is wider than %d columns: %s", defaultWidth, line)
	}
}

// Help, and the pages of the manual, are as wide as the terminal, between 40 and 120 columns.
func TestHelpWidth(t *testing.T) {
	widest := func(columns string, args ...string) (n int) {
		for line := range strings.Lines(tapsweep(t, []string{"COLUMNS=" + columns}, args...).stdout) {
			n = max(n, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
		}
		return n
	}
	for _, args := range [][]string{{"help", "flags"}, {"verify", "--help"}, {"help", "lists"}} {
		if n := widest("100", args...); n <= defaultWidth || n > 100 {
			t.Errorf("%q: the widest line has %d columns, want 81 to 100", args, n)
		}
		if n, most := widest("900", args...), widest("120", args...); n != most {
			t.Errorf("%q: the widest line has %d columns, want at most %d", args, n, most)
		}
	}
}

// A wrong command line is refused with what to do, and with exit code 64.
func TestWrongCommandLines(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"revoke --dryrun l.csv", "tapsweep: unknown flag: --dryrun\nhint: did you mean --dry-run?\n" +
			"hint: see 'tapsweep revoke --help'\n"},
		{"revoke -dryrun l.csv", "unknown shorthand flag: 'd' in -dryrun\nhint: did you mean --dry-run?\n"},
		{"revoke --zebra l.csv", "tapsweep: unknown flag: --zebra\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke -qz l.csv", "tapsweep: unknown shorthand flag: 'z' in -z\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke --protect", "tapsweep: flag needs an argument: --protect\nhint: see 'tapsweep revoke --help'\n"},
		{"verify", "tapsweep: no results log is given\nhint: see 'tapsweep verify --help'\n"},
		{"check l.csv", "tapsweep: tapsweep check takes no argument: l.csv\nhint: see 'tapsweep check --help'\n"},
		{"revok l.csv", "Did you mean this?\n  \trevoke\nhint: see 'tapsweep --help'\n"},
		{"quarantine", "tapsweep: unknown command \"quarantine\" for \"tapsweep\"\nhint: see 'tapsweep --help'\n"},
		{"help nigthly", "tapsweep: unknown command or page \"nigthly\"\nhint: did you mean tapsweep help nightly?\n"},
		{"revoke --verify-wait 5s l.csv", "tapsweep: --verify-wait has no effect without --verify\n"},
		{"revoke --yes=maybe l.csv", `tapsweep: --yes "maybe" is not true or false` + "\n"},
		{"revoke --max-items 1e3 l.csv", `tapsweep: --max-items "1e3" is not a number of at least 0` + "\n"},
		{"revoke --concurrency 1001 l.csv", `tapsweep: --concurrency "1001" is not a number between 0 and 1000` + "\n"},
		{"revoke --rate fast l.csv", `tapsweep: --rate "fast" is not a number of at least 0.01` + "\n"},
		{"revoke --max-wait 15 l.csv", `tapsweep: --max-wait "15" is not a time such as 90s, 15m, 24h or 7d` + "\n"},
		{"revoke --max-wait=-5s l.csv", `tapsweep: --max-wait "-5s" is not a time such as 90s, 15m, 24h or 7d` + "\n"},
		{"revoke --max-wait=0s l.csv", `tapsweep: --max-wait "0s" is not a time of at least 1s` + "\n"},
		{"check --api-version v2", `tapsweep: --api-version "v2" is not v1.0 or beta` + "\n"},
		{"sweep --reason used,gone",
			`tapsweep: --reason "gone" is not expired, used, disabled, scheduled or usable` + "\n"},
	} {
		p := tapsweep(t, nil, strings.Fields(tt.args)...)
		assert.Same(t, fmt.Sprintf("tapsweep %s: exit", tt.args), p.code, status.Usage)
		assert.Holds(t, fmt.Sprintf("what tapsweep %s says", tt.args), p.stderr, tt.want)
	}
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
				if p.code != status.Usage { // the list is not there
					t.Errorf("%s --%s=%q: exit %d, want %d", cmd.Name(), f.Name, empty, p.code, status.Usage)
				}
				refused := strings.HasPrefix(p.stderr, "tapsweep: --"+f.Name+" ")
				if want := f.Name != "metrics-file" || empty != ""; refused != want {
					t.Errorf("%s --%s=%q: refused for it: %v, want %v\n%s", cmd.Name(), f.Name, empty, refused, want,
						p.stderr)
				}
			}
		})
	}
}

// Help that cannot be written ends the command like any other output.
func TestHelpOnAFullDisk(t *testing.T) {
	for _, args := range []string{"help", "revoke --help", "help flags", "help lists", "version"} {
		var stderr strings.Builder
		code := Main(t.Context(), Process{Args: strings.Fields(args), Out: fullDisk{}, Err: &stderr})
		assert.Same(t, args+": exit", code, status.Stopped)
		assert.Same(t, args+": standard error", stderr.String(), "tapsweep: no space left on device\n")
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A shell completes the words of a flag, and completes nothing else by running the command.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"revoke --priority=": "low\nnormal\nhigh\n",
		"scan --format=":     "csv\njsonl\ntable\n",
		"sweep --reason=":    "expired\nused\ndisabled\nscheduled\nusable\n",
	} {
		p := tapsweep(t, []string{"TAPSWEEP_RATE=nonsense"}, append([]string{"__complete"}, strings.Fields(line)...)...)
		assert.That(t, p.code == 0 && strings.HasPrefix(p.stdout, want),
			"%s: exit %d, %q is offered, want %q", line, p.code, p.stdout, want)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		p := tapsweep(t, []string{"TAPSWEEP_METRICS_FILE=x.prom"}, "completion", shell)
		assert.That(t, p.code == 0 && strings.Contains(p.stdout, "__complete"),
			"completion %s: exit %d\n%s", shell, p.code, p.stderr)
	}
}

// The command and the flag print the same.
func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		if p := tapsweep(t, nil, arg); p.code != status.Done || !strings.HasPrefix(p.stdout, "tapsweep devel ") {
			t.Errorf("%s: exit %d, %q", arg, p.code, p.stdout)
		}
	}
}
