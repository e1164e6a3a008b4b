package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/cmd/tapsweep/internal/markdown"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// tapsweep help NAME shows the page NAME. tapsweep help names all pages.
func TestHelpShowsTheManual(t *testing.T) {
	t.Parallel()
	list := tapsweep(t, nil, "help").stdout
	for _, page := range docs.Pages() {
		p := tapsweep(t, nil, "help", page.Name)
		assert.Same(t, "help "+page.Name+": exit", p.code, status.Done)
		assert.That(t, strings.HasPrefix(p.stdout, page.Title+"\n\n"), "help %s prints %.200s", page.Name, p.stdout)
		assert.Holds(t, "the help", list, page.Title)
	}
}

// Pages fit the terminal. Code is not wrapped, and neither is a word such as an address.
func TestManualFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, page := range docs.Pages() {
		var code strings.Builder
		for _, b := range markdown.Parse(page.Text) {
			if b.Kind == markdown.Code {
				code.WriteString(b.Text)
			}
		}
		for line := range strings.Lines(markdown.Text(page.Text, links("tapsweep help ", ""))) {
			text := strings.TrimSpace(line)
			canBreak := strings.Contains(text, " ") && !strings.Contains(code.String(), text)
			if canBreak && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s is wider than 80 columns:\n%s", page.Name, line)
			}
		}
	}
}

// A link to another page names the command, or the man page, that shows it.
func TestLinksOutsideOfABrowser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ target, help, man string }{
		{"lists.md#columns", "Lists (tapsweep help lists)", "Lists (tapsweep-lists(7))"},
		{"#columns", "Lists", "Lists"},
		{"../../../batch", "Lists", "Lists"},
	} {
		assert.Same(t, "in a terminal "+tt.target, links("tapsweep help ", "")("Lists", tt.target), tt.help)
		assert.Same(t, "in a man page "+tt.target, links("tapsweep-", "(7)")("Lists", tt.target), tt.man)
	}
}

var (
	shownFlag    = regexp.MustCompile("`--([a-z][a-z-]+)")
	shownCommand = regexp.MustCompile("`tapsweep ([a-z]+)([^`\n]*)`")
)

// The manual names every flag, and no other. The flags of a command that it shows are flags of that
// command.
func TestFlagsInTheManual(t *testing.T) {
	t.Parallel()
	readme := string(mustRead(t, "../../../../README.md"))
	var text strings.Builder
	text.WriteString(readme)
	for _, page := range docs.Pages() {
		text.WriteString(page.Text)
	}
	var all []string
	flags := make(map[string][]string)
	for _, cmd := range new(program).rootCommand().Commands() {
		flags[cmd.Name()] = append(flagNames(cmd), "help")
		all = append(all, flagNames(cmd)...)
	}
	for _, name := range all {
		assert.That(t, regexp.MustCompile("--"+name+"[^a-z-]").MatchString(text.String()),
			"the manual does not explain --%s", name)
	}
	for _, match := range shownFlag.FindAllStringSubmatch(text.String(), -1) {
		if name := match[1]; !slices.Contains(all, name) {
			t.Errorf("the manual shows --%s, and no command has it", name)
		}
	}
	for _, match := range shownCommand.FindAllStringSubmatch(text.String(), -1) {
		known, ok := flags[match[1]]
		if !ok && match[1] != "help" {
			t.Errorf("no command is %s", match[0])
		}
		for word := range strings.FieldsSeq(match[2]) {
			if name, isFlag := strings.CutPrefix(word, "--"); isFlag && !slices.Contains(known, name) {
				t.Errorf("%s has no --%s", match[0], name)
			}
		}
	}
}
