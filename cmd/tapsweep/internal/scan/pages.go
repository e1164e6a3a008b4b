package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/input"
)

// pageSize is the most users of a page. Source: learn.microsoft.com/graph/api/user-list.
const pageSize = 999

// page is a request for a page, and where it stands in its source.
type page struct {
	what    string // for errors
	url     string
	quota   string
	headers map[string]string
	audit   bool // of the audit log, in place of users
	filter  bool // Options.Filter is part of it

	first string              // url of the source's first page
	seen  map[uint64]struct{} // pages of the source, by hash
	good  string              // url of the last page that came at the first attempt
	users map[uint64]struct{} // users the source has shown; nil means all users the scan knows
	pages int                 // pages of the source that were read

	// Since the source last showed something new:
	idle     int // pages without anything new
	restarts int // refused page tokens
}

func (p *page) request() batch.Request {
	return batch.Request{Method: "GET", URL: p.url, Headers: p.headers, Quota: p.quota, Tag: p}
}

// at is the same source at another page.
func (p *page) at(url string) *page {
	next := *p
	next.url = url
	return &next
}

// properties are what is asked of a user: no more than is needed, since it costs.
func (s *Scan) properties() string {
	names := "id,userPrincipalName"
	if s.opts.MembersOnly {
		names += ",userType"
	}
	if s.opts.EnabledOnly {
		names += ",accountEnabled"
	}
	return names
}

// sources are the first pages of all that is read page by page.
func (s *Scan) sources() (list []*page) {
	add := func(p *page) {
		p.first, p.good, p.seen = p.url, p.url, make(map[uint64]struct{})
		list = append(list, p)
	}
	if s.opts.All {
		var headers map[string]string
		query := fmt.Sprintf("/users?$select=%s&$top=%d", s.properties(), pageSize)
		if s.opts.Filter != "" {
			// Many filters are advanced queries, which ask for header and count.
			// Source: learn.microsoft.com/graph/aad-advanced-queries.
			query += "&$count=true&$filter=" + escape(s.opts.Filter)
			headers = map[string]string{"ConsistencyLevel": "eventual"}
		}
		add(&page{what: "the users of the tenant", url: query, quota: usersQuota, headers: headers,
			filter: s.opts.Filter != ""})
	}
	for _, id := range s.opts.Groups {
		// A cast in the path needs the advanced query that header and count ask for.
		// Source: learn.microsoft.com/graph/api/group-list-transitivemembers.
		add(&page{what: "the members of group " + id, quota: usersQuota,
			url: fmt.Sprintf("/groups/%s/transitiveMembers/microsoft.graph.user?$select=%s&$top=%d&$count=true",
				url.PathEscape(id), s.properties(), pageSize),
			headers: map[string]string{"ConsistencyLevel": "eventual"}})
	}
	if s.opts.Audit != nil {
		s.audit = newAuditFindings(s.opts.Audit)
		add(&page{what: "the audit log", url: s.opts.Audit.query(), quota: reportsQuota, audit: true})
	}
	if len(list) > 1 || len(s.opts.Users) > 0 {
		for _, p := range list { // a user in several sources is new in each of them
			p.users = make(map[uint64]struct{})
		}
	}
	return list
}

// escape encodes a value of a query. Graph takes %20 for a space, and a plus may
// be meant.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// arrived takes in a page: the users on it wait to be listed, and its next page
// waits until fewer do.
func (s *Scan) arrived(p *page, res batch.Result) {
	var body struct {
		Value *[]json.RawMessage `json:"value"`
		Next  string             `json:"@odata.nextLink"`
	}
	if !passes.Listed(res) {
		s.pageFailed(p, res)
		return
	}
	err := json.Unmarshal(res.Response.Body, &body)
	if err == nil && body.Value == nil {
		err = errors.New("it has no value")
	}
	if err != nil {
		s.end(&SourceError{What: p.what, Err: fmt.Errorf("a page cannot be read: %w", err)})
		return
	}
	s.counts.Pages++
	if res.Attempts == 1 {
		p.good = p.url
	}
	p.seen[maphash.String(s.seed, p.url)] = struct{}{}
	if err := s.contents(p, *body.Value); err != nil {
		s.end(&SourceError{What: p.what, Err: err})
		return
	}
	if body.Next != "" {
		s.follow(p, body.Next)
	} else if p.audit {
		s.queue = append(s.queue, s.auditTargets()...)
	}
}

// contents adds the contents of a page.
func (s *Scan) contents(p *page, values []json.RawMessage) error {
	told := s.told
	progress := false
	for _, raw := range values {
		fresh, err := false, error(nil)
		if p.audit {
			fresh = s.audit.add(raw)
		} else {
			fresh, err = s.member(p, raw)
		}
		if err != nil {
			return err
		}
		progress = progress || fresh
	}
	p.pages++
	if p.idle++; progress {
		p.idle, p.restarts = 0, 0
	}
	if s.told == 0 && s.counts.Untold > 0 && told == 0 {
		// Not one account shows it, so it is the token that does not let it be seen.
		return errUnseen
	}
	return nil
}

// maxIdle is the maximum number of consecutive pages without anything new. It is needed
// because a service may never stop naming a next page. A single empty page is allowed, since
// another page may follow it.
// Source: learn.microsoft.com/graph/paging.
const maxIdle = 500

