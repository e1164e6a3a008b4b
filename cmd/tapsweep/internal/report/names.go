package report

import (
	"html/template"
	"strings"
)

// A name is what people know something by, and its id or what else there is to know.
type name struct{ Name, ID string }

// nameOf splits who ran something, as token.Token.Who has it, into the name and the rest:
// "user NAME through app APP", or "app NAME (ID)".
func nameOf(who string) name {
	if user, app, ok := strings.Cut(strings.TrimPrefix(who, "user "), " through app "); ok {
		return name{user, "through app " + app}
	}
	if app, id, ok := strings.Cut(who, " ("); ok {
		return name{app, strings.TrimSuffix(id, ")")}
	}
	return name{who, ""}
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
