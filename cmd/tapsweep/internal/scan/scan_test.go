package scan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const root = "https://graph.microsoft.com/v1.0"

// permitted is all that a scan may need.
var permitted = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "GroupMember.Read.All",
	"AuditLog.Read.All"}

// A scanned is the result of a scan, as sorted texts with ", " between them. Each begins with the name of a user.
type scanned struct {
	Totals
	found  string // such as "dana expired"
	failed string // such as "dana denied"
	err    error
	total  int // the last number that Handlers.Total received
}

// look scans a tenant.
func look(t *testing.T, tenant batch.Poster, opts Options, batching ...batch.Options) (s scanned) {
	t.Helper()
	runner := assert.Must(batch.NewRunner(tenant, append(batching, batch.Options{})[0]))
	opts.Root = root
	var found, failed []string
	done := 0
	name := func(upn, user string) string {
		name, _, _ := strings.Cut(cmp.Or(upn, user), "@")
		return name
	}
	s.Totals, s.err = Run(t.Context(), runner, opts, Handlers{
		Found: func(f *Found) {
			line := name(f.UPN, f.User) + " " + string(f.Reason)
			if f.Match != "" {
				line = fmt.Sprintf("%s: %s %s", line, cmp.Or(f.Creation.By, "-"), f.Match)
			}
			found = append(found, line)
		},
		Done:   func(string) { done++ },
		Failed: func(r *results.Row) { failed = append(failed, name(r.UPN, r.User)+" "+string(r.Outcome)) },
		Sent:   func(batch.Result) {},
		Total:  func(users int) { s.total = users },
	})
	slices.Sort(found)
	slices.Sort(failed)
	s.found, s.failed = strings.Join(found, ", "), strings.Join(failed, ", ")
	assert.Same(t, "passes found, as counted", s.Found, len(found))
	if s.err == nil {
		assert.That(t, s.Users-done <= s.Found, "%d of %d users are done without a pass, and %d passes are found", done,
			s.Users, s.Found)
	}
	return s
}

// finds fails the test unless the scan came to its end and found these passes.
func (s *scanned) finds(t *testing.T, want string) {
	t.Helper()
	assert.Is(t, "the scan", s.err, nil)
	assert.Same(t, "found", s.found, want)
}

// fails fails the test unless the scan ended with a SourceError that has the text.
func (s *scanned) fails(t *testing.T, text string) *SourceError {
	t.Helper()
	assert.Says(t, "the scan", s.err, text)
	source, ok := errors.AsType[*SourceError](s.err)
	if !ok {
		t.Fatalf("the scan ended with %v, want a *SourceError", s.err)
	}
	return source
}

// tenantOf returns a tenant with users, whose options have all permissions of a scan.
func tenantOf(opts graphsim.Options, users ...graphsim.User) *graphsim.Tenant {
	if opts.Roles == nil {
		opts.Roles = permitted
	}
	tenant := graphsim.New(opts)
	for _, u := range users {
		tenant.AddUser(u)
	}
	return tenant
}

// faulty returns the options of a tenant with faults.
func faulty(faults ...fault.Fault) graphsim.Options { return graphsim.Options{Faults: faults} }

// addMany adds n users without a pass.
func addMany(tenant *graphsim.Tenant, n int) {
	tenant.AddMany(n, func(i int) graphsim.User {
		return graphsim.User{UPN: fmt.Sprintf("u%d@contoso.com", i), Department: "x"}
	})
}

