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

// look scans and returns what was found and what was not, as texts.
func look(t *testing.T, tenant batch.Poster, opts Options,
	batching batch.Options) (found, failed []string, counts Totals, err error) {
	t.Helper()
	runner, err := batch.NewRunner(tenant, batching)
	assert.OK(t, err)
	opts.Root = cmp.Or(opts.Root, root)
	done := 0
	counts, err = Run(t.Context(), runner, opts, Handlers{
		Found: func(f *Found) {
			name, _, _ := strings.Cut(cmp.Or(f.UPN, f.User), "@")
			line := name + " " + string(f.Reason)
			if f.Match != "" {
				line = fmt.Sprintf("%s: %s %s", line, cmp.Or(f.Creation.By, "-"), f.Match)
			}
			found = append(found, line)
		},
		Done: func(string) { done++ },
		Failed: func(r *results.Row) {
			name, _, _ := strings.Cut(cmp.Or(r.UPN, r.User), "@")
			failed = append(failed, name+" "+string(r.Outcome))
		},
	})
	slices.Sort(found)
	slices.Sort(failed)
	assert.That(t, err != nil || counts.Users-done <= counts.Found,
		"%d users, %d without a find, %d found", counts.Users, done, counts.Found)
	return found, failed, counts, err
}

// company is a tenant with a bit of everything.
func company(opts graphsim.Options) *graphsim.Tenant {
	if opts.Roles == nil {
		opts.Roles = permitted
	}
	tenant := graphsim.New(opts)
	now := time.Now()
	pass := func(age, minutes int, more ...func(*graphsim.Pass)) []graphsim.Pass {
		p := graphsim.Pass{Created: now.Add(-time.Duration(age) * time.Minute), LifetimeMinutes: minutes}
		for _, m := range more {
			m(&p)
		}
		return []graphsim.Pass{p}
	}
	reason := func(r string) func(*graphsim.Pass) { return func(p *graphsim.Pass) { p.Reason = r } }
	by := func(a graphsim.Actor) func(*graphsim.Pass) { return func(p *graphsim.Pass) { p.CreatedBy = &a } }
	for _, u := range []graphsim.User{
		{UPN: "expired@contoso.com", Department: "sales", Passes: pass(600, 60)},
		{UPN: "lately@contoso.com", Department: "sales", Passes: pass(70, 60)},
		{UPN: "used@contoso.com", Passes: pass(20, 60, reason("OneTimeUsed"))},
		{UPN: "usable@contoso.com", Passes: pass(20, 60, by(graphsim.Actor{UPN: "mallory@contoso.com"}))},
		{UPN: "scheduled@contoso.com", Passes: pass(20, 60, func(p *graphsim.Pass) { p.Start = now.Add(time.Hour) })},
		{UPN: "dormant@contoso.com", Passes: pass(20, 60, reason("DisabledByPolicy"))},
		{UPN: "strange@contoso.com", Passes: pass(20, 60, reason("Suspended"))},
		{UPN: "ancient@contoso.com", Passes: pass(6000, 60, reason("Suspended"))},
		{UPN: "none@contoso.com"},
		{UPN: "guest@contoso.com", Guest: true},
		{UPN: "gone@contoso.com", Disabled: true, Passes: pass(600, 60)},
		{UPN: "admin@contoso.com", Privileged: true, Passes: pass(600, 60)},
		{UPN: "mallory@contoso.com"},
	} {
		tenant.AddUser(u)
	}
	return tenant
}

