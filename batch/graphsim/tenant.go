package graphsim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options says how a Tenant behaves. The zero value is a fast tenant that
// throttles nothing and has no faults.
type Options struct {
	// Latency is how long each batch or direct request takes, half of it on the
	// way there and half on the way back. Zero answers at once.
	Latency time.Duration

	// Limits throttle; a request has to pass every Limit of its Kind. None
	// throttles nothing. A Limit has state: give each tenant its own.
	Limits []*Limit

	// WholeBatch refuses a batch that a Limit has no room for with an outer 429,
	// instead of refusing single requests in it.
	WholeBatch bool

	// Percentage adds x-ms-throttle-limit-percentage to answers once 0.8 of a
	// Limit is used. Documented, yet never observed, so it is off by default.
	// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
	Percentage bool

	// Seed decides the order in which the requests of a batch run and in which
	// they are answered. Both are always shuffled.
	Seed uint64

	// ListLag is how long a deleted pass is still listed. Zero forgets it at once.
	// Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass
	// (adding and removing a pass takes minutes to replicate).
	ListLag time.Duration

	// TenantID, ClientID and Secret are what the token endpoint knows. Empty
	// means DefaultTenantID, DefaultClientID and DefaultSecret.
	TenantID, ClientID, Secret string

	// TokenLife is how long an issued token lasts; zero means an hour.
	TokenLife time.Duration

	// Roles are the app roles in issued tokens, and what PostBatch may do. Nil
	// means UserAuthMethod-TAP.ReadWrite.All and User.Read.All; revoking sessions
	// needs User.RevokeSessions.All besides. Empty but not nil means none.
	Roles []string

	// Challenge adds a claims challenge to the 401 that a token gets after
	// ExpireTokens, as continuous access evaluation does.
	Challenge bool

	// EmptyPages puts an empty page with a next link between the pages of GET
	// /users. Source: learn.microsoft.com/graph/paging.
	EmptyPages bool

	// ForeignLinks has next links name another host than the one that was asked.
	ForeignLinks bool

	// Faults go wrong on purpose; the first that matches a request counts.
	Faults []Fault

	// Record keeps an Entry for every individual request; see Log.
	Record bool
}

// What the token endpoint knows unless Options say otherwise. All invented.
const (
	DefaultTenantID = "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913"
	DefaultClientID = "7c2e94d1-58af-4b06-8d3e-1f90a6c4b725"
	DefaultSecret   = "graphsim-secret"
)

// A User is an account in the tenant.
type User struct {
	// ID is the object id; AddUser makes one from the UPN if it is empty.
	ID string

	// UPN is the user principal name.
	UPN string

	// Privileged has everything about the user's passes answered with 403.
	Privileged bool

	// Guest is an external guest, who can be given no pass.
	Guest bool

	// Disabled has accountEnabled false.
	Disabled bool

	// Roles are the Entra roles, by template id, that tokens of the user name.
	Roles []string

	// Passes are the user's Temporary Access Passes, in a real tenant at most one.
	Passes []Pass
}

// A Pass is a Temporary Access Pass, without the secret.
type Pass struct {
	// ID is a GUID; AddUser makes one if it is empty.
	ID string

	// Created and Start default to the time of AddUser, and Start to Created.
	Created, Start time.Time

	// LifetimeMinutes counts from Start; zero means 60.
	LifetimeMinutes int

	UsableOnce bool

	// Reason is methodUsabilityReason. Empty is worked out from the dates.
	Reason string
}

// user is an account and what is going on with it.
type user struct {
	User
	inFlight  int32 // running batches and direct requests with a write for the user
	flightSeq int   // the last flight that announced one
	wroteSeq  int   // the last batch that carried one out
	ghosts    []ghost
}

// ghost is a deleted pass that is still listed.
type ghost struct {
	Pass
	until time.Time
}

// A Tenant is a simulated tenant. Make one with New; it is safe for concurrent use.
type Tenant struct {
	opts Options
	self caller // who PostBatch is

	mu        sync.Mutex // guards everything below; never held while waiting
	users     map[string]*user
	order     []*user // for GET /users
	populated int
	rng       *rand.Rand
	nonce     uint64 // counts answers, to vary their form
	seq       int    // counts flights
	batchSeq  int    // counts batches that arrived
	running   int
	stats     Stats
	log       []Entry
	faults    []*armed
	attempts  map[string]int // by method and URL; nil unless a Fault asks
	tokens    map[string]token
	key       []byte // signs tokens
	entra     entra
}

// New makes a tenant without users.
func New(opts Options) *Tenant {
	opts.TenantID = cmp.Or(opts.TenantID, DefaultTenantID)
	opts.ClientID = cmp.Or(opts.ClientID, DefaultClientID)
	opts.Secret = cmp.Or(opts.Secret, DefaultSecret)
	opts.TokenLife = cmp.Or(opts.TokenLife, time.Hour)
	if opts.Roles == nil {
		opts.Roles = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All"}
	}
	t := &Tenant{
		opts:   opts,
		self:   appCaller(opts.Roles),
		users:  make(map[string]*user),
		rng:    rand.New(rand.NewPCG(opts.Seed, 0x9e3779b97f4a7c15)),
		tokens: make(map[string]token),
	}
	t.entra.secret = opts.Secret
	t.arm(opts.Faults)
	return t
}

// AddUser puts a user into the tenant, in place of one with the same ID.
func (t *Tenant) AddUser(u User) {
	u.ID = cmp.Or(u.ID, guidOf("user", u.UPN))
	u.UPN = cmp.Or(u.UPN, u.ID+"@contoso.example")
	u.Passes = slices.Clone(u.Passes)
	now := time.Now().UTC()
	for i := range u.Passes {
		u.Passes[i].fill(u.ID, i, now)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(u)
}

func (p *Pass) fill(userID string, i int, now time.Time) {
	p.ID = cmp.Or(p.ID, guidOf("pass", userID, fmt.Sprint(i)))
	if p.Created.IsZero() {
		p.Created = now
	}
	if p.Start.IsZero() {
		p.Start = p.Created
	}
	p.LifetimeMinutes = cmp.Or(p.LifetimeMinutes, 60)
}

// add is called with mu held.
func (t *Tenant) add(u User) *user {
	if old := t.users[strings.ToLower(u.ID)]; old != nil {
		delete(t.users, strings.ToLower(old.UPN))
		old.User = u
		t.users[strings.ToLower(u.UPN)] = old
		return old
	}
	n := &user{User: u}
	t.users[strings.ToLower(u.ID)] = n
	t.users[strings.ToLower(u.UPN)] = n
	t.order = append(t.order, n)
	return n
}

// pass tells where the pass is in u.Passes, or -1. Ids compare without case.
func (u *user) pass(id string) int {
	for i := range u.Passes {
		if strings.EqualFold(u.Passes[i].ID, id) {
			return i
		}
	}
	return -1
}

// A Held is a pass that a user holds.
type Held struct {
	UserID, UPN, PassID string
}

// Left tells which passes are left, sorted by UPN and then by pass.
func (t *Tenant) Left() []Held {
	t.mu.Lock()
	var left []Held
	for _, u := range t.order {
		for i := range u.Passes {
			left = append(left, Held{u.ID, u.UPN, u.Passes[i].ID})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(left, func(a, b Held) int {
		return cmp.Or(strings.Compare(a.UPN, b.UPN), strings.Compare(a.UserID, b.UserID),
			strings.Compare(a.PassID, b.PassID))
	})
	return left
}
