package graphsim

import (
	"slices"
	"time"

	"tapsweep/batch"
)

// Stats counts what a tenant has seen.
type Stats struct {
	Batches       int                        // batches that arrived, malformed ones included
	Sizes         [batch.MaxRequests + 1]int // well-formed batches, by the number of their requests
	MaxConcurrent int                        // the most batches that were under way at once
	Requests      int                        // requests that arrived, in batches and outside

	Accepted int // requests that every limit had room for
	Refused  int // requests that a limit refused with 429, alone or with their batch

	// SentTooEarly counts the requests that a limit saw although the client had been told
	// to wait when it sent them. Requests that crossed the answer with Retry-After do not
	// count. This is exact for PostBatch and RoundTrip. Over sockets it may miss a request.
	SentTooEarly int

	Deleted int // passes that were deleted by a request
	Revoked int // calls that revoke the sessions of a user and were carried out
	Lists   int // LISTs of a user's passes that were carried out
	Pages   int // pages of users and of members of groups that were read

	// LostWrites counts deletes of passes that shared a batch with an earlier write for the
	// same user: the tenant answers 204 and does nothing.
	LostWrites int

	// OverlappingWrites counts writes to the passes of a user that were sent while another
	// batch or direct request with a write for the same user was under way.
	OverlappingWrites int

	Faults         int // how often a fault happened
	Tokens         int // tokens that clients got
	TokensByClaims int // of them those for a claims challenge
	Unauthorized   int // HTTP requests that were refused because of their token
	Connections    int // connections to Servers
}

// MeanSize returns the mean size of the well-formed batches, or 0 if there are none.
func (s Stats) MeanSize() float64 {
	n, sum := 0, 0
	for size, count := range s.Sizes {
		n += count
		sum += size * count
	}
	return float64(sum) / float64(max(n, 1))
}

// Stats returns what the tenant has seen so far.
func (t *Tenant) Stats() Stats {
	issued := t.Entra.Issued()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Tokens, s.TokensByClaims = issued.Tokens, issued.ByClaimsRequest
	return s
}

// A LogEntry is one request as the tenant saw it.
type LogEntry struct {
	Time   time.Time // when the tenant dealt with it
	Batch  int       // the number of its batch, from 1; 0 outside a batch
	Method string
	Path   string // path and query as sent
	Status int    // the true answer, which a fault may have hidden from the client
	Done   bool   // it changed something in the tenant
}

// Log returns all requests in the order in which the tenant dealt with them. It is empty
// unless Options.Record is set.
func (t *Tenant) Log() []LogEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.log)
}
