// Package markdown reads the part of Markdown that the manual uses, and writes it as plain text
// for a terminal. It knows headings, paragraphs, lists, tables, fenced code,
// `code`, **bold** and [links](target). Pictures and comments are left out. Tables become lists, because few
// tables would fit into the width of a terminal.
package markdown

import (
	"regexp"
	"strings"
)

// A BlockKind says what a block is.
type BlockKind int

// The kinds of blocks.
const (
	Paragraph BlockKind = iota
	Heading
	Item
	Code
	Term       // the first cell of a row of a table
	Definition // another cell of the row that is not empty, after the header of its column
)

// A Block is one paragraph, heading, item of a list, cell of a table or fenced block of code.
type Block struct {
	Kind     BlockKind
	Line     int    // of its first line, from 1
	Indent   int    // columns before its text: 0, or more inside of a list
	Marker   string // of an item: "-", "1." and so on
	Language string // of code: the word after the fence
	Text     string // without line breaks, but for code
}

// A parser reads one text. Blocks grow line by line.
type parser struct {
	lines  []string
	next   int // the line that is read next
	blocks []Block
	open   bool // the last block continues in the next line

	headers []string // the headers of the table that is being read, nil outside of a table
}

// A form is how a kind of block begins. The first form that matches counts.
type form struct {
	begins *regexp.Regexp
	read   func(p *parser, match []string)
}

var forms = []form{
	{regexp.MustCompile(`^\s*$|^<!--.*-->$|^!\[.*\]\(.*\)$`), func(p *parser, _ []string) {
		p.open, p.headers = false, nil
	}},
	{regexp.MustCompile("^( *)```(.*)$"), (*parser).code},
	{regexp.MustCompile(`^#+ +(.+)$`), func(p *parser, match []string) {
		p.add(Block{Kind: Heading, Text: match[1]})
		p.open = false
	}},
	{regexp.MustCompile(`^( *)\|.*\|$`), (*parser).table},
	{regexp.MustCompile(`^( *)((-|\d+\.) +)(.*)$`), func(p *parser, match []string) {
		p.add(Block{Kind: Item, Indent: len(match[1]) + len(match[2]), Marker: match[3], Text: match[4]})
	}},
	{regexp.MustCompile(`^( *)(.+)$`), (*parser).text},
}

// Parse returns the blocks of a text in their order.
func Parse(text string) []Block {
	p := &parser{lines: strings.Split(strings.TrimRight(text, "\n"), "\n")}
	for p.next < len(p.lines) {
		line := p.lines[p.next]
		p.next++
		for _, f := range forms {
			if match := f.begins.FindStringSubmatch(line); match != nil {
				f.read(p, match)
				break
			}
		}
	}
	return p.blocks
}

func (p *parser) add(b Block) {
	b.Line = p.next
	p.blocks = append(p.blocks, b)
	p.open = true
}

// text reads a line of a paragraph or of an item.
func (p *parser) text(match []string) {
	if p.open {
		p.blocks[len(p.blocks)-1].Text += " " + match[2]
		return
	}
	p.add(Block{Kind: Paragraph, Indent: len(match[1]), Text: match[2]})
}

// code reads a fenced block up to its end.
func (p *parser) code(match []string) {
	p.add(Block{Kind: Code, Indent: len(match[1]), Language: match[2]})
	p.open = false
	b := &p.blocks[len(p.blocks)-1]
	for p.next < len(p.lines) {
		line := strings.TrimPrefix(p.lines[p.next], match[1])
		p.next++
		if line == "```" {
			return
		}
		b.Text += line + "\n"
	}
}

// delimiter is the row below the header of a table.
var delimiter = regexp.MustCompile(`^[|\s:-]+$`)

// table reads a row of a table.
func (p *parser) table(match []string) {
	row := strings.Split(strings.Trim(strings.TrimSpace(match[0]), "|"), "|")
	switch {
	case p.headers == nil:
		p.headers = row
		return
	case delimiter.MatchString(match[0]):
		return
	}
	kind := Term
	for i, cell := range row {
		cell, header := strings.TrimSpace(cell), strings.TrimSpace(p.headers[i])
		if kind == Definition && header != "" && cell != "" {
			cell = header + ": " + cell
		}
		if kind == Term || cell != "" {
			p.add(Block{Kind: kind, Indent: len(match[1]), Text: cell})
		}
		kind = Definition
	}
}

var (
	link = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
	bold = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// A LinkFunc returns what a reader sees in place of a link.
type LinkFunc func(text, target string) string

func (f LinkFunc) resolve(text string) string {
	return link.ReplaceAllStringFunc(text, func(s string) string {
		match := link.FindStringSubmatch(s)
		return f(match[1], match[2])
	})
}