// company returns a tenant with a user for each kind of pass and account.
func company(opts graphsim.Options) *graphsim.Tenant {
	now := time.Now()
	pass := func(age, minutes int, reason string) []graphsim.Pass {
		return []graphsim.Pass{{Created: now.Add(-time.Duration(age) * time.Minute), LifetimeMinutes: minutes,
			Reason: reason}}
	}
	scheduled, byMallory := pass(20, 60, ""), pass(20, 60, "")
	scheduled[0].Start, byMallory[0].CreatedBy = now.Add(time.Hour), mallory
	return tenantOf(opts,
		graphsim.User{UPN: "expired@contoso.com", Department: "sales", Passes: pass(600, 60, "")},
		graphsim.User{UPN: "lately@contoso.com", Department: "sales", Passes: pass(70, 60, "")},
		graphsim.User{UPN: "used@contoso.com", Passes: pass(20, 60, "OneTimeUsed")},
		graphsim.User{UPN: "usable@contoso.com", Passes: byMallory},
		graphsim.User{UPN: "scheduled@contoso.com", Passes: scheduled},
		graphsim.User{UPN: "dormant@contoso.com", Passes: pass(20, 60, "DisabledByPolicy")},
		graphsim.User{UPN: "strange@contoso.com", Passes: pass(20, 60, "Suspended")},
		graphsim.User{UPN: "ancient@contoso.com", Passes: pass(6000, 60, "Suspended")},
		graphsim.User{UPN: "none@contoso.com"},
		graphsim.User{UPN: "guest@contoso.com", Guest: true},
		graphsim.User{UPN: "gone@contoso.com", Disabled: true, Passes: pass(600, 60, "")},
		graphsim.User{UPN: "admin@contoso.com", Privileged: true, Passes: pass(600, 60, "")},
		graphsim.User{UPN: mallory.UPN})
}

func TestSelect(t *testing.T) {
	const all = "ancient expired, dormant disabled, expired expired, gone expired, lately expired, " +
		"scheduled scheduled, strange unknown, usable usable, used used"
	expired := []pass.Reason{pass.Expired}
	nightly := []pass.Reason{pass.Expired, pass.Used}
	for _, tt := range []struct {
		name string
		opts Options
		want string
	}{
		{"everything", Options{}, all},
		{"the night job", Options{Reasons: nightly},
			"ancient expired, expired expired, gone expired, lately expired, used used"},
		{"all reasons that can be named", Options{Reasons: pass.Reasons},
			strings.Replace(all, "strange unknown, ", "", 1)},
		{"old ones", Options{MinAge: time.Hour}, "ancient expired, expired expired, gone expired, lately expired"},
		{"long expired ones", Options{Reasons: nightly, ExpiredFor: time.Hour},
			"ancient expired, expired expired, gone expired, used used"},
		{"new ones", Options{CreatedSince: time.Now().Add(-time.Hour)},
			"dormant disabled, scheduled scheduled, strange unknown, usable usable, used used"},
		{"enabled accounts", Options{EnabledOnly: true, Reasons: expired},
			"ancient expired, expired expired, lately expired"},
		{"members", Options{MembersOnly: true}, all},
		{"a department", Options{Filter: "department eq 'sales'"}, "expired expired, lately expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.All = true
			s := look(t, company(graphsim.Options{EmptyPages: true}), tt.opts)
			s.finds(t, tt.want)
			if tt.opts.Filter == "" {
				assert.Same(t, "failed", s.failed, "admin denied")
			}
			assert.Same(t, "some are too young", s.Recent > 0, tt.opts.MinAge+tt.opts.ExpiredFor > 0)
			assert.Same(t, "some are too old", s.Older > 0, !tt.opts.CreatedSince.IsZero())
			assert.Same(t, "an account is disabled", s.Disabled == 1, tt.opts.EnabledOnly)
			assert.Same(t, "an account is that of a guest", s.Guests == 1, tt.opts.MembersOnly)
		})
	}
}

// If the token may not read whether an account is enabled, no account is taken for enabled.
func TestEnabledOnlyUnseen(t *testing.T) {
	tenant := company(graphsim.Options{Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.ReadBasic.All"},
		BasicHidesEnabled: true})
	s := look(t, tenant, Options{All: true, EnabledOnly: true})
	assert.Same(t, "IsHidden", IsHidden(s.err), true)
	assert.Same(t, "found", s.found, "")

	s = look(t, tenant, Options{All: true, MembersOnly: true}) // the type of an account is not hidden
	assert.Is(t, "the scan of members", s.err, nil)
	assert.Same(t, "guests", s.Guests, 1)
	assert.Same(t, "users", s.Users, 11)

	// A user who is named has a row, which says why the user is not scanned.
	s = look(t, tenant, Options{Users: []input.User{{UPN: "expired@contoso.com"}}, EnabledOnly: true})
	s.finds(t, "")
	assert.Same(t, "failed", s.failed, "expired failed")
}

