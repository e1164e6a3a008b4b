package markdown

import (
	"fmt"
	"strings"
)

// A ManHeader is the first line of a man page and its NAME.
type ManHeader struct {
	Name    string // such as tapsweep-lists
	Short   string // what the page is about, in a line
	Section string
	Source  string // the program and its version
	Manual  string
}

// Man writes a page as a man page, without hyphenation (HY). Its first heading is left out, because NAME
// has it.
// Source: groff_man(7), man-pages(7).
func Man(page string, h ManHeader, links LinkFunc) string {
	var out strings.Builder
	fmt.Fprintf(&out, ".nr HY 0\n.TH %q %q \"\" %q %q\n.ad l\n", strings.ToUpper(h.Name), h.Section, h.Source, h.Manual)
	fmt.Fprintf(&out, ".SH NAME\n%s \\- %s\n.SH DESCRIPTION\n", escape(h.Name), roff(h.Short, links))
	depth := 0 // columns that the text is indented
	before := Heading
	for _, b := range Parse(page) {
		if b.Kind == Heading && b.Level == 1 {
			continue
		}
		for ; depth > 0 && (b.Kind == Heading || b.Kind == Item || b.Indent < depth); depth = 0 {
			out.WriteString(".RE\n")
		}
		if b.Kind != Item && b.Indent > depth {
			out.WriteString(".RS 4\n")
			depth = b.Indent
		}
		if b.Kind == Definition && before == Definition {
			out.WriteString(".br\n")
		}
		out.WriteString(b.roff(links))
		before = b.Kind
	}
	return out.String()
}

func (b Block) roff(links LinkFunc) string {
	text := roff(b.Text, links)
	switch b.Kind {
	case Heading:
		return map[bool]string{true: ".SH ", false: ".SS "}[b.Level == 2] + text + "\n"
	case Item:
		marker := map[bool]string{true: `\(bu`, false: b.Marker}[b.Marker == "-"]
		return ".IP " + marker + " 4\n" + text + "\n"
	case Code:
		return ".PP\n.RS 4\n.EX\n" + escape(b.Text) + ".EE\n.RE\n"
	case Term:
		return ".TP 4\n" + text + "\n"
	case Definition:
		return text + "\n"
	default:
		return ".PP\n" + text + "\n"
	}
}

func roff(text string, links LinkFunc) string {
	text = escape(links.resolve(text))
	text = bold.ReplaceAllString(text, `\fB$1\fP`)
	return code.ReplaceAllString(text, `\fB$1\fP`)
}

// escape makes each character stand for itself. Source: groff_char(7).
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
