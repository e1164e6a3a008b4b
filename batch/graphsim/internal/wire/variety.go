package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"github.com/google/uuid"
)

// Variety makes what differs from answer to answer: ids, the order of responses, and
// the form of headers. The same seed makes the same answers. It is not safe for
// concurrent use.
type Variety struct {
	*rand.Rand
	turn uint64
}

// NewVariety returns a Variety with a seed.
func NewVariety(seed uint64) *Variety {
	return &Variety{Rand: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// NewID returns a random GUID.
func (v *Variety) NewID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], v.Uint64())
	binary.LittleEndian.PutUint64(b[8:], v.Uint64())
	return guid(b)
}

// Turn returns 0 to n-1 in turn, so that a client meets every form of an answer.
func (v *Variety) Turn(n int) int {
	v.turn++
	return int(v.turn % uint64(n))
}

// Headers returns the headers of a response in a batch in one of three forms, from 0.
// Names come in varying case. If there are no headers, the object is missing, empty, or
// holds one that means nothing. Source: learn.microsoft.com/graph/json-batching.
func Headers(pairs []string, form int) any {
	if len(pairs) == 0 {
		return [...]any{nil, map[string]string{}, map[string]string{"Cache-Control": "no-cache"}}[form]
	}
	rename := [...]func(string) string{strings.ToLower, strings.ToUpper, strings.Clone}[form]
	headers := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		headers[rename(pairs[i])] = pairs[i+1]
	}
	return headers
}

// GUID returns a GUID that is always the same for the same parts.
func GUID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return guid([16]byte(sum[:16]))
}

// guid makes a version 4 GUID.
func guid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}