func TestListedUsers(t *testing.T) {
	tenant := company(graphsim.Options{})
	users := []input.User{{UPN: "expired@contoso.com"}, {UPN: "EXPIRED@contoso.com"}, {UPN: "nobody@contoso.com"},
		{UPN: "admin@contoso.com"}, {UPN: "none@contoso.com"}}
	for _, members := range []bool{false, true} {
		s := look(t, tenant, Options{Users: users, MembersOnly: members})
		s.finds(t, "expired expired")
		assert.Same(t, "failed", s.failed, "admin denied, nobody unknown_user")
		assert.Same(t, "users", s.Users, 2)
	}
}

func TestGroups(t *testing.T) {
	tenant := company(graphsim.Options{EmptyPages: true})
	ids := make(map[string]string) // by UPN
	for _, h := range tenant.Remaining() {
		ids[h.UPN] = h.UserID
	}
	used, expired := ids["used@contoso.com"], ids["expired@contoso.com"]
	inner := tenant.AddGroup(graphsim.Group{Name: "inner", Members: []string{used, expired}})
	outer := tenant.AddGroup(graphsim.Group{Name: "outer", Members: []string{expired}, Groups: []string{inner}})
	s := look(t, tenant, Options{Groups: []string{outer, inner}})
	s.finds(t, "expired expired, used used")
	assert.Same(t, "users", s.Users, 2)
	s = look(t, tenant, Options{Groups: []string{danaID}})
	s.fails(t, "404")
}

// Without the permission the audit log cannot be read.
func TestAuditIsDenied(t *testing.T) {
	s := look(t, company(graphsim.Options{Roles: permitted[:2], Audit: true}), since(0, ""))
	assert.Same(t, "Denied", s.fails(t, "403").Denied(), true)
}

// If a page fails, no user is lost, and no user is listed twice.
func TestPagesGoWrong(t *testing.T) {
	failing := func(path string, attempt int, do fault.Effect) graphsim.Options {
		return faulty(fault.Fault{Method: "GET", Path: path, Attempt: attempt, Do: do})
	}
	next := func(url string) fault.Effect { return fault.ItemBody(`{"value":[],"@odata.nextLink":"` + url + `"}`) }
	const token = "$skiptoken=RFNwdAIAAQAAA0"
	for _, tt := range []struct {
		name string
		opts graphsim.Options
		want string // in the error, empty for no error
	}{
		{"no failure", graphsim.Options{}, ""},
		{"two attempts of a page fail", faulty(fault.Fault{Path: "$skiptoken", Attempt: 1, Do: fault.ItemStatus(503)},
			fault.Fault{Path: "$skiptoken", Attempt: 2, Do: fault.Reset()}), ""},
		{"a page is throttled", failing("$skiptoken", 1, fault.ItemStatus(429, "Retry-After", "1")), ""},
		{"a page token has expired", failing("$skiptoken", 1, fault.ItemStatus(400)), ""},
		{"each page token has expired", failing("$skiptoken", 0, fault.ItemStatus(400)), "400"},
		{"a page is denied", failing("/users?", 0, fault.ItemStatus(403)), "403"},
		{"a page has no value", failing("/users?", 0, fault.ItemBody(`{}`)), "no value"},
		{"a user is a text", failing("/users?", 0, fault.ItemBody(`{"value":["x"]}`)),
			"a user cannot be read: it has an unexpected type (string)"},
		{"a page is a text", failing("/users?", 0, fault.ItemBody(`"x"`)), "cannot be read"},
		{"a link to another host", graphsim.Options{ForeignLinks: true}, "not below " + root},
		{"a link to another version", failing("/users?", 0, next(root+"-beta/users?$skiptoken=x")), "not below"},
		{"pages form a loop", faulty(fault.Fault{Path: token + "Z", Do: next(root + "/users?" + token)},
			fault.Fault{Path: "/users?", Do: next(root + "/users?" + token + "Z")}), "nothing new"},
		{"a page is its own next page",
			failing("/users?", 0, next(root+"/users?$select=id,userPrincipalName&$top=999")), "nothing new"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(tt.opts)
			tenant.AddUsers(2500)
			s := look(t, tenant, Options{All: true})
			if tt.want != "" {
				s.fails(t, tt.want)
				return
			}
			assert.Is(t, "the scan", s.err, nil)
			assert.Same(t, "found", s.Found, 2500)
			assert.Same(t, "users", s.Users, 2500)
			assert.Same(t, "LISTs", tenant.Stats().Lists, 2500)
		}))
	}
}