// follow queues the next page of a source.
func (s *Scan) follow(p *page, link string) {
	next, ok := s.below(link)
	_, again := p.seen[maphash.String(s.seed, next)]
	var err error
	switch {
	case !ok:
		// Wherever the link leads, the token would go along.
		err = fmt.Errorf("its next page is not below %s but at %s", s.opts.Root, batch.Printable(link))
	case again:
		err = errors.New("its pages form a loop")
	case p.idle >= maxIdle:
		err = fmt.Errorf("%d pages in a row had nothing new, and each named a next page: "+
			"Graph may never end the list; try again later", maxIdle)
	default:
		s.held = append(s.held, p.at(next))
		return
	}
	s.end(&SourceError{What: p.what, Err: err})
}

// below takes Graph's root off a next link, which is absolute; a batch takes paths
// only. The rest is followed as it is.
func (s *Scan) below(link string) (path string, ok bool) {
	if len(link) <= len(s.opts.Root) || !strings.EqualFold(link[:len(s.opts.Root)], s.opts.Root) {
		return "", false
	}
	path = link[len(s.opts.Root):]
	return path, path[0] == '/'
}

// maxRestarts is how often a source may go back without anything new in between.
const maxRestarts = 3

// pageFailed goes back if the page is no more: the token of a page that was asked
// for twice may not be good, while that of the last page that came at once is. Then
// the source begins anew; nobody is listed twice for it.
// Source: learn.microsoft.com/graph/paging, "DirectoryPageTokenNotFoundException".
func (s *Scan) pageFailed(p *page, res batch.Result) {
	gone := (res.Response.Status == 400 || res.Response.Status == 410) && p.url != p.first
	if gone && p.restarts < maxRestarts {
		s.held = append(s.held, p.back())
		return
	}
	if res.Stopped() {
		return // and the run says why
	}
	err := res.Err
	if err == nil {
		err = res.Response.StatusError()
	}
	if gone {
		err = fmt.Errorf("page tokens were refused %d times and Graph returned nothing new in between: %w",
			p.restarts+1, err)
	}
	s.end(&SourceError{What: p.what, Err: err, Filtered: p.filter && p.pages == 0})
}

// back returns an earlier page to continue from after a page token was refused.
func (p *page) back() *page {
	to := p.good
	if p.good == p.url || p.restarts > 0 {
		to = p.first
	}
	b := p.at(to)
	b.restarts++
	b.idle = -p.pages // these pages may all come again without anything new
	b.seen = make(map[uint64]struct{})
	return b
}

// account is a user as a page or a look-up shows it.
type account struct {
	ID      string  `json:"id"`
	UPN     string  `json:"userPrincipalName"`
	Type    *string `json:"userType"`
	Enabled *bool   `json:"accountEnabled"`
	OData   string  `json:"@odata.type"`
}

// member adds a user of a page, and reports whether the source has not shown this user
// before.
func (s *Scan) member(p *page, raw json.RawMessage) (fresh bool, err error) {
	var a account
	if err := json.Unmarshal(raw, &a); err != nil {
		return false, fmt.Errorf("a user cannot be read: %w", err)
	}
	shows := p.users
	if shows == nil {
		shows = s.seen
	}
	key := s.key(a.ID)
	_, again := shows[key]
	switch {
	case a.OData != "" && !strings.EqualFold(a.OData, "#microsoft.graph.user"):
		shows[key] = struct{}{} // a group, a device
		return !again, nil
	case !isID(a.ID):
		return false, fmt.Errorf("a user has no object id: %s", batch.Printable(a.ID))
	}
	if s.claim(a.ID) && s.admits(&a) {
		s.queue = append(s.queue, target{name: a.ID, upn: shown(a.UPN)})
	}
	shows[key] = struct{}{}
	return !again, nil
}

// isID tells whether text is an object id: it goes into paths, also of writes.
func isID(text string) bool { return !strings.Contains(text, "@") && input.CheckUser(text) == nil }

// shown is a name as it may be printed and written to lists, whatever Graph says.
func shown(upn string) string {
	if input.CheckUser(upn) == nil {
		return upn
	}
	return batch.Printable(upn)
}

// errUnseen says that a property that decides does not show for anybody.
var errUnseen = errors.New("whether an account is a member, or enabled, does not show")

// admits tells whether the account is one to look at. One that does not tell is not:
// old accounts may have no userType.
func (s *Scan) admits(a *account) bool {
	if s.opts.MembersOnly && a.Type == nil || s.opts.EnabledOnly && a.Enabled == nil {
		s.counts.Untold++
		return false
	}
	s.told++
	switch {
	case s.opts.MembersOnly && !strings.EqualFold(*a.Type, "Member"):
		s.counts.Guests++
	case s.opts.EnabledOnly && !*a.Enabled:
		s.counts.Disabled++
	default:
		return true
	}
	return false
}

// Unseen tells whether a scan ended because a property does not show, which takes
// User.Read.All. Source: learn.microsoft.com/graph/permissions-reference.
func Unseen(err error) bool { return errors.Is(err, errUnseen) }

// accountOf takes in the account of a user that was named.
func (s *Scan) accountOf(t target, res batch.Result) []batch.Request {
	var a account
	if !passes.Listed(res) {
		s.failed(t, res, nil)
		return nil
	}
	if err := json.Unmarshal(res.Response.Body, &a); err != nil || !isID(a.ID) ||
		!strings.EqualFold(t.name, a.ID) && !strings.EqualFold(t.name, a.UPN) {
		s.failed(t, res, errors.New("the answer is not about this user"))
		return nil
	}
	if !strings.EqualFold(t.name, a.ID) && !s.claim(a.ID) {
		return nil // the same user under the other name
	}
	untold := s.counts.Untold
	if !s.admits(&a) {
		if s.counts.Untold > untold {
			s.failed(t, res, errUnseen) // somebody named this user, so it is not left out in silence
		}
		return nil
	}
	t.name, t.upn = a.ID, shown(a.UPN)
	return []batch.Request{s.list(t)}
}
