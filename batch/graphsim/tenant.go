package graphsim

import (
	"sync"
	"time"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/batch/graphsim/quota"
)

// Options set how a Tenant behaves. The zero value is a fast tenant that throttles
// nothing and has no faults.
type Options struct {
	// Latency is how long each batch or direct request takes. Half of it passes before the
	// tenant acts. Zero means that it answers at once.
	Latency time.Duration

	// Spread is how long a batch takes from its first request that takes effect to its
	// last. Zero means that all take effect at the same instant.
	Spread time.Duration

	// Limits throttle requests. A request has to pass every limit that counts it.
	Limits []*quota.Limit

	// Faults make requests fail. The first fault that matches a request happens.
	Faults []fault.Fault

	// Seed decides the order in which the requests of a batch take effect, and the
	// order of their responses. Both are always shuffled.
	Seed uint64

	// Roles are the roles of the app, in its tokens and for PostBatch. Nil means
	// UserAuthMethod-TAP.ReadWrite.All and User.Read.All. Empty but not nil means none.
	Roles []string

	// Entra has the options of the token endpoint.
	Entra entra.Options

	// Record makes the tenant keep a LogEntry for every request. See Tenant.Log.
	Record bool

	// Audit makes the tenant keep an entry in the audit log for each pass with a creator
	// and for each deleted pass.
	Audit bool

	// ListLag is how long LISTs still show a deleted pass. Zero means not at all.
	// Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass
	// (a new or removed pass takes minutes to replicate).
	ListLag time.Duration

	// SessionLag is how long the tenant still shows the old signInSessionsValidFromDateTime after the
	// sessions of a user were revoked. Zero means not at all.
	SessionLag time.Duration

	// OmitReason makes LISTs show passes without a Pass.Reason as some tenants do: without
	// isUsable, and with a methodUsabilityReason of null.
	// Source: the end-to-end tests of Canonical's authd.
	OmitReason bool

	// EmptyPages adds an empty page with a next link between the pages of every
	// collection. Source: learn.microsoft.com/graph/paging.
	EmptyPages bool

	// ForeignLinks makes next links point to another host.
	ForeignLinks bool

	// BasicHidesEnabled hides accountEnabled from callers that may read users only by
	// User.ReadBasic.All: it is null, and a $filter on it is refused. It is not
	// documented whether Graph does so. The description of that permission in
	// learn.microsoft.com/graph/permissions-reference does not list accountEnabled.
	BasicHidesEnabled bool
}

// A Tenant is a simulated tenant. Create one with New. It is safe for concurrent use.
type Tenant struct {
	// Entra issues the tokens that the tenant accepts.
	Entra *entra.Authority

	opts Options
	self *principal // the caller of PostBatch

	mu        sync.Mutex             // guards the fields below; never held while waiting
	users     []*storedUser          // in the order of GET /users
	byName    map[string]*storedUser // by object ID and user principal name, in lower case
	groups    map[string]*Group      // by id, in lower case
	reissues  []reissue              // in order of time
	audits    auditLog
	added     int // users that AddUsers has added
	variety   *wire.Variety
	exchanges int // batches and direct requests so far
	running   int // batches that are under way
	stats     Stats
	log       []LogEntry
	script    fault.Script
}

// New creates a tenant without users.
func New(opts Options) *Tenant {
	if opts.Roles == nil {
		opts.Roles = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All"}
	}
	t := &Tenant{
		opts:    opts,
		self:    newCaller(&entra.Identity{Permissions: opts.Roles}),
		byName:  make(map[string]*storedUser),
		groups:  make(map[string]*Group),
		variety: wire.NewVariety(opts.Seed),
	}
	t.Entra = entra.New(opts.Entra, opts.Roles, t.entraUser)
	t.script.Add(opts.Faults...)
	return t
}

// AddFaults adds faults after those that the tenant has. The new faults count attempts from now on.
func (t *Tenant) AddFaults(faults ...fault.Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.script.Add(faults...)
}