// The scan says how many users it covers, as soon as it knows.
func TestTotal(t *testing.T) {
	group := []string{danaID}
	named := []input.User{{UPN: "used@contoso.com"}, {UPN: "none@contoso.com"}}
	counting := func(do fault.Effect) []fault.Fault { return []fault.Fault{{Path: "$count", Do: do}} }
	for _, tt := range []struct {
		name   string
		opts   Options
		faults []fault.Fault
		want   int // 0 if the scan does not say it
	}{
		{"everybody", Options{All: true}, nil, 13},
		{"members", Options{All: true, MembersOnly: true}, nil, 12},
		{"a filter", Options{All: true, Filter: "department eq 'sales'"}, nil, 2},
		{"a group", Options{Groups: group}, nil, 1},
		{"named users", Options{Users: named}, nil, 2},
		{"the audit log", since(time.Hour, ""), nil, 1},
		{"an earlier run scanned a user",
			Options{Users: named, Skip: func(user string) bool { return user == named[0].UPN }}, nil, 1},
		{"a user is protected", Options{All: true,
			Protected: func(_, upn string) bool { return upn == named[0].UPN }}, nil, 12},
		{"two sources, which may share users", Options{All: true, Groups: group}, nil, 0},
		{"Graph does not count", Options{All: true}, counting(fault.ItemBody(`{"value":[]}`)), 0},
		{"Graph refuses to count", Options{All: true}, counting(fault.ItemStatus(400)), 0},
		{"the count is denied", Options{All: true}, counting(fault.ItemStatus(403)), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := company(graphsim.Options{Audit: true, Faults: tt.faults})
			tenant.AddGroup(graphsim.Group{ID: group[0], Name: "g", Members: []string{tenant.Remaining()[0].UserID}})
			s := look(t, tenant, tt.opts)
			assert.Is(t, "the scan", s.err, nil)
			assert.Same(t, "total", s.total, tt.want)
			if tt.want > 0 {
				assert.Same(t, "users who were scanned", s.Users+s.Failed.Count, tt.want)
			}
		})
	}
}

// Users whom an earlier run scanned need no LIST.
func TestSkip(t *testing.T) {
	tenant := tenantOf(graphsim.Options{})
	done := make(map[string]bool)
	for _, u := range tenant.AddUsers(1500)[:1400] {
		done[u.ID] = true
	}
	s := look(t, tenant, Options{All: true, Skip: func(id string) bool { return done[id] }})
	assert.Is(t, "the scan", s.err, nil)
	assert.Same(t, "found", s.Found, 100)
	assert.Same(t, "users of the earlier run", s.Earlier, 1400)
	assert.Same(t, "LISTs", tenant.Stats().Lists, 100)
}

// The memory of a scan has a limit, however large the tenant is: no page is asked for while many users wait.
func TestBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Pages are quick and LISTs are slow.
		tenant := tenantOf(graphsim.Options{Limits: []*quota.Limit{quota.Bucket(20, 20).Of(quota.PassReads)}})
		addMany(tenant, 10_000)
		runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
		most := 0
		var s *scanner
		s = newScan(Options{All: true, Root: root}, Handlers{
			Done:   func(string) { most = max(most, len(s.queue)+s.open) },
			Failed: func(r *results.Row) { t.Errorf("%+v", r) },
			Sent:   func(batch.Result) {},
			Total:  func(int) {},
		}, func(err error) { t.Error(err) })
		assert.OK(t, runner.Run(t.Context(), s.requests(), s.onResult))
		assert.Same(t, "users", s.totals().Users, 10_000)
		assert.That(t, most <= pageAhead+pageSize, "%d users were known at a time", most)
	})
}

