package graphsim

import (
	"strconv"
	"strings"
)

// collection is a sequence of positions, of which keep chooses some: first, first+step,
// and so on, before end.
type collection struct {
	first, end, step int
	keep             func(i int) bool // nil keeps all
	item             func(i int) any
}

func (c *collection) isPastEnd(i int) bool { return (i-c.end)*c.step >= 0 }
func (c *collection) keeps(i int) bool     { return c.keep == nil || c.keep(i) }

// has reports whether a page may begin at i.
func (c *collection) has(i int) bool {
	return (i-c.first)*c.step >= 0 && (c.step < 0 || i <= c.end)
}

// page is a page of a collection.
type page struct {
	Context string `json:"@odata.context"`
	Count   *int   `json:"@odata.count,omitempty"`
	Next    string `json:"@odata.nextLink,omitempty"`
	Value   []any  `json:"value"`
}

// page answers with one page of a collection. It looks at each position once: the first
// position of the next page is in the token.
func (t *Tenant) page(c *call, q *query, context string, all collection) answer {
	at := all.first
	if q.hasToken {
		if at = q.from; !all.has(at) {
			return *t.expiredToken(c)
		}
	}
	p := page{Context: c.root + "/$metadata#" + context, Value: []any{}}
	if t.opts.EmptyPages && q.hasToken && !q.afterEmpty {
		p.Next = t.nextLink(c, q, skipToken(at, true))
		return jsonAnswer(200, p)
	}
	for ; !all.isPastEnd(at); at += all.step {
		if !all.keeps(at) {
			continue
		}
		if len(p.Value) == q.top {
			p.Next = t.nextLink(c, q, skipToken(at, false))
			break
		}
		p.Value = append(p.Value, all.item(at))
	}
	// Only the first page has the count. Source: learn.microsoft.com/graph/paging.
	if q.count && !q.hasToken {
		n := 0
		for i := all.first; !all.isPastEnd(i); i += all.step {
			if all.keeps(i) {
				n++
			}
		}
		p.Count = &n
	}
	return jsonAnswer(200, p)
}

// nextLink is absolute and holds all the options of the request.
func (t *Tenant) nextLink(c *call, q *query, token string) string {
	root := c.root
	if t.opts.ForeignLinks {
		root = "https://graph.example.net" + root[strings.LastIndexByte(root, '/'):]
	}
	path, _, _ := strings.Cut(c.URL, "?")
	q.Set("$skiptoken", token)
	options := strings.NewReplacer("%24", "$", "+", "%20").Replace(q.Encode())
	return root + "/" + strings.TrimPrefix(path, "/") + "?" + options
}

// A token means something to the service only, so it does not look like a number.
const tokenPrefix = "RFNwdAIAAQAAA"

// skipToken is the token of the page that begins at a position. It ends with Z if the
// page before was an empty one.
func skipToken(at int, afterEmpty bool) string {
	token := tokenPrefix + strconv.FormatInt(int64(at), 36)
	if afterEmpty {
		token += "Z"
	}
	return token
}

func readSkipToken(token string) (at int, afterEmpty, ok bool) {
	token, ok = strings.CutPrefix(token, tokenPrefix)
	token, afterEmpty = strings.CutSuffix(token, "Z")
	n, err := strconv.ParseInt(token, 36, 32)
	return int(n), afterEmpty, ok && err == nil && n >= 0
}
