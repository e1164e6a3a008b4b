package scan

import (
	"context"
	"errors"
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

// rewriter rewrites each page of users on its way back. The function gets the
// body of the answer to a batch, and how many pages came before.
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
			_, _, _, err := look(t, poster, tt.opts, batch.Options{})
			if _, ok := errors.AsType[*SourceError](err); !ok || !strings.Contains(err.Error(), "nothing new") {
				t.Errorf("err = %v, want one that says that the pages have nothing new", err)
			}
			assert.That(t, poster.pages <= maxIdle+10, "%d pages were asked for", poster.pages)
		}))
	}
}

// Many pages without anything new are fine if another source has shown their users
// before.
func TestPagesOfKnownUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Roles: permitted})
		var ids []string
		for _, u := range tenant.AddUsers(maxIdle + 100) {
			ids = append(ids, u.ID)
		}
		group := tenant.AddGroup(graphsim.Group{Name: "all", Members: ids})
		opts := Options{All: true, Groups: []string{group}}
		found, _, _, err := look(t, smallPages{tenant, "/transitiveMembers/"}, opts, batch.Options{})
		if err != nil || len(found) != len(ids) {
			t.Errorf("%d found, %v, want %d", len(found), err, len(ids))
		}
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

// Restarts are counted since the last new user, not over the whole scan. Earlier, a long scan
// ended with the fourth expired page token.
func TestTokensExpireAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The token of each page is refused when it is used for the first time.
		faults := []fault.Fault{{Path: "$skiptoken", Attempt: 1, Do: fault.ItemStatus(400)}}
		tenant := graphsim.New(graphsim.Options{Roles: permitted, Faults: faults})
		tenant.AddUsers(8000)
		found, _, counts, err := look(t, tenant, Options{All: true}, batch.Options{})
		assert.That(t, err == nil && len(found) == 8000, "%d found, %+v, %v, want all 8000", len(found), counts, err)
	})
}

// A source that starts again shows the same pages again, which does not count as an endless loop.
func TestRestartOfManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = maxIdle + 200
		token := "$skiptoken=RFNwdAIAAQAAA" + strconv.FormatInt(users-50, 36)
		tenant := graphsim.New(graphsim.Options{Roles: permitted, Faults: []fault.Fault{
			{Path: token, Attempt: 1, Do: fault.ItemStatus(400)},
			{Path: token, Attempt: 2, Do: fault.ItemStatus(410)}}})
		tenant.AddUsers(users)
		found, _, counts, err := look(t, smallPages{tenant, "/users?"}, Options{All: true}, batch.Options{})
		assert.That(t, err == nil && len(found) == users, "%d found, %v, want %d", len(found), err, users)
		assert.That(t, counts.Pages >= 2*maxIdle, "%d pages came, so the source did not start again", counts.Pages)
	})
}

// Only a refused filter is reported as a wrong --filter.
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
			faults := []fault.Fault{{Path: tt.path, Do: fault.ItemStatus(400)}}
			tenant := graphsim.New(graphsim.Options{Roles: permitted, Faults: faults})
			tenant.AddMany(2500, func(i int) graphsim.User {
				return graphsim.User{UPN: fmt.Sprintf("u%d@contoso.com", i), Department: "x"}
			})
			_, _, _, err := look(t, tenant, Options{All: true, Filter: tt.filter}, batch.Options{})
			e, ok := errors.AsType[*SourceError](err)
			if !ok || e.Wrong() != tt.wrong {
				t.Fatalf("err = %v, want a SourceError with Wrong() = %v", err, tt.wrong)
			}
			assert.That(t, strings.Contains(e.Error(), "page token") == (tt.path == "$skiptoken"), "err = %v", err)
		}))
	}
}