// A scan takes little longer than that of a client that knows the limits.
func TestScanPace(t *testing.T) {
	for _, tt := range []struct {
		name        string
		users       int
		limits      []*quota.Limit
		concurrency int
		ideal       time.Duration
		most        float64 // times the ideal
	}{
		// ⌈N/20⌉ batches of 50 ms, 16 at a time.
		{"no limit", 16_000, nil, 16, 800 * 50 * time.Millisecond / 16, 1.2},
		// The documented read quota is 8,000 units in 10 s, and the bucket is full at the start. A LIST costs one
		// unit, and so does a page with $select.
		{"documented read quota", 30_000, []*quota.Limit{quota.Bucket(800, 8000).Of(quota.Reads)}, 0,
			time.Duration(float64(30_000+31-8000) / 800 * float64(time.Second)), 1.05},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(graphsim.Options{Latency: 50 * time.Millisecond, Limits: tt.limits})
			addMany(tenant, tt.users)
			start := time.Now()
			s := look(t, tenant, Options{All: true}, batch.Options{Concurrency: tt.concurrency})
			took := time.Since(start)
			s.finds(t, "")
			assert.Same(t, "failed", s.failed, "")
			assert.Same(t, "users", s.Users, tt.users)
			t.Logf("%v, %.3f of the ideal %v; %d refused", took, float64(took)/float64(tt.ideal), tt.ideal,
				tenant.Stats().Refused)
			assert.That(t, float64(took) <= tt.most*float64(tt.ideal),
				"%v is more than %v times %v", took, tt.most, tt.ideal)
		}))
	}
}

// Whatever Graph answers, the scan sends no request beyond the passes of the user. An ID that is not valid ends the
// source, or the user has a row.
func TestHostileAnswers(t *testing.T) {
	page := func(id, upn string) string {
		name, _ := json.Marshal(upn)
		return fmt.Sprintf(`{"value":[{"id":%q,"userPrincipalName":%s}]}`, id, name)
	}
	list := func(id string) string { return `{"value":[{"id":"` + id + `"}]}` }
	const dana = "dana@contoso.com"
	for _, tt := range []struct {
		name, page, list string
		ended            bool
		found            string
	}{
		{"valid", page(danaID, dana), list(passID), false, "dana unknown"},
		{"a user called me", page("me", "x@contoso.com"), "", true, ""},
		{"a user called two dots", page("..", "x@contoso.com"), "", true, ""},
		{"a user that is a path", page(danaID+"/../me", "x@contoso.com"), "", true, ""},
		{"a user by name", page(dana, dana), "", true, ""},
		{"a pass that is a path", page(danaID, dana), list("../../authentication/phoneMethods/1"), false, ""},
		{"a pass that is two dots", page(danaID, dana), list(".."), false, ""},
		{"a name with control characters", page(danaID, "=1+1\x1b[2J\r\n\u202ebad"), list(passID), false,
			`=1+1\x1b[2J\r\n\u202ebad unknown`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := faulty(fault.Fault{Path: "/users?", Do: fault.ItemBody(tt.page)},
				fault.Fault{Path: "temporaryAccessPassMethods", Do: fault.ItemBody(tt.list)})
			opts.Record = true
			tenant := tenantOf(opts, graphsim.User{ID: danaID, UPN: dana})
			s := look(t, tenant, Options{All: true})
			assert.Same(t, "the scan ended early", s.err != nil, tt.ended)
			assert.Same(t, "found", s.found, tt.found)
			assert.Same(t, "the user has a row", s.Failed.Count > 0, !tt.ended && tt.found == "")
			for _, e := range tenant.Log() {
				if !strings.HasPrefix(e.Path, "/users?") {
					assert.Same(t, "path of a request", e.Path, pass.PassesURL(danaID))
				}
			}
		})
	}
}

// A user with two names is one user, and so is a pass of this user.
func TestOneUserTwoNames(t *testing.T) {
	tenant := company(graphsim.Options{})
	held := tenant.Remaining()
	expired := held[slices.IndexFunc(held, func(h graphsim.HeldPass) bool { return h.UPN == "expired@contoso.com" })]
	users := []input.User{{UPN: expired.UPN}, {ID: expired.UserID}}
	group := tenant.AddGroup(graphsim.Group{Name: "g", Members: []string{expired.UserID}})
	for _, members := range []bool{false, true} {
		s := look(t, tenant, Options{Users: users, Groups: []string{group}, MembersOnly: members})
		assert.Is(t, "the scan", s.err, nil)
		assert.Same(t, "found", s.Found, 1)
		if members {
			assert.Same(t, "users", s.Users, 1)
		}
	}
}

