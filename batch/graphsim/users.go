package graphsim

import (
	"net/url"
	"strconv"
	"strings"
)

// The page sizes of GET /users. Source: learn.microsoft.com/graph/api/user-list.
const (
	defaultPage = 100
	maxPage     = 999
)

// listUsers answers GET /users with paging, $top and $select. Called with mu held.
func (t *Tenant) listUsers(c *call) answer {
	q, err := url.ParseQuery(c.query)
	if err != nil {
		return t.fail(c, 400, "BadRequest", "The query specified in the URI is not valid.")
	}
	size := defaultPage
	if q.Has("$top") {
		if size, err = strconv.Atoi(q.Get("$top")); err != nil || size < 1 || size > maxPage {
			return t.fail(c, 400, "Request_BadRequest", "Invalid page size specified: '"+q.Get("$top")+
				"'. Must be between 1 and 999 inclusive.")
		}
	}
	for name := range q {
		if name != "$top" && name != "$select" && name != "$skiptoken" && strings.HasPrefix(name, "$") {
			return t.fail(c, 400, "Request_UnsupportedQuery", "The query option '"+name+"' is not supported.")
		}
	}
	from, afterEmpty, ok := 0, false, true
	if q.Has("$skiptoken") {
		if from, afterEmpty, ok = readSkipToken(q.Get("$skiptoken")); !ok || from > len(t.order) {
			return t.fail(c, 400, "Directory_ExpiredPageToken", "The specified page token value has expired "+
				"and can no longer be included in your request.")
		}
	}
	to := min(from+size, len(t.order))
	if t.opts.EmptyPages && from > 0 && !afterEmpty {
		to = from
	}

	b := append(make([]byte, 0, 64+160*(to-from)), `{"@odata.context":"`...)
	b = append(b, c.root...)
	b = append(b, `/$metadata#users"`...)
	if to < len(t.order) {
		q.Set("$skiptoken", skipToken(to, to == from))
		root := c.root
		if t.opts.ForeignLinks {
			root = "https://graph.example.net" + root[strings.LastIndexByte(root, '/'):]
		}
		b = append(b, `,"@odata.nextLink":`...)
		b = appendString(b, root+"/users?"+strings.ReplaceAll(q.Encode(), "%24", "$"))
	}
	b = append(b, `,"value":[`...)
	for i, u := range t.order[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendUser(b, u, q.Get("$select"))
	}
	return jsonAnswer(200, append(b, "]}"...))
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

func (t *Tenant) userJSON(c *call, u *user) []byte {
	q, _ := url.ParseQuery(c.query) // an unreadable query selects nothing
	b := append([]byte(`{"@odata.context":"`), c.root...)
	b = append(b, `/$metadata#users/$entity",`...)
	return append(b, appendUser(nil, u, q.Get("$select"))[1:]...)
}

// appendUser appends the selected properties, or all that are known.
func appendUser(b []byte, u *user, selected string) []byte {
	userType, enabled := "Member", strconv.FormatBool(!u.Disabled)
	if u.Guest {
		userType = "Guest"
	}
	b = append(b, '{')
	for _, p := range [...]struct{ name, value string }{
		{"id", u.ID}, {"userPrincipalName", u.UPN}, {"displayName", u.UPN},
		{"userType", userType}, {"accountEnabled", enabled},
	} {
		if selected != "" && !strings.Contains(","+strings.ReplaceAll(selected, " ", "")+",", ","+p.name+",") {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = appendString(b, p.name)
		b = append(b, ':')
		if p.name == "accountEnabled" {
			b = append(b, p.value...)
		} else {
			b = appendString(b, p.value)
		}
	}
	return append(b, '}')
}
