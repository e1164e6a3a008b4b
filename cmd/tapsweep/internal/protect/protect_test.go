package protect

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const (
	id1   = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	id2   = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c322"
	id3   = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c333"
	bg    = "bg1@contoso.com"
	guest = "dana_fabrikam.com#EXT#@contoso.onmicrosoft.com"
)

func pairs(users ...string) iter.Seq2[input.Pair, error] {
	return func(yield func(input.Pair, error) bool) {
		for _, u := range users {
			if !yield(input.Pair{User: u}, nil) {
				return
			}
		}
	}
}

func writeList(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "protect")
	assert.OK(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func open(t *testing.T, text string) *Named {
	t.Helper()
	return assert.Must(Open(nil, writeList(t, text)))
}

// resolve resolves the protect list with a text.
func resolve(t *testing.T, tenant batch.Poster, text string, src iter.Seq2[input.Pair, error]) (*Users, error) {
	t.Helper()
	return open(t, text).Resolve(t.Context(), newRunner(tenant), src, "")
}

func newRunner(poster batch.Poster) *batch.Runner {
	return assert.Must(batch.NewRunner(poster, batch.Options{MaxAttempts: 3}))
}

// contoso returns a tenant whose users have a name of each kind.
func contoso(opts graphsim.Options) *graphsim.Tenant {
	opts.Record = true
	tenant := graphsim.New(opts)
	tenant.AddUser(graphsim.User{ID: id1, UPN: bg, Privileged: true})
	tenant.AddUser(graphsim.User{ID: id2, UPN: guest, Guest: true})
	tenant.AddUser(graphsim.User{ID: id3, UPN: "$o'x@contoso.com", Disabled: true})
	return tenant
}

const lee = "lee@contoso.com" // whom the tenant does not have

// Each case has a protect list, and the names that it protects.
var resolveTests = []struct {
	name   string
	list   string
	pair   string
	has    []string
	hasNot []string
}{
	{"UPN and UPN", bg, lee, []string{bg, strings.ToUpper(bg)}, []string{lee, guest, ""}},
	{"id and id", id1, id2, []string{id1, strings.ToUpper(id1)}, []string{id2, guest}},
	{"UPN and id", bg, id2, []string{bg, id1, strings.ToUpper(id1)}, []string{id2, lee}},
	{"id and UPN", strings.ToUpper(id1), lee, []string{bg, "BG1@Contoso.Com", id1}, []string{lee}},
	{"guest by UPN", guest, id1, []string{id2, guest}, []string{id1}},
	{"guest by id", id2, bg, []string{strings.ToLower(guest)}, []string{bg}},
	{"name with $ and quote", "$O'X@contoso.com", id1, []string{id3}, []string{id1}},
	{"both in a row", "userId,upn\n" + id1 + "," + bg, id1, []string{id1, bg}, []string{id2}},
	{"every kind of row", "userId,upn\n" + id1 + ",\n," + guest + "\n" + id3 + ",$o'x@contoso.com", lee,
		[]string{id1, bg, id2, guest, id3}, []string{"x@contoso.com"}},
}

func TestResolve(t *testing.T) {
	for _, tt := range resolveTests {
		t.Run(tt.name, func(t *testing.T) {
			users, err := resolve(t, contoso(roles("User.ReadBasic.All")), tt.list, pairs(tt.pair))
			assert.OK(t, err, "Resolve")
			for i, name := range append(tt.has, tt.hasNot...) {
				assert.Same(t, fmt.Sprintf("Has(%q)", name), users.Has(name), i < len(tt.has))
			}
			assert.Same(t, "Warning()", users.Warning(), "")
		})
	}
}

// A batch has twenty lookups.
func TestManyNamesAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Roles: []string{"User.Read.All"}})
		var text strings.Builder
		for _, u := range tenant.AddUsers(4000) {
			fmt.Fprintln(&text, u.UPN)
		}
		_, err := resolve(t, tenant, text.String(), pairs(bg))
		assert.OK(t, err, "Resolve")
		assert.That(t, tenant.Stats().Batches <= 220, "%d batches, want at most 220", tenant.Stats().Batches)
	})
}