// The audit log shows who got a pass, but not whether the account is that of a guest, or disabled.
func TestAuditOfGuests(t *testing.T) {
	tenant := audited(graphsim.Options{},
		graphsim.User{UPN: "guest@contoso.com", Guest: true, Passes: made(mallory, 0)},
		graphsim.User{UPN: "off@contoso.com", Disabled: true, Passes: made(mallory, 0)},
		graphsim.User{UPN: "member@contoso.com", Passes: made(mallory, 0)})
	opts := since(time.Hour, "")
	opts.MembersOnly, opts.EnabledOnly = true, true
	s := look(t, tenant, opts)
	s.finds(t, "member usable: mallory@contoso.com by id")
	assert.Same(t, "guests", s.Guests, 1)
	assert.Same(t, "disabled accounts", s.Disabled, 1)
}

// An account without a type is not known to be that of a member.
func TestAccountsWithoutAType(t *testing.T) {
	const other = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c312"
	members := Options{All: true, MembersOnly: true}
	page := func(first string) *graphsim.Tenant {
		body := `{"value":[{"id":"` + danaID + `",` + first + `},{"id":"` + other +
			`","userType":"Member","accountEnabled":true}]}`
		return tenantOf(faulty(fault.Fault{Path: "/users?", Do: fault.ItemBody(body)}),
			graphsim.User{ID: other, UPN: "dana@contoso.com"})
	}
	s := look(t, page(`"userType":null,"accountEnabled":true`), members)
	s.finds(t, "")
	assert.Same(t, "failed", s.failed, "")
	assert.Same(t, "guests", s.Guests, 1)
	assert.Same(t, "users", s.Users, 1)
	s = look(t, page(`"userType":null`), members) // nothing shows whether the token may read the type
	assert.Same(t, "IsHidden", IsHidden(s.err), true)
}

// Passes of two users are two passes, even if they have one ID.
func TestPassesWithOneID(t *testing.T) {
	tenant := tenantOf(graphsim.Options{})
	for _, name := range []string{"dana@contoso.com", "erik@contoso.com"} {
		tenant.AddUser(graphsim.User{UPN: name, Passes: []graphsim.Pass{{ID: passID}}})
	}
	s := look(t, tenant, Options{All: true})
	s.finds(t, "dana usable, erik usable")
}

// If a user is looked up and the answer is about another user, neither is scanned.
func TestAnotherAccount(t *testing.T) {
	tenant := tenantOf(faulty(fault.Fault{Path: "/users/dana@", Do: fault.ItemBody(`{"id":"` + danaID +
		`","userPrincipalName":"erik@contoso.com","userType":"Member","accountEnabled":true}`)}),
		graphsim.User{UPN: "dana@contoso.com", Passes: []graphsim.Pass{{}}},
		graphsim.User{ID: danaID, UPN: "erik@contoso.com", Passes: []graphsim.Pass{{}}})
	s := look(t, tenant, Options{Users: []input.User{{UPN: "dana@contoso.com"}}, MembersOnly: true})
	s.finds(t, "")
	assert.Same(t, "failed", s.failed, "dana failed")
}

// A pass of unknown age may be young, so MinAge skips it. A pass of unknown age may also be an intruder's, so
// CreatedSince does not skip it.
func TestWanted(t *testing.T) {
	now := time.Now()
	old := pass.Pass{Created: now.Add(-2 * time.Hour)}
	minAge, createdSince := Options{MinAge: time.Hour}, Options{CreatedSince: now.Add(-time.Hour)}
	for _, tt := range []struct {
		name string
		opts Options
		pass pass.Pass
		by   string // how a record matches
		want bool
	}{
		{"old enough", minAge, old, "", true},
		{"of unknown age", minAge, pass.Pass{}, "", false},
		{"created before", createdSince, old, "", false},
		{"created before, and a later record has its ID", createdSince, old, input.MatchID, true},
		{"created at an unknown time", createdSince, pass.Pass{}, "", true},
	} {
		f := &Found{Pass: tt.pass, Creation: input.Creation{Match: tt.by}}
		assert.Same(t, tt.name+": wanted", newScan(tt.opts, Handlers{}, nil).wanted(f, now), tt.want)
	}
}

func TestAdvancedFilter(t *testing.T) {
	tenant := company(graphsim.Options{Record: true})
	s := look(t, tenant, Options{All: true, Filter: "department eq 'sales'"})
	assert.OK(t, s.err)
	assert.Holds(t, "the first request", tenant.Log()[0].Path, "$count=true", "department%20eq%20%27sales%27")
}

// inBubble returns a test that runs in virtual time.
func inBubble(f func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}
