package graphsim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// collection is a sequence of the positions 0 to n-1, or n-1 to 0 if isReversed is set. keep
// reports whether a position is part of the collection.
type collection struct {
	n          int
	isReversed bool
	keep       func(i int) bool
	item       func(i int) any
}

// collectionPage is a page of a collection.
type collectionPage struct {
	Context string `json:"@odata.context"`
	Count   *int   `json:"@odata.count,omitempty"`
	Next    string `json:"@odata.nextLink,omitempty"`
	Value   []any  `json:"value"`
}

// page answers with one page of a collection. The token has the first position of
// the next page, so that all pages together read each position once.
func (t *Tenant) page(c *call, q *query, context string, all collection) callAnswer {
	at, step := 0, 1
	if all.isReversed {
		at, step = all.n-1, -1
	}
	if q.hasToken {
		if at = q.from; at > all.n {
			return *t.expiredToken(c)
		}
	}
	p := collectionPage{Context: c.root + "/$metadata#" + context, Value: []any{}}
	if t.opts.EmptyPages && q.hasToken && !q.afterEmpty {
		p.Next = t.nextLink(c, q, skipToken(at, true))
		return jsonAnswer(200, p)
	}
	for ; at >= 0 && at < all.n; at += step {
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
		p.Count = new(int)
		for i := range all.n {
			if all.keep(i) {
				*p.Count++
			}
		}
	}
	return jsonAnswer(200, p)
}

// nextLink returns an absolute URL with all options of the request.
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

// Every token begins with tokenPrefix. So it does not look like a number: only the service reads it.
const tokenPrefix = "RFNwdAIAAQAAA"

// skipToken returns the token of the page that begins at a position. It ends with Z if the
// previous page was an empty one.
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

// These are the page sizes of directory objects. Those of audit records and of the report
// are not documented; here they are the same. Source: learn.microsoft.com/graph/api/user-list.
const (
	defaultPage = 100
	maxPage     = 999
)

// query has the query options of a request for a collection.
type query struct {
	url.Values
	keep       func(i int) bool // whether an item passes $filter
	top        int
	hasToken   bool // the request is for a page after the first one
	from       int  // the position in the token
	afterEmpty bool // the previous page was empty and had the same position
	eventual   bool // the request has the header ConsistencyLevel: eventual
	count      bool // $count=true
}

// readQuery reads $top, $select and $skiptoken, $filter if properties is not empty, and the other
// options that the collection allows. If refused is not nil, it is the answer.
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