// A row with the object ID of one user and the name of a protected user counted as protected, so the pass of a user
// whom nobody protects was kept.
func TestCheckRows(t *testing.T) {
	rows := func(users ...input.User) iter.Seq2[input.Pair, error] {
		return func(yield func(input.Pair, error) bool) {
			for i, u := range users {
				if !yield(input.Pair{Source: "l.csv", Line: 2 + i, User: cmp.Or(u.ID, u.UPN), UPN: u.UPN}, nil) {
					return
				}
			}
		}
	}
	users, err := resolve(t, contoso(roles("User.ReadBasic.All")), bg, pairs(id2))
	assert.OK(t, err)
	assert.OK(t, users.CheckRows(rows(input.User{ID: strings.ToUpper(id1), UPN: strings.ToUpper(bg)},
		input.User{ID: id2, UPN: guest}, input.User{UPN: bg}, input.User{ID: id2})))
	assert.Says(t, "CheckRows", users.CheckRows(rows(input.User{ID: id1, UPN: bg}, input.User{ID: id2, UPN: bg})),
		"l.csv:3: the object ID and the user principal name belong to two users: "+bg)
	nobody, err := resolve(t, contoso(roles("User.ReadBasic.All")), guest, pairs(guest))
	assert.OK(t, err)
	assert.OK(t, nobody.CheckRows(rows(input.User{ID: id2, UPN: bg})), "a name that nobody protects")
}

func TestNobody(t *testing.T) {
	l := assert.Must(Open(nil))
	users, err := l.Resolve(t.Context(), nil, nil, "") // asks nobody and reads nothing
	assert.Is(t, "Resolve", err, nil)
	for _, u := range []*Users{users, nil} {
		assert.That(t, !u.Has(bg), "%v protects %s", u, bg)
	}
}

func TestOpen(t *testing.T) {
	path := writeList(t, "# none\n")
	_, err := Open(nil, path)
	assert.Says(t, "Open", err, path+":1: the list is empty, or has only comments")
	rows := open(t, bg+"\n"+id1).Users()
	assert.Same(t, "rows", len(rows), 2)
	got := fmt.Sprint(rows[0].UPN, " ", rows[0].Line, " ", rows[1].ID, " ", rows[1].Line)
	assert.Same(t, "rows", got, bg+" 1 "+id1+" 2")
}

// Resolve reads pairs only until it knows which kinds of names they use.
func TestResolveReadsNoFurther(t *testing.T) {
	broken := errors.New("list.csv changed")
	for _, tt := range []struct {
		list  string
		pairs []string
		want  error
	}{
		{bg, []string{lee, id2}, nil}, {id1, []string{lee, id2}, nil}, {bg + "\n" + id1, []string{lee, id2}, nil},
		{bg, []string{lee}, broken},
	} {
		src := func(yield func(input.Pair, error) bool) {
			if !yield(input.Pair{User: id2, Err: errors.New("a row that is left out")}, nil) {
				return
			}
			for p := range pairs(tt.pairs...) {
				if !yield(p, nil) {
					return
				}
			}
			yield(input.Pair{}, broken)
		}
		tenant := contoso(graphsim.Options{})
		_, err := resolve(t, tenant, tt.list, src)
		assert.Is(t, fmt.Sprintf("Resolve of %q before %q", tt.list, tt.pairs), err, tt.want)
		if tt.want != nil {
			assert.Same(t, "requests", tenant.Stats().Requests, 0)
		}
	}
}

// item returns the options of a tenant whose answer to each lookup has a fault.
func item(do fault.Effect) graphsim.Options {
	return graphsim.Options{Faults: []fault.Fault{{Method: "GET", Do: do}}}
}

// naming returns the options of a tenant whose answer to each lookup has these names.
func naming(id, upn string) graphsim.Options {
	return item(fault.ItemBody(fmt.Sprintf(`{"id":%q,"userPrincipalName":%q}`, id, upn)))
}

func roles(names ...string) graphsim.Options { return graphsim.Options{Roles: names} }

