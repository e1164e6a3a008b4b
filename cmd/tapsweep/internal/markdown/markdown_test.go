package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// A block has its line, so that a test can name the place of a mistake, and the language of its code.
func TestParse(t *testing.T) {
	t.Parallel()
	blocks := Parse(fenced(page))
	want := Block{Kind: Code, Line: 12, Indent: 3, Language: "csv", Text: "user,method\n"}
	if diff := cmp.Diff(want, blocks[4]); diff != "" {
		t.Error(diff)
	}
}
