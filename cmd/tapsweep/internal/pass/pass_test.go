package pass

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/testdata/assert"
)

func answer(status int, body string) batch.Result {
	return batch.Result{Response: batch.Response{Status: status, Body: []byte(body)}}
}

func TestReason(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	hour := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour) }
	for _, tt := range []struct {
		name string
		pass Pass
		want Reason
	}{
		{"usable", Pass{usability: "EnabledByPolicy", Start: hour(-1), Lifetime: 2 * time.Hour}, Usable},
		{"disabled", Pass{usability: "DisabledByPolicy", Start: hour(-9), Lifetime: time.Hour}, Disabled},
		{"scheduled", Pass{usability: "NotYetValid", Start: hour(9)}, Scheduled},
		{"expired", Pass{usability: "Expired", Start: hour(-9), Lifetime: time.Hour}, Expired},
		{"expired, without dates", Pass{usability: "Expired"}, Expired},
		{"used", Pass{usability: "OneTimeUsed", Start: hour(-1), Lifetime: 2 * time.Hour}, Used},
		{"in another case", Pass{usability: "oneTimeUsed"}, Used},
		// A replica that lags behind may say expired.
		{"expired, and it is not", Pass{usability: "Expired", Start: hour(-1), Lifetime: 2 * time.Hour}, Unknown},
		{"expired, give or take", Pass{usability: "Expired", Start: hour(-1), Lifetime: time.Hour + time.Minute},
			Expired},
		{"nothing said, past its end", Pass{Start: hour(-2), Lifetime: time.Hour}, Expired},
		{"nothing said, at its end", Pass{Start: hour(-1), Lifetime: time.Hour}, Unknown},
		{"nothing said, four minutes past its end",
			Pass{Start: now.Add(-64 * time.Minute), Lifetime: time.Hour}, Unknown},
		{"nothing said, in its time", Pass{Start: hour(-1), Lifetime: 2 * time.Hour}, Unknown},
		{"nothing said, before its time", Pass{Start: hour(2), Lifetime: time.Hour}, Scheduled},
		{"nothing said, no dates", Pass{}, Unknown},
		{"a new word, past its end", Pass{usability: "Suspended", Start: hour(-2), Lifetime: time.Hour}, Expired},
		{"a new word, in its time", Pass{usability: "Suspended", Start: hour(-1), Lifetime: 2 * time.Hour}, Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Same(t, "Reason", tt.pass.Reason(now), tt.want)
		})
	}
}

func TestRead(t *testing.T) {
	const id = "b7e0c9a2-6d15-4a77-8f0e-31c5d2f4a6aa"
	full := `{"value":[{"id":"` + id + `","temporaryAccessPass":null,"lifetimeInMinutes":60,"isUsableOnce":true,` +
		`"createdDateTime":"2026-03-02T08:11:40.1234567Z","startDateTime":"2026-03-02T08:11:40Z",` +
		`"isUsable":false,"methodUsabilityReason":"OneTimeUsed"}]}`
	nulls := `{"value":[{"id":"` + id + `","createdDateTime":null,"startDateTime":"soon",` +
		`"lifetimeInMinutes":null,"methodUsabilityReason":null}]}`
	for _, tt := range []struct {
		name string
		res  batch.Result
		n    int
		ok   bool
	}{
		{"one", answer(200, full), 1, true},
		{"none", answer(200, `{"value":[]}`), 0, true},
		{"nulls", answer(200, nulls), 1, true},
		{"not there", answer(404, `{}`), 0, false},
		{"another success", answer(206, full), 0, false},
		{"no answer", batch.Result{Err: batch.ErrNoResponse}, 0, false},
		{"no list", answer(200, `"text"`), 0, false},
		{"no value", answer(200, `{}`), 0, false},
		{"no id", answer(200, `{"value":[{}]}`), 0, false},
		// An id goes into the path of a write.
		{"an id that is a path", answer(200, `{"value":[{"id":"../../authentication/phoneMethods/1"}]}`), 0, false},
		{"an id that is two dots", answer(200, `{"value":[{"id":".."}]}`), 0, false},
		{"more pages", answer(200, `{"value":[],"@odata.nextLink":"x"}`), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(tt.res)
			assert.That(t, (err == nil) == tt.ok, "Read = %v, want success: %v", err, tt.ok)
			assert.Same(t, "passes", len(got), tt.n)
		})
	}
	_, err := Read(answer(202, `{"value":[{"id":"`+id+`","temporaryAccessPass":"Xk7#pQ2m"}]}`))
	assert.Lacks(t, "the error about an odd status", fmt.Sprint(err), "Xk7#pQ2m")
	_, err = Read(answer(200, `{"value":[{"id":7}]}`))
	assert.Says(t, "Read of an ID that is a number", err,
		"the list of passes cannot be read: value.id has an unexpected type (number)")
	held, _ := Read(answer(200, full))
	p := held[0]
	assert.That(t, p.Expires().Equal(time.Date(2026, 3, 2, 9, 11, 40, 0, time.UTC)),
		"the pass expires at %v, want %v", p.Expires(), time.Date(2026, 3, 2, 9, 11, 40, 0, time.UTC))
	assert.That(t, p.UsableOnce, "UsableOnce = false")
	assert.That(t, p.Created.Nanosecond() == 123456700, "the pass was created at %v, want %d ns", p.Created, 123456700)
	assert.That(t, Find(held, pass) == nil, "Find returns a pass with another id")
	assert.That(t, Find(held, strings.ToUpper(id)) != nil, "Find does not ignore case")
}

// A guest's "#", a quote and a leading "$" are escaped.
func TestURLs(t *testing.T) {
	for _, tt := range []struct{ user, want string }{
		{"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "/users/5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"},
		{"dana@contoso.com", "/users/dana@contoso.com"},
		{"a_b.com#EXT#@t.onmicrosoft.com", "/users/a_b.com%23EXT%23@t.onmicrosoft.com"},
		{"o'neil@contoso.com", "/users/o%27neil@contoso.com"},
		{"$x@contoso.com", "/users('$x@contoso.com')"},
		{"$o'x@contoso.com", "/users('$o%27%27x@contoso.com')"},
	} {
		want := tt.want + "/authentication/temporaryAccessPassMethods/" + pass
		assert.Same(t, fmt.Sprintf("PassURL(%q)", tt.user), PassURL(tt.user, pass), want)
	}
}