const (
	noID      = "00000000-0000-4000-8000-000000000000"
	nobody    = "bg1@contoso.con"
	forbidden = "the token lacks X"
)

// Each case is a list with a row that cannot be looked up.
var failTests = []struct {
	name      string
	opts      graphsim.Options
	list      string // bg unless set
	pair      string // id2 unless set
	forbidden string // why no lookup is allowed
	line      int    // of the row, 1 unless set
	want      string // in the error; empty for no error
	denied    bool   // a permission is missing
	warning   string // the beginning
}{
	{name: "the user principal name of nobody", list: bg + "\n" + nobody, pair: bg, line: 2,
		want: "protected user bg1@contoso.con is not in the tenant: Graph answered 404"},
	{name: "both names, the ID of nobody", list: "userId,upn\n" + noID + "," + bg, pair: bg, line: 2,
		want: "protected user " + bg + " (" + noID + ") is not in the tenant"},
	{name: "names of two users", list: "userId,upn\n" + id1 + "," + guest, pair: bg, line: 2,
		want: "protected user " + guest + " (" + id1 + "): the object ID and the user principal name " +
			"belong to two users, Graph names the user \"" + bg + "\""},
	{name: "forbidden", list: bg + "\n" + nobody + "\n" + guest + "\n" + lee, pair: bg, forbidden: forbidden,
		warning: "4 of 4 protected names could not be checked (" + bg + ", bg1@contoso.con, " + guest +
			", …): the token lacks X"},
	{name: "forbidden and needed", forbidden: forbidden, denied: true,
		want: "protected user bg1@contoso.com cannot be looked up: the token lacks X"},
	{name: "forbidden, names of two users", list: "userId,upn\n" + id1 + "," + guest, pair: id3, forbidden: forbidden,
		warning: "1 of 1 protected names could not be checked (" + guest + " (" + id1 + ")): "},
	{name: "denied and not needed", list: bg + "\n" + nobody, pair: bg, opts: roles("AuditLog.Read.All"),
		warning: "2 of 2 protected names could not be checked (bg1@contoso.com, bg1@contoso.con): Graph answered 403"},
	{name: "one answer is lost", list: bg + "\n" + guest, pair: bg,
		opts:    graphsim.Options{Faults: []fault.Fault{{Path: "/users/" + bg, Do: fault.ItemStatus(503)}}},
		warning: "1 of 2 protected names could not be checked (bg1@contoso.com): "},
	{name: "unknown UPN", list: "lee@contoso.com", want: "protected user lee@contoso.com is not in the tenant: " +
		"Graph answered 404 Request_ResourceNotFound"},
	{name: "no permission to read users", opts: roles("UserAuthMethod-TAP.ReadWrite.All"),
		want: "Graph answered 403 Authorization_RequestDenied", denied: true},
	{name: "text", opts: item(fault.ItemBody(`"text"`)), want: "cannot be read"},
	{name: "number for an id", opts: item(fault.ItemBody(`{"id":7,"userPrincipalName":"` + bg + `"}`)),
		want: "cannot be read"},
	{name: "no id", opts: naming("", bg), want: "lacks an id"},
	{name: "no UPN", list: id1, pair: bg, opts: naming(id1, ""), want: "lacks an id or a userPrincipalName"},
	{name: "id for a UPN", list: id1, pair: bg, opts: naming(id1, id1), want: "lacks an id or a userPrincipalName"},
	{name: "another user than asked by UPN", opts: naming(id2, "lee@contoso.com"),
		want: `is about another user: "` + id2 + `", "lee@contoso.com"`},
	{name: "another user than asked by id", list: id1, pair: bg, opts: naming(id2, bg),
		want: `is about another user: "` + id2 + `", "` + bg + `"`},
	{name: "other success", opts: item(fault.ItemStatus(206)), want: "Graph answered 206 UnknownError"},
	{name: "error that stays", opts: item(fault.ItemStatus(503)), want: "Graph answered 503"},
	{name: "no answer", opts: item(fault.Reset()), want: "gave up"},
	{name: "escape sequence", opts: item(fault.ItemBody("{\"id\":\"\\u001b[2J\",\"userPrincipalName\":\"" + bg +
		"\"}")), want: `"\x1b[2J"`},
}