func TestSelect(t *testing.T) {
	all := []string{"ancient expired", "dormant disabled", "expired expired", "gone expired", "lately expired",
		"scheduled scheduled",
		"strange unknown", "usable usable", "used used"}
	for _, tt := range []struct {
		name string
		opts Options
		want []string
	}{
		{"everything", Options{}, all},
		{"the night job", Options{Reasons: []pass.Reason{pass.Expired, pass.Used}},
			[]string{"ancient expired", "expired expired", "gone expired", "lately expired", "used used"}},
		{"all reasons that can be named", Options{Reasons: pass.Reasons},
			slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "strange unknown" })},
		{"old ones", Options{MinAge: time.Hour},
			[]string{"ancient expired", "expired expired", "gone expired", "lately expired"}},
		{"long expired ones", Options{Reasons: []pass.Reason{pass.Expired, pass.Used}, ExpiredFor: time.Hour},
			[]string{"ancient expired", "expired expired", "gone expired", "used used"}},
		{"new ones", Options{CreatedSince: time.Now().Add(-time.Hour)},
			[]string{"dormant disabled", "scheduled scheduled", "strange unknown", "usable usable", "used used"}},
		{"enabled accounts", Options{EnabledOnly: true, Reasons: []pass.Reason{pass.Expired}},
			[]string{"ancient expired", "expired expired", "lately expired"}},
		{"a department", Options{Filter: "department eq 'sales'"}, []string{"expired expired", "lately expired"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.All = true
			found, failed, counts, err := look(t, company(graphsim.Options{EmptyPages: true}), tt.opts, batch.Options{})
			assert.That(t, err == nil && slices.Equal(found, tt.want), "found %q, %v, want %q", found, err, tt.want)
			assert.That(t, tt.opts.Filter != "" || slices.Equal(failed, []string{"admin denied"}),
				"failed %q, want %q", failed, []string{"admin denied"})
			recent, older := tt.opts.MinAge+tt.opts.ExpiredFor > 0, !tt.opts.CreatedSince.IsZero()
			assert.That(t, (counts.Recent > 0) == recent && (counts.Older > 0) == older,
				"%d too recent, %d too old", counts.Recent, counts.Older)
			if tt.opts.EnabledOnly && counts.Disabled != 1 || counts.Found != len(tt.want) {
				t.Errorf("%+v", counts)
			}
		})
	}
}

func TestMembersOnly(t *testing.T) {
	_, _, counts, err := look(t, company(graphsim.Options{}), Options{All: true, MembersOnly: true}, batch.Options{})
	assert.That(t, err == nil && counts.Guests == 1 && counts.Users == 11, "%+v, %v", counts, err)
}

// Without the permission to see whether an account is enabled, nobody may be taken
// for enabled.
func TestEnabledOnlyUnseen(t *testing.T) {
	tenant := company(graphsim.Options{Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.ReadBasic.All"},
		BasicHidesEnabled: true})
	found, _, _, err := look(t, tenant, Options{All: true, EnabledOnly: true}, batch.Options{})
	assert.That(t, IsHidden(err) && len(found) == 0, "found %q, %v", found, err)
	// That is no reason to leave out members.
	_, _, counts, err := look(t, tenant, Options{All: true, MembersOnly: true}, batch.Options{})
	assert.That(t, err == nil && counts.Guests == 1 && counts.Users == 11, "members: %+v, %v", counts, err)
	// Users that somebody named are not left out in silence.
	found, failed, _, err := look(t, tenant,
		Options{Users: []input.User{{UPN: "expired@contoso.com"}}, EnabledOnly: true}, batch.Options{})
	assert.That(t, err == nil && len(found) == 0 && len(failed) == 1, "found %q, failed %q, %v", found, failed, err)
}

func TestListedUsers(t *testing.T) {
	tenant := company(graphsim.Options{})
	users := []input.User{{UPN: "expired@contoso.com"}, {UPN: "EXPIRED@contoso.com"}, {UPN: "nobody@contoso.com"},
		{UPN: "admin@contoso.com"}, {UPN: "none@contoso.com"}}
	for _, members := range []bool{false, true} {
		found, failed, counts, err := look(t, tenant, Options{Users: users, MembersOnly: members}, batch.Options{})
		if err != nil || !slices.Equal(found, []string{"expired expired"}) ||
			!slices.Equal(failed, []string{"admin denied", "nobody unknown_user"}) || counts.Users != 2 {
			t.Errorf("found %q, failed %q, %+v, %v", found, failed, counts, err)
		}
	}
}

