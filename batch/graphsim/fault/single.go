package fault

import (
	"encoding/json"
	"fmt"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// An Item is the response to one request in a batch. A field can be any value that can be
// marshalled. A nil field is left out.
type Item = wire.Item

// ItemChange changes the response to one request. Without AfterWork the response has only its ID.
func ItemChange(change func(*Item)) Effect {
	return Effect{name: "item change", single: func(s *single) { change(&s.Item) }}
}

// ItemStatus answers with status and an error object. headers alternates names and
// values, such as "Retry-After", "0.249".
func ItemStatus(status int, headers ...string) Effect {
	return Effect{name: fmt.Sprint("item ", status), single: func(s *single) {
		s.Status, s.Body = status, errorBody(status, s.variety)
		s.Headers = wire.Headers(append([]string{"Content-Type", wire.JSONType}, headers...), s.variety.Turn(3))
	}}
}

// ItemErrorIn answers with status and the error object of a 503. The status usually means success.
func ItemErrorIn(status int) Effect {
	return Effect{name: fmt.Sprint("item error in ", status), single: func(s *single) {
		s.Status, s.Body = status, errorBody(503, s.variety)
	}}
}

// ItemShaped answers with status and any JSON body.
func ItemShaped(status int, body string) Effect {
	return Effect{name: fmt.Sprint("item shaped ", status), single: func(s *single) {
		s.Status, s.Body = status, json.RawMessage(body)
	}}
}

// ItemBody replaces the body of the true response with any JSON.
func ItemBody(body string) Effect {
	return ItemChange(func(r *Item) { r.Body = json.RawMessage(body) }).AfterWork()
}

// ItemMissing leaves out the response.
func ItemMissing() Effect {
	return Effect{name: "item missing", afterWork: true, single: func(s *single) { s.missing = true }}
}

// ItemTwiceAs sends the true response, and then the same response with another status.
func ItemTwiceAs(status int) Effect {
	return Effect{name: fmt.Sprint("item twice as ", status), afterWork: true, single: func(s *single) {
		second := s.Item
		second.Status = status
		s.extra = []wire.Item{second}
	}}
}

// ItemUnknownID adds a response with an id that the client did not send.
func ItemUnknownID(id string) Effect {
	return Effect{name: "item unknown id", afterWork: true, single: func(s *single) {
		s.extra = []wire.Item{{ID: id, Status: 204}}
	}}
}

// allEffects returns every effect in one or more forms, for Random.
func allEffects() []Effect {
	all := []Effect{
		OuterHTML(200), OuterHTML(502), OuterAs(424), OuterAs(207), OuterMark(), OuterHeaders("Retry-After", "1"),
		CutOff(), Truncated(), Spliced("<html>502 Bad Gateway</html>"), Reset(), Reset().AfterWork(), Hang(),
		Hang().AfterWork(), Delayed(5 * time.Second), OuterStatus(401), OuterStatus(429),
		OuterStatus(401, "WWW-Authenticate", `Bearer error="insufficient_claims", claims="e30="`),
		OuterStatus(429, "Retry-After", "3"), OuterStatus(503, "Retry-After", "2"),
		ItemStatus(401), ItemStatus(429), ItemStatus(429, "Retry-After", "0.249"), ItemStatus(429, "Retry-After", "2"),
		ItemStatus(429, "Retry-After", "soon"), ItemShaped(500, `{"error":"something went wrong"}`).AfterWork(),
		ItemErrorIn(200), ItemErrorIn(200).AfterWork(), ItemMissing(), ItemTwiceAs(204), ItemTwiceAs(500),
		ItemUnknownID("zz"), ItemBody("null"), ItemBody(`"text"`),
		ItemChange(func(r *Item) { r.Status = fmt.Sprint(r.Status) }).AfterWork(),
		ItemChange(func(r *Item) { r.Status, r.Headers = nil, nil }).AfterWork(),
	}
	for _, status := range []int{400, 403, 413, 500, 502, 503, 504} {
		all = append(all, OuterStatus(status))
	}
	for _, status := range []int{500, 502, 503, 504} {
		all = append(all, OuterStatus(status).AfterWork())
	}
	for _, status := range []int{400, 403, 408, 409, 423, 424, 500, 502, 503, 504} {
		all = append(all, ItemStatus(status))
	}
	for _, status := range []int{408, 424, 500, 503, 504, 507} {
		all = append(all, ItemStatus(status).AfterWork())
	}
	return all
}