// If a row cannot be looked up, the error says where and why, and there are no Users. The row is only in the warning if
// the pairs do not use the kind of name that it lacks, unless Graph shows that the row is wrong.
func TestResolveFails(t *testing.T) {
	for _, tt := range failTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list := open(t, cmp.Or(tt.list, bg))
				users, err := list.Resolve(t.Context(), newRunner(contoso(tt.opts)), pairs(cmp.Or(tt.pair, id2)),
					tt.forbidden)
				assert.Says(t, "Resolve", err, tt.want)
				assert.Holds(t, "Warning()", users.Warning(), tt.warning)
				if tt.want == "" {
					return
				}
				assert.Same(t, "Users", users, nil)
				e, ok := errors.AsType[*ResolveError](err)
				if !ok {
					t.Fatalf("Resolve = %v, want *ResolveError", err)
				}
				place := fmt.Sprintf("%s:%d: ", list.Users()[0].Source, cmp.Or(tt.line, 1))
				assert.Holds(t, "the error", e.Error(), place)
				assert.Lacks(t, "the error", e.Error(), "\n", "\x1b")
				assert.Same(t, "denied", e.denied, tt.denied)
				assert.Same(t, "a hint names the permission",
					strings.Contains(strings.Join(e.Hints(), "\n"), "User.ReadBasic.All"), tt.denied)
				if tt.denied && tt.forbidden == "" {
					assert.Same(t, "status in the error", pass.StatusOf(err), 403)
				}
			})
		})
	}
}

// Transient errors are retried.
func TestResolveRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := contoso(graphsim.Options{Faults: []fault.Fault{
			{Attempt: 1, Do: fault.ItemStatus(429, "Retry-After", "7")}, {Attempt: 2, Do: fault.ItemStatus(503)}}})
		users, err := resolve(t, tenant, bg, pairs(id2))
		assert.OK(t, err, "Resolve")
		assert.Same(t, "Has", users.Has(id1), true)
	})
}

// One error has all rows that are wrong, in the order of the list.
func TestResolveFailsTogether(t *testing.T) {
	tenant := contoso(graphsim.Options{})
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "nobody%02d@contoso.com\n", i)
	}
	_, err := resolve(t, tenant, bg+"\n"+text.String()+guest, pairs(id2))
	e, ok := errors.AsType[*ResolveError](err)
	if !ok {
		t.Fatalf("Resolve = %v, want *ResolveError", err)
	}
	assert.Same(t, "rows in the error", len(e.Errs), 20)
	assert.Same(t, "the error counts the other rows", strings.HasSuffix(err.Error(), "\nand 30 more"), true)
	for i, le := range e.Errs {
		assert.Same(t, fmt.Sprintf("line of row %d", i), le.Line, i+2)
		assert.Holds(t, "the error", le.Msg, fmt.Sprintf("nobody%02d@", i))
	}
	assert.That(t, tenant.Stats().Sizes[20] > 0, "sizes of batches %v, want full ones", tenant.Stats().Sizes)
}

// A run that ends early protects nobody, and says why it ended. A refusal of whole batches says
// nothing about the user that is looked up.
func TestResolveStops(t *testing.T) {
	interrupt := errors.New("interrupt")
	for _, tt := range []struct {
		opts graphsim.Options
		want error
		text string
	}{
		{item(fault.OuterStatus(401)), batch.ErrUnauthorized, ""},
		{item(fault.OuterBody(403, "blocked by policy")), batch.ErrBlocked, "blocked by policy"},
		{graphsim.Options{}, interrupt, "interrupt"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if tt.want == interrupt {
				cancel(interrupt)
			}
			users, err := open(t, bg).Resolve(ctx, newRunner(contoso(tt.opts)), pairs(id2), "")
			assert.Is(t, "Resolve", err, tt.want)
			assert.Holds(t, "the error", err.Error(), tt.text)
			assert.Same(t, "Users", users, nil)
		})
	}
}

var firstSeed = flag.Uint64("seed", 0, "the first seed of TestHasExactly")