func TestGroups(t *testing.T) {
	tenant := company(graphsim.Options{EmptyPages: true})
	id := func(name string) string {
		for _, h := range tenant.Remaining() {
			if strings.HasPrefix(h.UPN, name+"@") {
				return h.UserID
			}
		}
		t.Fatalf("no %s", name)
		return ""
	}
	inner := tenant.AddGroup(graphsim.Group{Name: "inner", Members: []string{id("used"), id("expired")}})
	outer := tenant.AddGroup(graphsim.Group{Name: "outer", Members: []string{id("expired")}, Groups: []string{inner}})
	found, _, counts, err := look(t, tenant, Options{Groups: []string{outer, inner}}, batch.Options{})
	assert.That(t, err == nil && slices.Equal(found, []string{"expired expired", "used used"}) && counts.Users == 2,
		"found %q, %+v, %v", found, counts, err)
	_, _, _, err = look(t, tenant, Options{Groups: []string{"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"}}, batch.Options{})
	if e, ok := errors.AsType[*SourceError](err); !ok || !strings.Contains(e.Error(), "404") {
		t.Errorf("a group that is not there: %v", err)
	}
}

// Without the permission the audit log cannot be read.
func TestAuditIsDenied(t *testing.T) {
	tenant := company(graphsim.Options{Roles: permitted[:2], Audit: true})
	_, _, _, err := look(t, tenant, Options{Audit: &Audit{Since: time.Now()}}, batch.Options{})
	if e, ok := errors.AsType[*SourceError](err); !ok || !e.Denied() {
		t.Errorf("without the permission: %v", err)
	}
}

// What goes wrong with pages loses nobody, and lists nobody twice.
func TestPagesGoWrong(t *testing.T) {
	failing := func(path string, attempt int, do fault.Effect) graphsim.Options {
		return graphsim.Options{Roles: permitted,
			Faults: []fault.Fault{{Method: "GET", Path: path, Attempt: attempt, Do: do}}}
	}
	for _, tt := range []struct {
		name string
		opts graphsim.Options
		ok   bool
		want string
	}{
		{"nothing", graphsim.Options{Roles: permitted}, true, ""},
		{"a page fails twice", graphsim.Options{Roles: permitted, Faults: []fault.Fault{
			{Path: "$skiptoken", Attempt: 1, Do: fault.ItemStatus(503)},
			{Path: "$skiptoken", Attempt: 2, Do: fault.Reset()}}}, true, ""},
		{"a page is throttled", failing("$skiptoken", 1, fault.ItemStatus(429, "Retry-After", "1")), true, ""},
		{"a page is no more", failing("$skiptoken", 1, fault.ItemStatus(400)), true, ""},
		{"a page is never there", failing("$skiptoken", 0, fault.ItemStatus(400)), false, "400"},
		{"a page is denied", failing("/users?", 0, fault.ItemStatus(403)), false, "403"},
		{"a page is no page", failing("/users?", 0, fault.ItemBody(`{}`)), false, "no value"},
		{"a page is text", failing("/users?", 0, fault.ItemBody(`"x"`)), false, "cannot be read"},
		{"a link to another host", graphsim.Options{Roles: permitted, ForeignLinks: true}, false,
			"not below https://graph.microsoft.com/v1.0"},
		{"pages in a circle", graphsim.Options{Roles: permitted, Faults: []fault.Fault{
			{Path: "$skiptoken=RFNwdAIAAQAAA0Z",
				Do: fault.ItemBody(`{"value":[],"@odata.nextLink":"` + root + `/users?$skiptoken=RFNwdAIAAQAAA0"}`)},
			{Path: "/users?", Do: fault.ItemBody(`{"value":[],"@odata.nextLink":"` + root +
				`/users?$skiptoken=RFNwdAIAAQAAA0Z"}`)}}},
			false, "form a loop"},
		{"a link to another version", failing("/users?", 0,
			fault.ItemBody(`{"value":[],"@odata.nextLink":"`+root+`-beta/users?$skiptoken=x"}`)), false, "not below"},
		{"a page that is its own next", failing("/users?", 0,
			fault.ItemBody(`{"value":[],"@odata.nextLink":"`+root+`/users?$select=id,userPrincipalName&$top=999"}`)),
			false, "form a loop"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(tt.opts)
			tenant.AddUsers(2500)
			found, failed, counts, err := look(t, tenant, Options{All: true}, batch.Options{})
			if tt.ok && (err != nil || len(found) != 2500 || counts.Users != 2500 || tenant.Stats().Lists != 2500) {
				t.Errorf("%d found, %d failed, %+v, %d LISTs, %v", len(found), len(failed), counts,
					tenant.Stats().Lists, err)
			}
			if !tt.ok && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		}))
	}
}

