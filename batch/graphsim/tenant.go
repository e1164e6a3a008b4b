package graphsim

import (
	"cmp"
	"math/rand/v2"
	"sync"
	"time"
)

// Options says how a Tenant behaves. The zero value is a fast tenant that
// throttles nothing and has no faults.
type Options struct {
	// Latency is how long each batch or direct request takes, half of it on the
	// way there and half on the way back. Zero answers at once.
	Latency time.Duration

	// Spread is how long it takes from the first request of a batch that takes effect to the
	// last. Zero has all of them take effect at one instant.
	Spread time.Duration

	// Limits throttle; a request has to pass every Limit of its Kind. None
	// throttles nothing. A Limit has state: give each tenant its own.
	Limits []*Limit

	// WholeBatch refuses a batch that a Limit has no room for with an outer 429,
	// instead of refusing single requests in it.
	WholeBatch bool

	// Seed decides the order in which the requests of a batch run and in which
	// they are answered. Both are always shuffled.
	Seed uint64

	// ListLag is how long a deleted pass is still listed. Zero forgets it at once.
	// Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass
	// (adding and removing a pass takes minutes to replicate).
	ListLag time.Duration

	// OmitReason has passes listed without isUsable and with a methodUsabilityReason
	// that is null, as some tenants do, but for those with a Pass.Reason.
	// Source: the end-to-end tests of Canonical's authd.
	OmitReason bool

	// Audit keeps an entry in the audit log for each pass that is made by an Actor
	// and for each that is deleted, some 60 bytes each, and 60 more for each that is made.
	Audit bool

	// SeededBy is who created the passes of SeedPair. Nil means that it is not known.
	SeededBy *Actor

	// Unlicensed refuses the report of registrations as in a tenant without a
	// premium licence.
	Unlicensed bool

	// TenantID, ClientID and Secret are what the token endpoint knows. Empty
	// means DefaultTenantID, DefaultClientID and DefaultSecret.
	TenantID, ClientID, Secret string

	// Domain is another name that the token endpoint knows the tenant by. Empty
	// means DefaultDomain.
	Domain string

	// TokenLife is how long an issued token lasts; zero means an hour.
	TokenLife time.Duration

	// Roles are the app roles in issued tokens, and what PostBatch may do. Nil
	// means UserAuthMethod-TAP.ReadWrite.All and User.Read.All; revoking sessions
	// needs User.RevokeSessions.All besides. Empty but not nil means none.
	Roles []string

	// Challenge adds a claims challenge to the 401 that a token gets after
	// ExpireTokens, as continuous access evaluation does.
	Challenge bool

	// EmptyPages puts an empty page with a next link between the pages of every
	// collection. Source: learn.microsoft.com/graph/paging.
	EmptyPages bool

	// ForeignLinks has next links name another host than the one that was asked.
	ForeignLinks bool

	// BasicHidesEnabled keeps accountEnabled from callers whose only permission to
	// read users is User.ReadBasic.All: it is null, and a $filter on it is refused.
	// Whether Graph does so is not documented; learn.microsoft.com/graph/permissions-reference
	// lists what the permission covers, and accountEnabled is not in it.
	BasicHidesEnabled bool

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
	DefaultDomain   = "contoso.example"
)

// A Tenant is a simulated tenant. Make one with New; it is safe for concurrent use.
type Tenant struct {
	opts Options
	self caller // who PostBatch is

	mu          sync.Mutex        // guards everything below; never held while waiting
	order       []*user           // every user, in the order of GET /users
	names       index             // of order
	groups      map[string]*group // by id in lower case
	regrouped   int               // how often a group was added
	due         []reissue         // in order of time
	app         *Actor            // who callers are that are no users
	actors      map[string]*Actor // who others are, by object id in lower case
	audits      []audited         // in order of time, unless auditsMixed
	auditsMixed bool
	byApps      int // passes made by apps
	populated   int
	rng         *rand.Rand
	nonce       uint64 // counts answers, to vary their form
	seq         int    // counts flights
	batchSeq    int    // counts batches that arrived
	running     int
	stats       Stats
	log         []Entry
	faults      []*armed
	attempts    map[string]int // by method and URL; nil unless a Fault asks
	tokens      map[string]token
	key         []byte // signs tokens
	entra       entra
}

// New makes a tenant without users.
func New(opts Options) *Tenant {
	opts.TenantID = cmp.Or(opts.TenantID, DefaultTenantID)
	opts.ClientID = cmp.Or(opts.ClientID, DefaultClientID)
	opts.Secret = cmp.Or(opts.Secret, DefaultSecret)
	opts.Domain = cmp.Or(opts.Domain, DefaultDomain)
	opts.TokenLife = cmp.Or(opts.TokenLife, time.Hour)
	if opts.Roles == nil {
		opts.Roles = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All"}
	}
	t := &Tenant{
		opts:   opts,
		self:   appCaller(opts.Roles),
		rng:    rand.New(rand.NewPCG(opts.Seed, 0x9e3779b97f4a7c15)),
		tokens: make(map[string]token),
	}
	t.entra.secret = opts.Secret
	t.app = &Actor{AppID: opts.ClientID, App: appName}
	t.arm(opts.Faults)
	return t
}
