package report

import (
	"html/template"
	"strings"
)

// A name is what people know something by, and what else there is to know, line by line.
type name struct {
	Name string
	More []string
}

// nameOf splits who ran something, as token.Token.Who has it: "user NAME through app APP (ID)" or
// "app APP (ID)", where "APP (ID)" may be only the id.
func nameOf(who string) name {
	who, id, hasID := strings.Cut(strings.TrimSuffix(who, ")"), " (")
	who, app, hasApp := strings.Cut(who, " through app ")
	n := name{Name: strings.TrimPrefix(who, "user ")}
	if hasApp {
		n.More = append(n.More, "through app "+app)
	}
	if hasID {
		n.More = append(n.More, id)
	}
	return n
}

// longestPart is how many characters of an address stay on one line. A part that is longer does
// not fit into a column.
const longestPart = 24

// address lets a browser break an address before @ and before a dot, and nowhere else.
func address(s string) template.HTML {
	var b strings.Builder
	for s != "" {
		part := s
		if i := strings.IndexAny(s[1:], "@."); i >= 0 {
			part = s[:1+i]
		}
		text := template.HTMLEscapeString(part)
		if len(part) <= longestPart && strings.ContainsAny(part, "-/?!|") {
			text = `<span class="part">` + text + "</span>"
		}
		if b.Len() > 0 {
			b.WriteString("<wbr>")
		}
		b.WriteString(text)
		s = s[len(part):]
	}
	return template.HTML(b.String())
}