// The scan says how many users there are to look at, as soon as it knows.
func TestTotal(t *testing.T) {
	group := []string{"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"}
	named := []input.User{{UPN: "used@contoso.com"}, {UPN: "none@contoso.com"}}
	for _, tt := range []struct {
		name  string
		opts  Options
		fault fault.Fault
		want  int // that it says in the end; 0 if it says nothing
	}{
		{"everybody", Options{All: true}, fault.Fault{}, 13},
		{"members", Options{All: true, MembersOnly: true}, fault.Fault{}, 12},
		{"a filter", Options{All: true, Filter: "department eq 'sales'"}, fault.Fault{}, 2},
		{"a group", Options{Groups: group}, fault.Fault{}, 1},
		{"named users", Options{Users: named}, fault.Fault{}, 2},
		{"the audit log", Options{Audit: &Audit{Since: time.Now().Add(-time.Hour)}}, fault.Fault{}, 1},
		{"some were looked at before",
			Options{Users: named, Skip: func(user string) bool { return user == named[0].UPN }},
			fault.Fault{}, 1},
		{"two sources, whose users may be the same", Options{All: true, Groups: group}, fault.Fault{}, 0},
		{"Graph does not count", Options{All: true},
			fault.Fault{Path: "$count", Do: fault.ItemBody(`{"value":[]}`)}, 0},
		{"Graph refuses to count", Options{All: true}, fault.Fault{Path: "$count", Do: fault.ItemStatus(400)}, 0},
		{"counting is denied", Options{All: true}, fault.Fault{Path: "$count", Do: fault.ItemStatus(403)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := company(graphsim.Options{Audit: true})
			tenant.AddGroup(graphsim.Group{ID: group[0], Name: "g", Members: []string{tenant.Remaining()[0].UserID}})
			if tt.fault.Path != "" {
				tenant.AddFaults(tt.fault)
			}
			runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
			said := 0
			tt.opts.Root = root
			counts, err := Run(t.Context(), runner, tt.opts, Handlers{Total: func(n int) { said = n },
				Found: func(*Found) {}, Failed: func(*results.Row) {}})
			assert.OK(t, err)
			assert.Same(t, "it", said, tt.want)
			assert.That(t, said <= 0 || said == (counts.Users+counts.Failed),
				"%d users were to be looked at, and %d were", said, (counts.Users + counts.Failed))
		})
	}
}

// Users that an earlier run has looked at need no LIST.
func TestSkip(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Roles: permitted})
	users := tenant.AddUsers(1500)
	done := make(map[string]bool)
	for _, u := range users[:1400] {
		done[u.ID] = true
	}
	found, _, counts, err := look(t, tenant, Options{All: true, Skip: func(id string) bool {
		return done[id]
	}}, batch.Options{})
	assert.That(t, err == nil && len(found) == 100 && counts.Earlier == 1400 && tenant.Stats().Lists == 100,
		"%d found, %+v, %v", len(found), counts, err)
}

