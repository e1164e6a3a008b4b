package graphsim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The page sizes of directory objects. Source: learn.microsoft.com/graph/api/user-list.
// Nothing is published for audits and the report; they have the same here.
const (
	defaultPage = 100
	maxPage     = 999
)

// query is what a request for a collection asks for.
type query struct {
	url.Values
	top      int
	token    bool // a page behind the first one is asked for
	from     int  // the position in the token
	again    bool // the page before this one was empty and had the same position
	eventual bool // the header ConsistencyLevel: eventual came with it
	count    bool // $count=true
}

// readQuery reads $top, $select, $skiptoken and the other options that the
// collection has. If refused is not nil it is the answer.
func (t *Tenant) readQuery(c *call, options ...string) (q query, refused *answer) {
	refuse := func(code, message string) (query, *answer) {
		a := t.fail(c, 400, code, message)
		return q, &a
	}
	var err error
	if q.Values, err = url.ParseQuery(c.query); err != nil {
		return refuse("BadRequest", "The query specified in the URI is not valid.")
	}
	for name, values := range q.Values {
		switch {
		case !strings.HasPrefix(name, "$"):
		case name != "$top" && name != "$select" && name != "$skiptoken" && !slices.Contains(options, name):
			return refuse("Request_UnsupportedQuery", "The query option '"+name+"' is not supported.")
		case len(values) > 1:
			return refuse("BadRequest", "Query option '"+name+"' was specified more than once, but it must be specified at most once.")
		}
	}
	q.top = defaultPage
	if q.Has("$top") {
		if q.top, err = strconv.Atoi(q.Get("$top")); err != nil || q.top < 1 || q.top > maxPage {
			return refuse("Request_BadRequest", "Invalid page size specified: '"+q.Get("$top")+
				"'. Must be between 1 and 999 inclusive.")
		}
	}
	// Counting is an advanced query, which takes the header, on each page anew.
	// Source: learn.microsoft.com/graph/aad-advanced-queries, learn.microsoft.com/graph/paging.
	q.eventual = strings.EqualFold(c.header.Get("ConsistencyLevel"), "eventual")
	switch q.Get("$count") {
	case "", "false":
	case "true":
		if q.count = true; !q.eventual {
			return refuse("Request_UnsupportedQuery", "The query option '$count' is not supported without the header ConsistencyLevel: eventual.")
		}
	default:
		return refuse("BadRequest", "Invalid value for $count.")
	}
	if q.token = q.Has("$skiptoken"); q.token {
		var ok bool
		if q.from, q.again, ok = readSkipToken(q.Get("$skiptoken")); !ok {
			return q, t.expiredToken(c)
		}
	}
	return q, nil
}

func (t *Tenant) expiredToken(c *call) *answer {
	a := t.fail(c, 400, "Directory_ExpiredPageToken", "The specified page token value has expired "+
		"and can no longer be included in your request.")
	return &a
}

// run is a collection: positions from first on, by step, as long as they are not
// end, of which those that keep agrees to are in it.
type run struct {
	first, end, step int
	keep             func(i int) bool // nil keeps all
	put              func(b []byte, i int) []byte
}

func (r *run) holds(i int) bool { return r.keep == nil || r.keep(i) }

// past tells whether i is at the end or beyond it.
func (r *run) past(i int) bool { return (i-r.end)*r.step >= 0 }

// page answers with one page of a collection. A page ends where the next one
// begins, which is found by looking and told in the token, so that nothing is
// looked at twice and all pages together cost as much as one look at everything.
func (t *Tenant) page(c *call, q *query, context string, r run) answer {
	at := r.first
	if q.token {
		if at = q.from; (at-r.first)*r.step < 0 || r.step > 0 && at > r.end {
			return *t.expiredToken(c)
		}
	}
	values := make([]byte, 0, 160*min(q.top, max(1, (r.end-at)*r.step)))
	next := -1
	if t.opts.EmptyPages && q.token && !q.again {
		next = at
	} else {
		for n := 0; !r.past(at); at += r.step {
			if !r.holds(at) {
				continue
			}
			if n++; n > q.top {
				next = at
				break
			}
			if n > 1 {
				values = append(values, ',')
			}
			values = r.put(values, at)
		}
	}

	b := append(make([]byte, 0, 512+len(values)), `{"@odata.context":"`...)
	b = append(b, c.root...)
	b = append(b, `/$metadata#`...)
	b = append(b, context...)
	b = append(b, '"')
	// Only the first page has the count. Source: learn.microsoft.com/graph/paging.
	if q.count && !q.token {
		total := 0
		for i := r.first; !r.past(i); i += r.step {
			if r.holds(i) {
				total++
			}
		}
		b = append(b, `,"@odata.count":`...)
		b = strconv.AppendInt(b, int64(total), 10)
	}
	if next >= 0 {
		b = append(b, `,"@odata.nextLink":`...)
		b = appendString(b, t.nextLink(c, q, skipToken(next, next == q.from && q.token)))
	}
	b = append(b, `,"value":[`...)
	b = append(b, values...)
	return jsonAnswer(200, append(b, "]}"...))
}

// nextLink is absolute and has all the options of the request in it.
func (t *Tenant) nextLink(c *call, q *query, token string) string {
	root := c.root
	if t.opts.ForeignLinks {
		root = "https://graph.example.net" + root[strings.LastIndexByte(root, '/'):]
	}
	path, _, _ := strings.Cut(c.url, "?")
	q.Set("$skiptoken", token)
	options := strings.NewReplacer("%24", "$", "+", "%20").Replace(q.Encode())
	return root + "/" + strings.TrimPrefix(path, "/") + "?" + options
}

// A page token means something to the service only, so it does not look like a number.
func skipToken(at int, empty bool) string {
	token := "RFNwdAIAAQAAA" + strconv.FormatInt(int64(at), 36)
	if empty {
		token += "Z"
	}
	return token
}

func readSkipToken(s string) (at int, empty, ok bool) {
	s, ok = strings.CutPrefix(s, "RFNwdAIAAQAAA")
	s, empty = strings.CutSuffix(s, "Z")
	n, err := strconv.ParseInt(s, 36, 32)
	return int(n), empty, ok && err == nil && n >= 0
}
