package scan

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/testdata/assert"
)

// A rewriter rewrites the answers with pages. The function gets the body of the answer to a batch, and the number of
// pages before it.
type rewriter struct {
	*graphsim.Tenant
	pages   int
	rewrite func(body string, n int) string
}

func (r *rewriter) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	reply, err := r.Tenant.PostBatch(ctx, body)
	if strings.Contains(string(body), "/users?") || strings.Contains(string(body), "/auditLogs/") {
		reply.Body = []byte(r.rewrite(string(reply.Body), r.pages))
		r.pages++
	}
	return reply, err
}

// endless adds a new next link to each last page.
func endless(path, values string) func(string, int) string {
	return func(body string, n int) string {
		if strings.Contains(body, "nextLink") {
			return body
		}
		page := fmt.Sprintf(`{"@odata.nextLink":"%s%s$skiptoken=more%d","value":[%s]}`, root, path, n, values)
		return `{"responses":[{"id":"` + idOf(body) + `","status":200,"body":` + page + `}]}`
	}
}

func idOf(body string) string {
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// A service that always names a next page does not keep the scan running forever.
func TestEndlessPages(t *testing.T) {
	const dana = `{"id":"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311","userPrincipalName":"dana@contoso.com"}`
	for _, tt := range []struct {
		name, path, values string
		opts               Options
	}{
		{"empty pages of users", "/users?", "", Options{All: true}},
		{"the same user again and again", "/users?", dana, Options{All: true}},
		{"empty pages of the audit log", "/auditLogs/directoryAudits?", "", Options{Audit: &Audit{}}},
		{"the same record again", "/auditLogs/directoryAudits?", `{"id":"r-1"}`, Options{Audit: &Audit{}}},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := audited(graphsim.Options{})
			tenant.AddUsers(1500)
			poster := &rewriter{Tenant: tenant, rewrite: endless(tt.path, tt.values)}
			s := look(t, poster, tt.opts)
			s.fails(t, "nothing new")
			assert.That(t, poster.pages <= maxIdle+10, "%d pages were asked for", poster.pages)
		}))
	}
}

// Many pages without a new user do not end the scan if another source has shown their users before.
func TestPagesOfKnownUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{})
		var ids []string
		for _, u := range tenant.AddUsers(maxIdle + 100) {
			ids = append(ids, u.ID)
		}
		group := tenant.AddGroup(graphsim.Group{Name: "all", Members: ids})
		s := look(t, smallPages{tenant, "/transitiveMembers/"}, Options{All: true, Groups: []string{group}})
		assert.OK(t, s.err)
		assert.Same(t, "found", s.Found, len(ids))
	})
}

// smallPages returns one user per page for requests whose path contains path.
type smallPages struct {
	*graphsim.Tenant
	path string
}

func (s smallPages) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	if strings.Contains(string(body), s.path) {
		body = []byte(strings.ReplaceAll(string(body), "$top=999", "$top=1"))
	}
	return s.Tenant.PostBatch(ctx, body)
}

// Restarts are counted since the last new user, not over the whole scan.
func TestTokensExpireAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The token of each page is refused when it is used for the first time.
		tenant := tenantOf(faulty(fault.Fault{Path: "$skiptoken", Attempt: 1, Do: fault.ItemStatus(400)}))
		tenant.AddUsers(8000)
		s := look(t, tenant, Options{All: true})
		assert.OK(t, s.err)
		assert.Same(t, "found", s.Found, 8000)
	})
}

// A source that starts again shows the same pages again. They do not count as pages without anything new.
func TestRestartOfManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = maxIdle + 200
		token := "$skiptoken=RFNwdAIAAQAAA" + strconv.FormatInt(users-50, 36)
		tenant := tenantOf(faulty(fault.Fault{Path: token, Attempt: 1, Do: fault.ItemStatus(400)},
			fault.Fault{Path: token, Attempt: 2, Do: fault.ItemStatus(410)}))
		tenant.AddUsers(users)
		s := look(t, smallPages{tenant, "/users?"}, Options{All: true})
		assert.OK(t, s.err)
		assert.Same(t, "found", s.Found, users)
		assert.That(t, s.Pages >= 2*maxIdle, "%d pages came, so the source did not start again", s.Pages)
	})
}

// Wrong returns true only if Graph refused the filter, and not if it refused a page token.
func TestExpiredTokenIsNoFilter(t *testing.T) {
	for _, tt := range []struct {
		name, path, filter string
		wrong              bool
	}{
		{"the first page, without a filter", "/users?", "", false},
		{"the first page, with one", "/users?", "department eq 'x'", true},
		{"a page token, without a filter", "$skiptoken", "", false},
		{"a page token, with one", "$skiptoken", "department eq 'x'", false},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(faulty(fault.Fault{Path: tt.path, Do: fault.ItemStatus(400)}))
			addMany(tenant, 2500)
			s := look(t, tenant, Options{All: true, Filter: tt.filter})
			source := s.fails(t, "400")
			assert.Same(t, "Wrong", source.Wrong(), tt.wrong)
			assert.Same(t, "the error is about a page token", strings.Contains(source.Error(), "page token"),
				tt.path == "$skiptoken")
		}))
	}
}