// However large the tenant, only so much of it is known at a time: no page is asked
// for while users of the pages before wait.
func TestBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Pages are quick and LISTs are slow.
		tenant := graphsim.New(graphsim.Options{Roles: permitted,
			Limits: []*quota.Limit{quota.Bucket(20, 20).Of(quota.PassReads)}})
		tenant.AddMany(10_000,
			func(i int) graphsim.User { return graphsim.User{UPN: fmt.Sprintf("u%d@contoso.example", i)} })
		runner, _ := batch.NewRunner(tenant, batch.Options{})
		most := 0
		var s *scanner
		s = newScan(Options{All: true, Root: root}, Handlers{
			Done:   func(string) { most = max(most, len(s.queue)+s.open) },
			Failed: func(r *results.Row) { t.Errorf("%+v", r) },
		}, func(err error) { t.Error(err) })
		if err := runner.Run(t.Context(), s.requests(), s.onResult); err != nil || s.totals().Users != 10_000 {
			t.Errorf("%+v, %v", s.totals(), err)
		}
		assert.That(t, most <= pageAhead+pageSize, "%d users were known at a time", most)
	})
}

// The pace of a scan, beside that of a client that knows the limits.
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
		// The documented read quota, 8,000 units in 10 s, on top of a full bucket: a LIST
		// costs one unit and a page with $select one.
		{"documented read quota", 30_000, []*quota.Limit{quota.Bucket(800, 8000).Of(quota.Reads)}, 0,
			time.Duration(float64(30_000+31-8000) / 800 * float64(time.Second)), 1.05},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Roles: permitted, Latency: 50 * time.Millisecond,
				Limits: tt.limits})
			tenant.AddMany(tt.users,
				func(i int) graphsim.User { return graphsim.User{UPN: fmt.Sprintf("u%d@contoso.example", i)} })
			start := time.Now()
			_, failed, counts, err := look(t, tenant, Options{All: true}, batch.Options{Concurrency: tt.concurrency})
			took := time.Since(start)
			if err != nil || len(failed) > 0 || counts.Users != tt.users {
				t.Fatalf("%+v, %d failed, %v", counts, len(failed), err)
			}
			t.Logf("%v, %.3f of the ideal %v; %d refused", took, float64(took)/float64(tt.ideal), tt.ideal,
				tenant.Stats().Refused)
			assert.That(t, float64(took) <= tt.most*float64(tt.ideal),
				"%v is more than %v times %v", took, tt.most, tt.ideal)
		}))
	}
}

// Whatever Graph answers, what is asked next stays below the user and is never
// anybody else's: ids that are none end the source, or are told.
func TestHostileAnswers(t *testing.T) {
	const dana = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	const good = "9f0c11aa-1111-4222-8333-000000000001"
	page := func(id, upn string) string {
		name, _ := json.Marshal(upn)
		return fmt.Sprintf(`{"value":[{"id":%q,"userPrincipalName":%s}]}`, id, name)
	}
	for _, tt := range []struct {
		name  string
		page  string
		list  string
		ended bool
		found int
	}{
		{"as it should be", page(dana, "dana@contoso.com"), `{"value":[{"id":"` + good + `"}]}`, false, 1},
		{"a user called me", page("me", "x@contoso.com"), "", true, 0},
		{"a user called two dots", page("..", "x@contoso.com"), "", true, 0},
		{"a user that is a path", page(dana+"/../me", "x@contoso.com"), "", true, 0},
		{"a user by name", page("dana@contoso.com", "dana@contoso.com"), "", true, 0},
		{"a pass that is a path", page(dana, "dana@contoso.com"),
			`{"value":[{"id":"../../authentication/phoneMethods/1"}]}`, false, 0},
		{"a pass that is two dots", page(dana, "dana@contoso.com"), `{"value":[{"id":".."}]}`, false, 0},
		{"a name that is a formula and more", page(dana, "=1+1\x1b[2J\r\n\u202ebad"),
			`{"value":[{"id":"` + good + `"}]}`, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Roles: permitted, Record: true, Faults: []fault.Fault{
				{Path: "/users?", Do: fault.ItemBody(tt.page)},
				{Path: "temporaryAccessPassMethods", Do: fault.ItemBody(tt.list)}}})
			tenant.AddUser(graphsim.User{ID: dana, UPN: "dana@contoso.com"})
			runner, _ := batch.NewRunner(tenant, batch.Options{})
			n, failed := 0, 0
			_, err := Run(t.Context(), runner, Options{All: true, Root: root}, Handlers{
				Found: func(f *Found) {
					n++
					assert.That(t, !strings.ContainsAny(f.UPN, "\x1b\r\n\u202e"), "raw text of the service: %q", f.UPN)
				},
				Failed: func(*results.Row) { failed++ },
			})
			assert.That(t, (err != nil) == tt.ended && n == tt.found, "%d found, %v", n, err)
			unread := !tt.ended && tt.found == 0
			assert.Same(t, "some users have a row that says that the scan could not list", failed > 0, unread)
			for _, e := range tenant.Log() {
				if !strings.HasPrefix(e.Path, "/users?") && e.Path != "/users/"+dana+
					"/authentication/temporaryAccessPassMethods" {
					t.Errorf("%s %s was asked for", e.Method, e.Path)
				}
			}
		})
	}
}

