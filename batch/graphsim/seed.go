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
	t.names.reserve(t.order, 2*n)
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
	have := t.find(userName)
	if have == nil {
		have = t.add(u)
	}
	switch {
	case strings.HasPrefix(local, "nopass"):
		return
	case method == "" && len(have.passes()) > 0:
		return
	case method == "":
		method = guidOf("pass", have.ID, "0")
	case strings.HasPrefix(local, "replaced"):
		method = guidOf("instead of", strings.ToLower(method))
	}
	if have.pass(method) >= 0 {
		return
	}
	p := Pass{ID: method, CreatedBy: t.opts.SeededBy}
	p.fill(have.ID, 0, time.Now().UTC())
	have.hold().passes = append(have.held.passes, p)
	t.auditMade(have, &p)
}

// Fill adds n users, made by each from 0 on, as AddUser does, for tenants of a size
// that real ones have: a user without a pass takes some 150 bytes, and each is
// asked for one at a time. It must not use the tenant. No user may have an id or a
// name that is taken; Fill does not look.
func (t *Tenant) Fill(n int, each func(i int) User) {
	now := time.Now().UTC()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.order = slices.Grow(t.order, n)
	t.names.reserve(t.order, 2*n)
	const together = 256 // users in one allocation, ids and names in another
	var users []user
	departments := map[string]string{}
	for i := 0; i < n; i += len(users) {
		users = make([]user, min(together, n-i))
		var text strings.Builder
		for j := range users {
			in := each(i + j)
			in.Passes = slices.Clone(in.Passes)
			in.fill(now)
			if _, known := departments[in.Department]; !known {
				departments[in.Department] = strings.Clone(in.Department)
			}
			in.Department = departments[in.Department]
			users[j].set(in)
			text.WriteString(in.ID)
			text.WriteString(in.UPN)
		}
		all := strings.Clone(text.String())
		for j := range users {
			u := &users[j]
			u.ID, all = all[:len(u.ID)], all[len(u.ID):]
			u.UPN, all = all[:len(u.UPN)], all[len(u.UPN):]
			t.enter(u)
			t.auditPasses(u)
		}
	}
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
