package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"
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
	if n == 0 || n > mostCommonFlags {
		t.Errorf("revoke --help shows %d flags, want 1 to %d\n%s", n, mostCommonFlags, help)
	}
}

// The help of a command shows the common flags, and the page "flags" shows all with their variables.
// Each of them is in a section.
func TestHelpShowsAllFlags(t *testing.T) {
	page := tapsweep(t, nil, "help", "flags").stdout
	for _, cmd := range new(program).rootCommand().Commands() {
		help := tapsweep(t, nil, cmd.Name(), "--help").stdout
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			name := "  --" + f.Name
			if f.Shorthand != "" {
				name = ", --" + f.Name
			}
			if annotation(f, inSection) == "" {
				t.Errorf("%s --%s is in no section of the help", cmd.Name(), f.Name)
			}
			if !strings.Contains(page, name) {
				t.Errorf("help flags does not show --%s of %s", f.Name, cmd.Name())
			}
			if strings.Contains(help, name) != isCommon(f) {
				t.Errorf("%s --help shows --%s: %v, want %v", cmd.Name(), f.Name, !isCommon(f), isCommon(f))
			}
			if _, ok := f.Annotations["environment"]; ok && !strings.Contains(page, variable(f.Name)) {
				t.Errorf("help flags does not show %s", variable(f.Name))
			}
		})
	}
}

// The help is as wide as COLUMNS says, within limits, and 80 columns without it.
func TestHelpWidth(t *testing.T) {
	for _, tt := range []struct {
		columns string
		most    int
	}{{"60", 60}, {"80", 80}, {"120", 120}, {"500", 120}, {"", 80}, {"wide", 80}, {"-1", 80}, {"1", 40}} {
		p := tapsweep(t, []string{"COLUMNS=" + tt.columns}, "help", "flags")
		longest := 0
		for line := range strings.Lines(p.stdout) {
			if len(strings.Fields(line)) > 1 { // a long word has a line of its own
				longest = max(longest, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
			}
		}
		if longest > tt.most || longest < tt.most-10 {
			t.Errorf("COLUMNS=%s: the longest line has %d columns, want about %d", tt.columns, longest, tt.most)
		}
	}
}

func TestWrapText(t *testing.T) {
	const text = "one two tree\nfour\n\nList:\n  1   five six seven\n  10  eight"
	const want = "one two\ntree four\n\nList:\n  1   five\n      six\n      seven\n  10  eight\n"
	if got := wrapText(text, 11); got != want {
		t.Errorf("wrapText = %q, want %q", got, want)
	}
}
