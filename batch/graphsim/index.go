package graphsim

import "strings"

// index finds users by object id and by user principal name, without case. It is
// an open-addressing table of positions: a map with texts for keys would take more
// memory than the users do. An entry for a name that its user has no more stays
// where it is and matches nothing.
type index struct {
	slots []uint32 // 1 more than a position in order; 0 is free
	used  int
}

// find gives the position of the user with that id or name, or -1.
func (x *index) find(order []*user, name string) int {
	if len(x.slots) == 0 {
		return -1
	}
	key := strings.ToLower(name)
	for at := x.slot(key); x.slots[at] != 0; at = (at + 1) % len(x.slots) {
		pos := int(x.slots[at]) - 1
		if u := order[pos]; strings.ToLower(u.ID) == key || strings.ToLower(u.UPN) == key {
			return pos
		}
	}
	return -1
}

// add enters a user's position under a name. There must be room; see reserve.
func (x *index) add(pos int, name string) {
	at := x.slot(strings.ToLower(name))
	for x.slots[at] != 0 {
		at = (at + 1) % len(x.slots)
	}
	x.slots[at] = uint32(pos) + 1
	x.used++
}

// reserve makes room for n more entries, so that at most three quarters are in use.
func (x *index) reserve(order []*user, n int) {
	size := max(len(x.slots), 64)
	for (x.used+n)*4 > size*3 {
		size *= 2
	}
	if size == len(x.slots) {
		return
	}
	*x = index{slots: make([]uint32, size)}
	for pos, u := range order {
		x.add(pos, u.ID)
		x.add(pos, u.UPN)
	}
}

// slot is where the search for a key begins: FNV-1a, the same in every process, so
// that a seed always makes the same run.
func (x *index) slot(key string) int {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return int((h ^ h>>32) % uint64(len(x.slots)))
}