// One user under two names is one, and so is a pass.
func TestOneUserTwoNames(t *testing.T) {
	tenant := company(graphsim.Options{})
	held := tenant.Remaining()
	expired := held[slices.IndexFunc(held,
		func(h graphsim.HeldPass) bool { return strings.HasPrefix(h.UPN, "expired@") })]
	users := []input.User{{UPN: expired.UPN}, {ID: expired.UserID}}
	group := tenant.AddGroup(graphsim.Group{Name: "g", Members: []string{expired.UserID}})
	for _, members := range []bool{false, true} {
		found, _, counts, err := look(t, tenant, Options{Users: users, Groups: []string{group}, MembersOnly: members},
			batch.Options{})
		assert.That(t, err == nil && len(found) == 1 && counts.Found == 1,
			"members only %v: found %q, %+v, %v", members, found, counts, err)
		assert.That(t, !members || counts.Users == 1, "members only: %d users, want 1", counts.Users)
	}
}

// The audit log tells who was given a pass, and not whether the account is one to
// look at.
func TestAuditOfGuests(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Roles: permitted, Audit: true})
	by := &graphsim.Actor{UPN: "mallory@contoso.com"}
	pass := []graphsim.Pass{{Created: time.Now().Add(-time.Minute), CreatedBy: by}}
	tenant.AddUser(graphsim.User{UPN: "guest@contoso.com", Guest: true, Passes: pass})
	tenant.AddUser(graphsim.User{UPN: "off@contoso.com", Disabled: true, Passes: pass})
	tenant.AddUser(graphsim.User{UPN: "member@contoso.com", Passes: pass})
	found, _, counts, err := look(t, tenant,
		Options{Audit: &Audit{Since: time.Now().Add(-time.Hour)}, MembersOnly: true, EnabledOnly: true},
		batch.Options{})
	if err != nil || !slices.Equal(found, []string{"member usable: mallory@contoso.com by id"}) || counts.Guests != 1 ||
		counts.Disabled != 1 {
		t.Errorf("found %q, %+v, %v", found, counts, err)
	}
}

