package graphsim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// collection is a sequence of positions, of which keep chooses some: first, first+step,
// and so on, before end.
type collection struct {
	first, end, step int
	keep             func(i int) bool
	item             func(i int) any
}

func (c *collection) isPastEnd(i int) bool { return (i-c.end)*c.step >= 0 }

// has reports whether a page may begin at i.
func (c *collection) has(i int) bool {
	return (i-c.first)*c.step >= 0 && (c.step < 0 || i <= c.end)
}

// collectionPage is a page of a collection.
type collectionPage struct {
	Context string `json:"@odata.context"`
	Count   *int   `json:"@odata.count,omitempty"`
	Next    string `json:"@odata.nextLink,omitempty"`
	Value   []any  `json:"value"`
}

// page answers with one page of a collection. It looks at each position once: the first
// position of the next page is in the token.
func (t *Tenant) page(c *call, q *query, context string, all collection) callAnswer {
	at := all.first
	if q.hasToken {
		if at = q.from; !all.has(at) {
			return *t.expiredToken(c)
		}
	}
	p := collectionPage{Context: c.root + "/$metadata#" + context, Value: []any{}}
	if t.opts.EmptyPages && q.hasToken && !q.afterEmpty {
		p.Next = t.nextLink(c, q, skipToken(at, true))
		return jsonAnswer(200, p)
	}
	for ; !all.isPastEnd(at); at += all.step {
		if !all.keep(at) {
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
			if all.keep(i) {
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

// The page sizes of directory objects. Nothing is published for audits and the report,
// which have the same here. Source: learn.microsoft.com/graph/api/user-list.
const (
	defaultPage = 100
	maxPage     = 999
)

// query is what a request for a collection asks for.
type query struct {
	url.Values
	keep       func(i int) bool // what $filter asks for
	top        int
	hasToken   bool // asks for a page after the first one
	from       int  // the position in the token
	afterEmpty bool // the page before was empty and had the same position
	eventual   bool // has the header ConsistencyLevel: eventual
	count      bool // $count=true
}

// readQuery reads $top, $select, $skiptoken, $filter if there are properties for it, and the other
// options that the collection has. If refused is not nil, it is the answer.
func (t *Tenant) readQuery(c *call, properties map[string]filterable,
	options ...string) (q query, refused *callAnswer) {
	if properties != nil {
		options = append(options, "$filter")
	}
	var err error
	if q.Values, err = url.ParseQuery(c.query); err != nil {
		return q, t.badQuery(c, "BadRequest", "The query specified in the URI is not valid.")
	}
	for name := range q.Values {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		if !slices.Contains(append(options, "$top", "$select", "$skiptoken"), name) {
			return q, t.badQuery(c, "Request_UnsupportedQuery", "The query option '"+name+"' is not supported.")
		}
	}
	q.top = defaultPage
	if q.Has("$top") {
		if q.top, err = strconv.Atoi(q.Get("$top")); err != nil || q.top < 1 || q.top > maxPage {
			return q, t.badQuery(c, "Request_BadRequest",
				"Invalid page size specified: '"+q.Get("$top")+"'. Must be between 1 and 999 inclusive.")
		}
	}
	// Counting is an advanced query, which needs the header on every page.
	// Source: learn.microsoft.com/graph/aad-advanced-queries, learn.microsoft.com/graph/paging.
	q.eventual = strings.EqualFold(c.header.Get("ConsistencyLevel"), "eventual")
	if q.count = q.Get("$count") == "true"; q.count && !q.eventual {
		return q, t.badQuery(c, "Request_UnsupportedQuery",
			"The query option '$count' is not supported without the header ConsistencyLevel: eventual.")
	}
	if q.hasToken = q.Has("$skiptoken"); q.hasToken {
		var ok bool
		if q.from, q.afterEmpty, ok = readSkipToken(q.Get("$skiptoken")); !ok {
			return q, t.expiredToken(c)
		}
	}
	var ok bool
	if q.keep, ok = readFilter(q.Get("$filter"), properties); q.Has("$filter") && !ok {
		return q, t.badQuery(c, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")
	}
	return q, nil
}

func (t *Tenant) badQuery(c *call, code, message string) *callAnswer {
	a := t.fail(c, 400, code, message)
	return &a
}

func (t *Tenant) expiredToken(c *call) *callAnswer {
	return t.badQuery(c, "Directory_ExpiredPageToken",
		"The specified page token value has expired and can no longer be included in your request.")
}
