package markdown

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tapsweep/testdata/assert"
)

// page has each kind of block.
const page = `# Lists

![A picture](run.svg)
<!-- a comment -->
A list names **users**, and the IDs of their
passes: see [Columns](lists.md#columns).

## Steps

1. Write the list:

   ~~~csv
   user,method
   ~~~

2. Run ` + "`revoke`" + `.

- one
- two, which takes
  two lines

| flag | default | |
|---|---|---|
| ` + "`--rate N`" + ` | none | most requests in a second |
| ` + "`--quiet`" + ` | | no summary |
`

func links(text, target string) string { return text + "<" + target + ">" }

// fenced puts code fences in place of ~~~, which a raw string of Go can hold.
func fenced(text string) string { return strings.ReplaceAll(text, "~~~", "```") }

func TestText(t *testing.T) {
	t.Parallel()
	want := `Lists

  A list names users, and the IDs of their passes: see
  Columns<lists.md#columns>.

Steps

  1. Write the list:

         user,method

  2. Run ` + "`revoke`" + `.

  - one
  - two, which takes two lines

  ` + "`--rate N`" + `
      default: none
      most requests in a second
  ` + "`--quiet`" + `
      no summary
`
	if diff := cmp.Diff(want, Text(fenced(page), links)); diff != "" {
		t.Error(diff)
	}
}

func TestMan(t *testing.T) {
	t.Parallel()
	want := `.nr HY 0
.TH "TAPSWEEP-LISTS" "7" "" "tapsweep v1" "tapsweep"
.ad l
.SH NAME
tapsweep\-lists \- Lists
.SH DESCRIPTION
.PP
A list names \fBusers\fP, and the IDs of their passes: see Columns<lists.md#columns>.
.SH Steps
.IP 1. 4
Write the list:
.RS 4
.PP
.RS 4
.EX
user,method
.EE
.RE
.RE
.IP 2. 4
Run \fBrevoke\fP.
.IP \(bu 4
one
.IP \(bu 4
two, which takes two lines
.TP 4
\fB\-\-rate N\fP
default: none
.br
most requests in a second
.TP 4
\fB\-\-quiet\fP
no summary
`
	got := Man(fenced(page), ManHeader{Name: "tapsweep-lists", Short: "Lists", Section: "7",
		Source: "tapsweep v1", Manual: "tapsweep"}, links)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Characters that roff treats in another way stand for themselves.
func TestManEscapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`C:\tap`:    `C:\etap`,
		".profile":  `\&.profile`,
		"a\n'b'":    "a\n\\&'b'",
		"--yes":     `\-\-yes`,
		"~/.config": `\(ti/.config`,
	} {
		assert.Same(t, fmt.Sprintf("escape(%q)", text), escape(text), want)
	}
}

// A block has its line, so that a test can name the place of a mistake, and the language of its code.
func TestParse(t *testing.T) {
	t.Parallel()
	blocks := Parse(fenced(page))
	want := Block{Kind: Code, Line: 12, Indent: 3, Language: "csv", Text: "user,method\n"}
	if diff := cmp.Diff(want, blocks[4]); diff != "" {
		t.Error(diff)
	}
}