// An account without a type is not known as a member.
func TestAccountsWithoutAType(t *testing.T) {
	body := `{"value":[{"id":"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311","userType":null,"accountEnabled":true},` +
		`{"id":"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c312","userType":"Member","accountEnabled":true}]}`
	tenant := graphsim.New(graphsim.Options{Roles: permitted,
		Faults: []fault.Fault{{Path: "/users?", Do: fault.ItemBody(body)}}})
	tenant.AddUser(graphsim.User{ID: "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c312", UPN: "dana@contoso.com"})
	_, failed, counts, err := look(t, tenant, Options{All: true, MembersOnly: true}, batch.Options{})
	assert.That(t, err == nil && counts.Guests == 1 && counts.Users == 1 && len(failed) == 0,
		"%+v, failed %q, %v", counts, failed, err)
	body = strings.ReplaceAll(body, `"userType":null,"accountEnabled":true`, `"userType":null`)
	tenant = graphsim.New(graphsim.Options{Roles: permitted,
		Faults: []fault.Fault{{Path: "/users?", Do: fault.ItemBody(body)}}})
	if _, _, _, err = look(t, tenant, Options{All: true, MembersOnly: true}, batch.Options{}); !IsHidden(err) {
		t.Errorf("Run = %v, want an error: Graph shows neither the type nor whether the account is enabled", err)
	}
}

// Passes of two users are two passes, even if they have one ID.
func TestPassesWithOneID(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Roles: permitted})
	for _, name := range []string{"dana@contoso.com", "erik@contoso.com"} {
		tenant.AddUser(graphsim.User{UPN: name, Passes: []graphsim.Pass{{ID: passID}}})
	}
	found, _, _, err := look(t, tenant, Options{All: true}, batch.Options{})
	assert.OK(t, err)
	assert.Same(t, "passes found", len(found), 2)
}

// A user who is looked up, and in whose place Graph names another one, is not scanned.
func TestAnotherAccount(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Roles: permitted, Faults: []fault.Fault{{Path: "/users/dana@",
		Do: fault.ItemBody(`{"id":"` + danaID + `","userPrincipalName":"erik@contoso.com","userType":"Member",` +
			`"accountEnabled":true}`)}}})
	tenant.AddUser(graphsim.User{ID: danaID, UPN: "erik@contoso.com", Passes: []graphsim.Pass{{}}})
	found, failed, _, err := look(t, tenant,
		Options{Users: []input.User{{UPN: "dana@contoso.com"}}, MembersOnly: true}, batch.Options{})
	if err != nil || len(found) != 0 || len(failed) != 1 {
		t.Errorf("found %q, failed %q, %v; want dana to fail", found, failed, err)
	}
}

// Which passes the options leave out. What is not known leaves no pass of an intruder out, and no young one in.
func TestWanted(t *testing.T) {
	now := time.Now()
	old := pass.Pass{Created: now.Add(-2 * time.Hour)}
	for _, tt := range []struct {
		name string
		opts Options
		pass pass.Pass
		by   string // how a record matches
		want bool
	}{
		{"old enough", Options{MinAge: time.Hour}, old, "", true},
		{"of unknown age", Options{MinAge: time.Hour}, pass.Pass{}, "", false},
		{"created before", Options{CreatedSince: now.Add(-time.Hour)}, old, "", false},
		{"created before, and a record since then names it", Options{CreatedSince: now.Add(-time.Hour)}, old,
			input.MatchID, true},
		{"created at an unknown time", Options{CreatedSince: now.Add(-time.Hour)}, pass.Pass{}, "", true},
	} {
		f := &Found{Pass: tt.pass, Creation: input.Creation{Match: tt.by}}
		if got := newScan(tt.opts, Handlers{}, nil).wanted(f, now); got != tt.want {
			t.Errorf("%s: wanted = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAdvancedFilter(t *testing.T) {
	tenant := company(graphsim.Options{Record: true})
	if _, _, _, err := look(t, tenant, Options{All: true, Filter: "department eq 'sales'"},
		batch.Options{}); err != nil {
		t.Fatal(err)
	}
	first := tenant.Log()[0]
	if !strings.Contains(first.Path, "$count=true") || !strings.Contains(first.Path, "department%20eq%20%27sales%27") {
		t.Errorf("%s", first.Path)
	}
}

// inBubble returns a test that runs in virtual time.
func inBubble(f func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}
