package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/input"
)

// pageSize is the maximum number of users in one page. Source: learn.microsoft.com/graph/api/user-list.
const pageSize = 999

// A source is a list of users in pages, of which one at a time is asked for.
type source struct {
	what    string // for errors
	url     string // of the next page
	quota   string
	headers map[string]string
	add     func(json.RawMessage) (fresh bool, err error) // adds a value of a page
	audit   bool                                          // the source is the audit log
	counts  bool                                          // the first page says how many users the source has
	filter  bool                                          // the request has Options.Filter

	first string              // the URL of the first page
	wider []string            // first pages with fewer filters, in case Graph refuses first
	users map[uint64]struct{} // users of the source, by hash; with one source these are all users
	pages int                 // pages that were read

	// These counts start again when the source returns something new.
	idle     int // pages without anything new
	restarts int // refused page tokens
}

// page returns the request for the next page of a source.
func (s *scanner) page(p *source) batch.Request {
	return get(p.url, p.quota, p.headers, func(res batch.Result) { s.arrived(p, res) })
}

// properties returns the properties of a user that the scan needs.
func (s *scanner) properties() string {
	if s.filtersAccounts() {
		return "id,userPrincipalName,userType,accountEnabled"
	}
	return "id,userPrincipalName"
}

// sources returns the sources of users.
func (s *scanner) sources() (list []*source) {
	addUsers := func(what, path, more string, p source) {
		p.what, p.quota = what, usersQuota
		p.url = fmt.Sprintf("%s?$select=%s&$top=%d%s", path, s.properties(), pageSize, more)
		if p.counts { // an advanced query, which needs the header and $count
			p.headers = advanced
		}
		p.users, p.first = make(map[uint64]struct{}), p.url
		p.add = func(raw json.RawMessage) (bool, error) { return s.member(&p, raw) }
		list = append(list, &p)
	}
	if s.opts.All && s.opts.Filter == "" {
		addUsers("the users of the tenant", "/users", "", source{})
	} else if s.opts.All {
		// Many filters are advanced queries. Source: learn.microsoft.com/graph/aad-advanced-queries.
		addUsers("the users of the tenant", "/users", "&$count=true&$filter="+escape(s.opts.Filter),
			source{filter: true, counts: true})
	}
	for _, id := range s.opts.Groups {
		// A cast in the path is an advanced query.
		// Source: learn.microsoft.com/graph/api/group-list-transitivemembers.
		path := "/groups/" + url.PathEscape(id) + "/transitiveMembers/microsoft.graph.user"
		addUsers("the members of group "+id, path, "&$count=true", source{counts: true})
	}
	if s.opts.Audit != nil {
		s.audit = newAuditFindings(s.opts.Audit, s.opts.CreatedSince)
		urls := queries(s.opts.CreatedSince)
		list = append(list, &source{what: "the audit log", url: urls[0], first: urls[0], wider: urls[1:],
			quota: reportsQuota, audit: true, add: s.audit.add})
	}
	if s.one = len(list) == 1 && len(s.opts.Users) == 0; s.one {
		list[0].users = s.seen
	}
	return list
}

// escape encodes a value of a query. A space becomes %20, because Graph may read a plus literally.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// arrived handles the answer with a page. Its users go into the queue. Its next page waits until the queue is shorter.
func (s *scanner) arrived(p *source, res batch.Result) {
	var body struct {
		Value *[]json.RawMessage `json:"value"`
		Next  string             `json:"@odata.nextLink"`
	}
	err := pass.Decode(res, "a page", &body)
	if err == nil && body.Value == nil {
		err = errors.New("a page cannot be read: it has no value")
	}
	if err != nil {
		s.pageFailed(p, res.Response.Status, err)
		return
	}
	if s.counts.Pages++; p.counts && s.one {
		s.counted(res)
	}
	if err := s.contents(p, *body.Value); err != nil {
		s.stop(&SourceError{What: p.what, Err: err})
		return
	}
	if body.Next != "" {
		s.follow(p, body.Next)
	} else if p.audit {
		for _, id := range s.audit.order {
			if s.markSeen(id, s.audit.names[id]) {
				s.queue = append(s.queue, userToList{name: id, upn: s.audit.names[id], look: s.filtersAccounts()})
			}
		}
		s.all = len(s.audit.order)
	}
	s.tellTotal()
}

// count asks how many users the tenant has. This is an advanced query, whose result may be old, so the pages of
// users do not use it. Source: learn.microsoft.com/graph/aad-advanced-queries.
func (s *scanner) count() batch.Request {
	return get("/users?$select=id&$top=1&$count=true", usersQuota, advanced, s.counted)
}

// advanced are the headers of an advanced query.
var advanced = map[string]string{"ConsistencyLevel": "eventual"}

// counted reads the number of users from an answer. If it cannot, there is no total.
func (s *scanner) counted(res batch.Result) {
	var body struct {
		Count int `json:"@odata.count"`
	}
	if pass.Decode(res, "", &body) == nil && body.Count > 0 {
		s.all = body.Count
		s.tellTotal()
	}
}

// tellTotal tells the caller how many users the scan covers.
func (s *scanner) tellTotal() {
	c := &s.counts
	if total := s.all - c.Guests - c.Disabled - c.Earlier - c.Protected; total > 0 {
		s.sinks.Total(total)
	}
}

// contents adds the contents of a page.
func (s *scanner) contents(p *source, values []json.RawMessage) error {
	progress := false
	for _, raw := range values {
		fresh, err := p.add(raw)
		if err != nil {
			return err
		}
		progress = progress || fresh
	}
	p.pages++
	if p.idle++; progress {
		p.idle, p.restarts = 0, 0
	}
	return nil
}

