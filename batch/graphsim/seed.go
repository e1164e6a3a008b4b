package graphsim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Populate adds n users with one usable pass each and returns them. Their names go
// on from user0001@contoso.example; their ids follow from the names.
func (t *Tenant) Populate(n int) []User {
	now := time.Now().UTC()
	t.mu.Lock()
	defer t.mu.Unlock()
	made := make([]User, n)
	t.order = slices.Grow(t.order, n)
	passes := make([]Pass, n)
	for i := range made {
		t.populated++
		upn := fmt.Sprintf("user%04d@contoso.example", t.populated)
		u := User{ID: guidOf("user", upn), UPN: upn}
		passes[i].fill(u.ID, 0, now)
		u.Passes = passes[i : i+1 : i+1]
		t.add(u)
		u.Passes = slices.Clone(u.Passes)
		made[i] = u
	}
	return made
}

// SeedPair puts the user and the pass of one line of a list into the tenant, so
// that a list can be rehearsed before it meets a real one. How the name of the
// user starts decides what the rehearsal will meet:
//
//	admin…     a privileged user: reading and deleting passes is refused with 403
//	gone…      no such user
//	replaced…  a user who holds another pass than the one named
//	nopass…    a user without a pass
//
// Everybody else holds the pass. Without a method the user holds one with an
// invented id, and replaced… means nothing. A user given as a GUID always holds
// the pass. Repeating a pair changes nothing.
func (t *Tenant) SeedPair(userName, method string) {
	local, _, isName := strings.Cut(strings.ToLower(userName), "@")
	u := User{UPN: userName, ID: guidOf("user", strings.ToLower(userName))}
	if !isName {
		local, u.ID = "", userName
		u.UPN = userName + "@contoso.example"
	}
	if strings.HasPrefix(local, "gone") {
		return
	}
	u.Privileged = strings.HasPrefix(local, "admin")

	t.mu.Lock()
	defer t.mu.Unlock()
	have := t.users[strings.ToLower(userName)]
	if have == nil {
		have = t.add(u)
	}
	switch {
	case strings.HasPrefix(local, "nopass"):
		return
	case method == "" && len(have.Passes) > 0:
		return
	case method == "":
		method = guidOf("pass", have.ID, "0")
	case strings.HasPrefix(local, "replaced"):
		method = guidOf("instead of", strings.ToLower(method))
	}
	if have.pass(method) >= 0 {
		return
	}
	p := Pass{ID: method}
	p.fill(have.ID, 0, time.Now().UTC())
	have.Passes = append(have.Passes, p)
}

// guidOf makes a version 4 GUID that always is the same for the same parts.
func guidOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return string(appendGUID(nil, [16]byte(sum[:16])))
}

func appendGUID(dst []byte, b [16]byte) []byte {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	for i, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
