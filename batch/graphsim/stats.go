package graphsim

import (
	"slices"
	"time"

	"tapsweep/batch"
)

// Stats counts what a tenant has seen.
type Stats struct {
	Batches       int                        // batches that arrived, including malformed ones
	Sizes         [batch.MaxRequests + 1]int // the number of well-formed batches, by their number of requests
	MaxConcurrent int                        // the maximum number of batches under way at once
	Requests      int                        // requests that arrived, inside and outside batches

	Refused int // requests that a limit refused with 429, alone or with their batch

	// SentTooEarly counts the requests that the client sent during a wait that it knew of.
	// A request that was under way when the answer with Retry-After arrived does not count.
	// The number is exact for PostBatch and RoundTrip. Over sockets it may be too low.
	SentTooEarly int

	Deleted int // passes that were deleted by a request
	Revoked int // completed calls that revoke the sessions of a user
	Lists   int // completed LISTs of a user's passes

	// LostWrites counts deletes of passes that shared a batch with an earlier write for the
	// same user: the tenant answers 204 and does nothing.
	LostWrites int

	// OverlappingWrites counts writes to the passes of a user that were sent while another
	// batch or direct request with a write for the same user was under way.
	OverlappingWrites int

	Faults         int // faults that happened
	Tokens         int // tokens that clients got
	TokensByClaims int // those of Tokens that answered a claims challenge
	Unauthorized   int // HTTP requests that were refused because of their token
	Connections    int // connections to Servers
}

// Stats returns what the tenant has seen so far.
func (t *Tenant) Stats() Stats {
	tokens, byClaims := t.Entra.Issued()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Tokens, s.TokensByClaims = tokens, byClaims
	return s
}

// A LogEntry is one request as the tenant saw it.
type LogEntry struct {
	Time   time.Time // when the tenant handled it
	Batch  int       // the number of its batch, from 1; 0 outside a batch
	Method string
	Path   string // path and query, as sent
	Done   bool   // the request changed something in the tenant
}

// Log returns all requests in the order in which the tenant handled them. It is empty
// unless Options.Record is set.
func (t *Tenant) Log() []LogEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.log)
}
