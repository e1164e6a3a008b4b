package graphsim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The page sizes of directory objects. Nothing is published for audits and the report,
// which have the same here. Source: learn.microsoft.com/graph/api/user-list.
const (
	defaultPage = 100
	maxPage     = 999
)

// query is what a request for a collection asks for.
type query struct {
	url.Values
	top        int
	hasToken   bool // asks for a page after the first one
	from       int  // the position in the token
	afterEmpty bool // the page before was empty and had the same position
	eventual   bool // has the header ConsistencyLevel: eventual
	count      bool // $count=true
}

// readQuery reads $top, $select, $skiptoken and the other options that the collection
// has. If refused is not nil, it is the answer.
func (t *Tenant) readQuery(c *call, options ...string) (q query, refused *answer) {
	var err error
	if q.Values, err = url.ParseQuery(c.query); err != nil {
		return q, t.badQuery(c, "BadRequest", "The query specified in the URI is not valid.")
	}
	for name, values := range q.Values {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		if !slices.Contains(append(options, "$top", "$select", "$skiptoken"), name) {
			return q, t.badQuery(c, "Request_UnsupportedQuery", "The query option '"+name+"' is not supported.")
		}
		if len(values) > 1 {
			return q, t.badQuery(c, "BadRequest", "Query option '"+name+
				"' was specified more than once, but it must be specified at most once.")
		}
	}
	q.top = defaultPage
	if q.Has("$top") {
		if q.top, err = strconv.Atoi(q.Get("$top")); err != nil || q.top < 1 || q.top > maxPage {
			return q, t.badQuery(c, "Request_BadRequest",
				"Invalid page size specified: '"+q.Get("$top")+"'. Must be between 1 and 999 inclusive.")
		}
	}
	if refused = t.readCount(c, &q); refused != nil {
		return q, refused
	}
	if q.hasToken = q.Has("$skiptoken"); q.hasToken {
		var ok bool
		if q.from, q.afterEmpty, ok = readSkipToken(q.Get("$skiptoken")); !ok {
			return q, t.expiredToken(c)
		}
	}
	return q, nil
}

// readCount reads $count. Counting is an advanced query, which needs the header on every
// page. Source: learn.microsoft.com/graph/aad-advanced-queries, learn.microsoft.com/graph/paging.
func (t *Tenant) readCount(c *call, q *query) (refused *answer) {
	q.eventual = strings.EqualFold(c.header.Get("ConsistencyLevel"), "eventual")
	q.count = q.Get("$count") == "true"
	if q.count && !q.eventual {
		return t.badQuery(c, "Request_UnsupportedQuery",
			"The query option '$count' is not supported without the header ConsistencyLevel: eventual.")
	}
	if !slices.Contains([]string{"", "true", "false"}, q.Get("$count")) {
		return t.badQuery(c, "BadRequest", "Invalid value for $count.")
	}
	return nil
}

func (t *Tenant) badQuery(c *call, code, message string) *answer {
	a := t.fail(c, 400, code, message)
	return &a
}

func (t *Tenant) badFilter(c *call) answer {
	return *t.badQuery(c, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")
}

func (t *Tenant) expiredToken(c *call) *answer {
	return t.badQuery(c, "Directory_ExpiredPageToken",
		"The specified page token value has expired and can no longer be included in your request.")
}