// Exactly the protected users are recognised, however the protect list and the pairs spell their
// names, and whichever name each uses.
func TestHasExactly(t *testing.T) {
	for i := range uint64(200) {
		seed := *firstSeed + i
		rng := rand.New(rand.NewPCG(seed, 4))
		tenant := graphsim.New(graphsim.Options{Seed: seed, Roles: []string{"User.ReadBasic.All"}})
		members := tenant.AddUsers(1 + rng.IntN(60))
		for i := range members {
			if members[i].UPN = []string{"", "$", "o'", "x#EXT#", "{+"}[rng.IntN(5)] +
				members[i].UPN; rng.IntN(4) == 0 {
				members[i].UPN = strings.ToUpper(members[i].UPN)
			}
			tenant.AddUser(members[i])
		}
		list, protected := randomList(rng, members)
		want := make(map[string]bool) // by the names that the pairs use
		pairIDs, pairUPNs := randomKinds(rng)
		for _, u := range members {
			if pairIDs {
				want[spell(rng, u.ID)] = protected[u.UPN]
			}
			if pairUPNs {
				want[spell(rng, u.UPN)] = protected[u.UPN]
			}
		}
		users, err := resolve(t, tenant, list, pairs(slices.Sorted(maps.Keys(want))...))
		assert.OK(t, err, seed, list)
		for name, want := range want {
			if users.Has(name) != want {
				t.Fatalf("seed %d: Has(%q) = %t, want %t, with the list\n%s", seed, name, !want, want, list)
			}
		}
	}
}

// randomList returns a protect list of some members, and their user principal names. A row has one
// name of its user or both.
func randomList(rng *rand.Rand, members []graphsim.User) (list string, protected map[string]bool) {
	list, protected = "userId,upn\n", make(map[string]bool)
	rowIDs, rowUPNs := randomKinds(rng)
	for i, u := range members {
		if i > 0 && rng.IntN(3) > 0 {
			continue
		}
		protected[u.UPN] = true
		for range 1 + rng.IntN(2) {
			id, upn := spell(rng, u.ID), input.CSVValue(spell(rng, u.UPN))
			switch withID := rowIDs && (!rowUPNs || rng.IntN(2) == 0); {
			case withID && (!rowUPNs || rng.IntN(2) == 0):
				upn = ""
			case !withID:
				id = ""
			}
			list += id + "," + upn + "\n"
		}
	}
	return list, protected
}

// randomKinds returns which kinds of names are used, at least one.
func randomKinds(rng *rand.Rand) (id, upn bool) {
	k := rng.IntN(3)
	return k != 1, k != 0
}

// spell changes the case of some letters.
func spell(rng *rand.Rand, s string) string {
	b := []byte(s)
	for i, c := range b {
		if rng.IntN(2) == 0 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

// Patterns are refused, because they would protect nobody.
func TestPatternsAreRefused(t *testing.T) {
	for list, line := range map[string]int{
		"bg*@contoso.com":                               1,
		"bg1@contoso.com\nbg*@contoso.com":              2,
		"user\n*@contoso.com":                           2,
		"userId,upn\n" + id1 + ",*@contoso.com":         2,
		`[{"userPrincipalName":"bg*@contoso.com"}]`:     1,
		"# break glass\n\n" + bg + "\nadm*@contoso.com": 4,
	} {
		path := writeList(t, list)
		_, err := Open(nil, path)
		assert.Says(t, "Open of "+list, err, "is a pattern, which protects nobody")
		assert.Says(t, "Open of "+list, err, fmt.Sprintf("%s:%d: ", path, line))
	}
}

// A row with both names protects both, although nobody may look the user up.
func TestUncheckedNamesAreProtected(t *testing.T) {
	users, err := open(t, "userId,upn\n"+id1+","+bg+"\n").Resolve(t.Context(), nil, pairs(id2), "no permission")
	assert.OK(t, err, "Resolve")
	for name, want := range map[string]bool{id1: true, strings.ToUpper(bg): true, id2: false} {
		assert.Same(t, "Has "+name, users.Has(name), want)
	}
}