// maxIdle is the maximum number of consecutive pages without anything new. It is needed because a service may name
// a next page forever, or pages may form a loop. Empty pages are allowed, because other pages may follow.
// Source: learn.microsoft.com/graph/paging.
const maxIdle = 500

// follow queues the next page of a source.
func (s *scanner) follow(p *source, link string) {
	var err error
	next, ok := s.relativeLink(link)
	if !ok {
		// Otherwise the token would be sent to any host in the link.
		err = fmt.Errorf("its next page is not below %s but at %s", s.opts.Root, safetext.Printable(link))
	} else if p.idle >= maxIdle {
		err = fmt.Errorf("%d pages in a row had nothing new, and each named a next page: "+
			"Graph may never end the list; try again later", maxIdle)
	}
	if err != nil {
		s.stop(&SourceError{What: p.what, Err: err})
		return
	}
	p.url = next
	s.held = append(s.held, p)
}

// relativeLink removes the root of Graph from a next link, because a batch has relative URLs. It reports whether the
// link is below the root.
func (s *scanner) relativeLink(link string) (path string, ok bool) {
	if len(link) <= len(s.opts.Root) || !strings.EqualFold(link[:len(s.opts.Root)], s.opts.Root) {
		return "", false
	}
	path = link[len(s.opts.Root):]
	return path, path[0] == '/'
}

// maxRestarts is how often a source may start again without anything new in between.
const maxRestarts = 3

// pageFailed handles the error of a page. If the page token is no longer valid, the source starts again from its
// first page. No user is listed twice.
// Source: learn.microsoft.com/graph/paging, "DirectoryPageTokenNotFoundException".
func (s *scanner) pageFailed(p *source, status int, err error) {
	failure := &SourceError{What: p.what, Err: err, Filtered: p.filter && p.pages == 0}
	gone := (status == 400 || status == 410) && p.url != p.first
	switch {
	case gone && p.restarts < maxRestarts:
		p.url = p.first
		p.restarts++
		p.idle = -p.pages // these pages will have nothing new
		s.held = append(s.held, p)
	case p.pages == 0 && status == 400 && len(p.wider) > 0:
		p.url, p.first, p.wider = p.wider[0], p.wider[0], p.wider[1:]
		s.held = append(s.held, p)
	case gone:
		failure.Err = fmt.Errorf("page tokens were refused %d times and Graph returned nothing new in between: %w",
			p.restarts+1, err)
		s.stop(failure)
	default:
		s.stop(failure)
	}
}

// An account is a user in a page or in the answer to a lookup.
type account struct {
	ID      string `json:"id"`
	UPN     string `json:"userPrincipalName"`
	Type    string `json:"userType"`
	Enabled *bool  `json:"accountEnabled"`
}

// member adds a user of a page, and reports whether the source has not shown this user before.
func (s *scanner) member(p *source, raw json.RawMessage) (fresh bool, err error) {
	var a account
	if err := pass.Unmarshal(raw, &a); err != nil {
		return false, fmt.Errorf("a user cannot be read: %w", err)
	}
	if !isID(a.ID) {
		return false, fmt.Errorf("a user has no object ID: %s", safetext.Printable(a.ID))
	}
	key := s.key(a.ID)
	_, again := p.users[key]
	if s.markSeen(a.ID, a.UPN) {
		var admitted bool
		if admitted, err = s.admits(&a); admitted {
			s.queue = append(s.queue, userToList{name: a.ID, upn: shown(a.UPN)})
		}
	}
	p.users[key] = struct{}{}
	return !again, err
}

// isID reports whether text is an object ID, which is safe in the path of a request.
func isID(text string) bool { return !strings.Contains(text, "@") && input.CheckUser(text) == nil }

// shown returns a name from Graph in a form that is safe to print and to write to a list.
func shown(upn string) string {
	if input.CheckUser(upn) == nil {
		return upn
	}
	return safetext.Printable(upn)
}

// errHidden is returned if an account lacks the properties that decide whether it is scanned.
var errHidden = errors.New("whether an account is a member or enabled is hidden by Graph")

// admits reports whether an account must be scanned. If the token may read accountEnabled, every account has it. Old
// accounts may have no userType, so it is not known whether they are members. If an account has neither, the token
// may not read them.
func (s *scanner) admits(a *account) (bool, error) {
	switch {
	case !s.filtersAccounts():
	case a.Enabled == nil && (s.opts.EnabledOnly || a.Type == ""):
		return false, errHidden
	case s.opts.MembersOnly && !strings.EqualFold(a.Type, "Member"):
		s.counts.Guests++
		return false, nil
	case s.opts.EnabledOnly && !*a.Enabled:
		s.counts.Disabled++
		return false, nil
	}
	return true, nil
}

// IsHidden reports whether a scan ended because the token may not read a property. It needs User.Read.All.
// Source: learn.microsoft.com/graph/permissions-reference.
func IsHidden(err error) bool { return errors.Is(err, errHidden) }

// accountOf handles the answer to a lookup.
func (s *scanner) accountOf(t userToList, res batch.Result) {
	var a account
	err := pass.Decode(res, "the account", &a)
	if err == nil && (!isID(a.ID) || !strings.EqualFold(t.name, a.ID) && !strings.EqualFold(t.name, a.UPN)) {
		err = errors.New("the answer is not about this user")
	}
	if err != nil {
		s.failed(t, res, err)
		return
	}
	if !strings.EqualFold(t.name, a.ID) && !s.markSeen(a.ID, a.UPN) {
		return // the user was already seen under another name
	}
	admitted, err := s.admits(&a)
	if err != nil {
		s.failed(t, res, err) // the user is in Options.Users, so a row says why it is skipped
	}
	if admitted {
		s.queue = append(s.queue, userToList{name: a.ID, upn: shown(a.UPN)})
	}
}
