package graphsim

import (
	"slices"
	"time"

	"tapsweep/batch"
)

// Stats counts what a tenant has seen.
type Stats struct {
	Batches  int // $batch posts that arrived, malformed ones included
	Requests int // individual requests that arrived, inside batches and outside

	Accepted int // requests that every Limit had room for
	Refused  int // requests a Limit refused with 429, alone or with their batch

	// Early counts the requests a Limit saw in a batch (or direct request) that was
	// sent before the end of a wait the client had been told of. Requests already
	// under way when the answer with Retry-After was delivered are excused. Exact
	// for PostBatch and RoundTrip; over sockets a request may be excused that
	// crossed the answer on the wire.
	Early int

	Deleted int // passes that were deleted
	Lists   int // LISTs of a user's passes that were carried out
	Pages   int // pages of users and of members of groups that were read

	// LostWrites counts writes to the authentication methods of a user that
	// shared a batch with another such write: answered 204, never carried out.
	LostWrites int

	// OverlappingWrites counts such writes that were sent while another batch or
	// direct request with a write for the same user was under way.
	OverlappingWrites int

	// Sizes counts the well-formed batches by how many requests they held.
	Sizes [batch.MaxRequests + 1]int

	MaxConcurrent  int // most batches under way at once
	Faults         int // times a Fault did something
	Tokens         int // tokens issued
	TokensByClaims int // of them those that a claims challenge had asked for
	Unauthorized   int // HTTP requests refused for their token
	Connections    int // connections to Servers
}

// MeanSize is the mean size of the well-formed batches, 0 without one.
func (s Stats) MeanSize() float64 {
	n, sum := 0, 0
	for size, count := range s.Sizes {
		n += count
		sum += size * count
	}
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// Stats tells what the tenant has seen so far.
func (t *Tenant) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// An Entry is one individual request as the tenant saw it.
type Entry struct {
	Time   time.Time // when it was dealt with
	Batch  int       // which batch it came in, counted from 1; 0 outside a batch
	Method string
	Path   string // path and query as sent
	Status int    // the true answer, which a Fault may have hidden from the client
	Done   bool   // it changed something in the tenant
}

// Log tells every individual request in the order in which they were dealt with.
// It is empty unless Options.Record is set.
func (t *Tenant) Log() []Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.log)
}
