package graphsim

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// A Fault makes something go wrong. Its fields narrow down when; left at zero they
// narrow nothing. An Effect on whole batches happens if one request in the batch
// matches, and it happens to direct requests as well.
type Fault struct {
	Method string                        // the verb
	Path   string                        // part of the path and query, as sent
	Match  func(method, url string) bool // must not use the tenant

	// Attempt is which arrival of the same method and URL is meant, counted from
	// 1 and including those that a Limit refuses.
	Attempt int

	// Batch is which batch is meant, counted from 1 in the order of sending.
	Batch int

	// Times is how often the fault happens at most. An Effect on a single request
	// does not happen to, and is not used up by, a request that a Limit refuses.
	Times int

	Do Effect
}

// An Effect is what goes wrong. Make one with the functions of this package.
type Effect struct {
	name     string
	after    bool // the work is done before it goes wrong
	status   int  // of a single answer, for dependants; 0 leaves it
	whole    func(*Tenant, *wire)
	item     func(*Tenant, *reply)
	roulette *roulette
}

// AfterWork has the requests carried out before the effect hides it.
func (e Effect) AfterWork() Effect {
	e.after = true
	e.name += " after work"
	return e
}

// String names the effect for test output.
func (e Effect) String() string { return e.name }

// armed is a Fault and how often it has happened.
type armed struct {
	Fault
	used int
}

func (t *Tenant) arm(faults []Fault) {
	for _, f := range faults {
		t.faults = append(t.faults, &armed{Fault: f})
		if f.Attempt > 0 && t.attempts == nil {
			t.attempts = make(map[string]int)
		}
	}
}

// AddFaults adds faults behind those that are there, counting from now on.
func (t *Tenant) AddFaults(faults ...Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arm(faults)
}

func (t *Tenant) countAttempts(f *flight) {
	if t.attempts == nil {
		return
	}
	for i := range f.calls {
		c := &f.calls[i]
		key := c.method + " " + c.url
		t.attempts[key]++
		c.attempt = t.attempts[key]
	}
}

func (a *armed) spent() bool { return a.Times > 0 && a.used >= a.Times }

func (a *armed) narrow() bool {
	return a.Method != "" || a.Path != "" || a.Match != nil || a.Attempt > 0
}

func (a *armed) matches(c *call) bool {
	return (a.Method == "" || a.Method == c.method) &&
		(a.Path == "" || strings.Contains(c.url, a.Path)) &&
		(a.Attempt == 0 || a.Attempt == c.attempt) &&
		(a.Batch == 0 || a.Batch == c.batch) &&
		(a.Match == nil || a.Match(c.method, c.url))
}

// wholeFault finds the fault that happens to a flight as a whole.
func (t *Tenant) wholeFault(f *flight) *Effect {
	for _, a := range t.faults {
		if a.Do.whole == nil && a.Do.roulette == nil || a.spent() {
			continue
		}
		hit := !a.narrow() && (a.Batch == 0 || a.Batch == f.batch)
		for i := range f.calls {
			hit = hit || a.matches(&f.calls[i])
		}
		if !hit {
			continue
		}
		e := &a.Do
		if e.roulette != nil {
			if e = e.roulette.spin(e.roulette.wholes); e == nil {
				continue
			}
		}
		a.used++
		return e
	}
	return nil
}

// itemFault finds the fault that happens to a single request.
func (t *Tenant) itemFault(c *call) *Effect {
	for _, a := range t.faults {
		if a.Do.item == nil && a.Do.roulette == nil || a.spent() || !a.matches(c) {
			continue
		}
		e := &a.Do
		if e.roulette != nil {
			if e = e.roulette.spin(e.roulette.items); e == nil {
				continue
			}
		}
		a.used++
		return e
	}
	return nil
}

// roulette draws effects.
type roulette struct {
	mu            sync.Mutex
	rng           *rand.Rand
	share         float64
	wholes, items []Effect
}

func (r *roulette) spin(from []Effect) *Effect {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(from) == 0 || r.rng.Float64() >= r.share {
		return nil
	}
	return &from[r.rng.IntN(len(from))]
}

// RandomFaults has the given share, from 0 to 1, of all batches and the same share
// of all requests in the others go wrong, in one of the ways given or, without
// any, in any of those that there are. A client needs a timeout to survive Hang. The same
// seed and the same order of arrival make the same faults.
func RandomFaults(seed uint64, share float64, among ...Effect) []Fault {
	if len(among) == 0 {
		among = allEffects()
	}
	r := &roulette{rng: rand.New(rand.NewPCG(seed, seed+1)), share: share}
	for _, e := range among {
		if e.whole != nil {
			r.wholes = append(r.wholes, e)
		} else {
			r.items = append(r.items, e)
		}
	}
	return []Fault{{Do: Effect{name: "random", roulette: r}}}
}

// reply is one response of a batch in raw JSON, so that it can be wrong in any way.
// An empty member is left out.
type reply struct {
	id, status, headers, body string

	missing bool
	more    []reply // further responses
}

func (t *Tenant) replyFor(id json.RawMessage, a *answer) reply {
	t.nonce++
	return reply{
		id: string(id), status: strconv.Itoa(a.status), body: string(a.body),
		headers: string(appendHeaders(nil, a, t.nonce)),
	}
}

// appendTo appends the response to id as the effect has it.
func (e *Effect) appendTo(t *Tenant, b []byte, first bool, id json.RawMessage, a *answer) []byte {
	r := t.replyFor(id, a)
	e.item(t, &r)
	all := append([]reply{r}, r.more...)
	if r.missing {
		all = r.more
	}
	for _, r := range all {
		if !first {
			b = append(b, ',')
		}
		first = false
		sep := byte('{')
		for _, m := range [...][2]string{{"id", r.id}, {"status", r.status}, {"headers", r.headers}, {"body", r.body}} {
			if m[1] == "" {
				continue
			}
			b = append(b, sep, '"')
			b = append(b, m[0]...)
			b = append(b, '"', ':')
			b = append(b, m[1]...)
			sep = ','
		}
		if sep == '{' {
			b = append(b, '{')
		}
		b = append(b, '}')
	}
	return b
}

// outside is what a direct request sees of an effect on single answers: status,
// headers and body as far as HTTP has them, and a reset for an answer that is missing.
func (e *Effect) outside(t *Tenant, a answer) wire {
	r := t.replyFor(nil, &a)
	e.item(t, &r)
	if r.missing {
		return wire{err: errReset}
	}
	status, err := strconv.Atoi(strings.Trim(r.status, `"`))
	if err != nil {
		status = max(a.status, http.StatusOK)
	}
	w := t.outer(jsonAnswer(status, []byte(r.body)))
	var header map[string]any
	_ = json.Unmarshal([]byte(r.headers), &header) // what cannot be read is not sent
	for name, value := range header {
		switch value := value.(type) {
		case string:
			w.header.Set(name, value)
		case float64:
			w.header.Set(name, strconv.FormatFloat(value, 'f', -1, 64))
		}
	}
	return w
}
