package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unroff is what a man page says, in one line.
func unroff(page []byte) string {
	text := strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fP`, "", `\e`, `\`, `\&`, "").Replace(string(page))
	return strings.Join(strings.Fields(text), " ")
}

// Every command has a page, and what its help says stands in it.
func TestManPages(t *testing.T) {
	pages, err := manPages()
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		commands++
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page := pages[name+".1"]
		text := unroff(page)
		want := []string{`.TH "` + strings.ToUpper(name) + `" "1" "" "tapsweep `, ".SH NAME " + name + " - " + cmd.Short + " .SH SYNOPSIS " + cmd.CommandPath(), ".SH DESCRIPTION ", ".SH SEE ALSO "}
		if cmd.HasExample() {
			want = append(want, strings.Join(strings.Fields(cmd.Example), " "))
		}
		if strings.Contains(cmd.Long, "Exit codes: ") {
			want = append(want, ".SH EXIT STATUS .TP 0 ", " .TP 64 ", " .TP 4 ")
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			value, usage := pflag.UnquoteUsage(f)
			value, usage = strings.Replace(value, "stringArray", "string", 1), strings.Join(strings.Fields(usage), " ")
			switch {
			case f.Hidden:
				return
			case value == "":
				want = append(want, "--"+f.Name+" "+usage)
			case f.NoOptDefVal != "":
				want = append(want, "--"+f.Name+"[="+value+"] "+usage)
			default:
				want = append(want, "--"+f.Name+"="+value+" "+usage)
			}
		})
		if cmd.HasParent() && cmd.HasFlags() { // no variable stands in for --version
			want = append(want, ".SH ENVIRONMENT ")
		}
		for paragraph := range strings.SplitSeq(cmd.Long, "\n\n") {
			if !strings.HasPrefix(paragraph, "Exit codes: ") {
				want = append(want, strings.Join(strings.Fields(paragraph), " "))
			}
		}
		for _, w := range want {
			if w = strings.ReplaceAll(w, "…", "..."); !strings.Contains(text, w) {
				t.Errorf("%s does not have %q", name, w)
			}
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				check(c)
			}
		}
	}
	check((&app{}).rootCommand())
	if len(pages) != commands || commands < 9 {
		t.Errorf("%d pages for %d commands", len(pages), commands)
	}
	for name, page := range pages {
		for _, m := range regexp.MustCompile(`(tapsweep[a-z-]*)\(1\)`).FindAllStringSubmatch(unroff(page), -1) {
			if pages[m[1]+".1"] == nil {
				t.Errorf("%s points to %s", name, m[0])
			}
		}
		if bytes.ContainsFunc(page, func(r rune) bool { return r > '~' }) {
			t.Errorf("%s is not all ASCII, which not every formatter takes", name)
		}
	}
}

// The pages do not depend on when they are written, and can be written again.
func TestManCommand(t *testing.T) {
	pages, err := manPages()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "share", "man1")
	for _, env := range [][]string{{"SOURCE_DATE_EPOCH=1"}, {"SOURCE_DATE_EPOCH=1900000000"}} {
		if p := tapsweep(t, env, "man", dir); p.code != 0 || p.stdout+p.stderr != "" {
			t.Fatalf("exit %d\n%s%s", p.code, p.stdout, p.stderr)
		}
		for name, page := range pages {
			if got := mustRead(t, filepath.Join(dir, name)); !bytes.Equal(got, page) {
				t.Errorf("%s is\n%s\nwant\n%s", name, got, page)
			}
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != len(pages) {
		t.Errorf("%d files for %d pages, %v", len(files), len(pages), err)
	}
	if p := tapsweep(t, nil, "man", filepath.Join(dir, "tapsweep.1")); p.code != exitRefused || !strings.Contains(p.stderr, "writing the man pages: ") {
		t.Errorf("into a file: exit %d\n%s", p.code, p.stderr)
	}
	if p := tapsweep(t, nil, "--help"); strings.Contains(p.stdout, "man pages") {
		t.Errorf("the help shows the command to everybody:\n%s", p.stdout)
	}
}
