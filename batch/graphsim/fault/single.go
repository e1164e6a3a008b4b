package fault

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// answered is an effect that answers with a status of its own.
func answered(name string, status int, change func(*single)) Effect {
	return Effect{name: name, single: func(s *single) {
		s.Status, s.Headers = status, map[string]string{"Content-Type": wire.JSONType}
		change(s)
	}}
}

// shaped is an effect on the form of the true response.
func shaped(name string, change func(*single)) Effect {
	return Effect{name: name, afterWork: true, single: change}
}

// ItemStatus answers with status and an error object. headers alternates names and
// values, such as "Retry-After", "0.249".
func ItemStatus(status int, headers ...string) Effect {
	return answered(fmt.Sprint("item ", status), status, func(s *single) {
		s.Body = errorBody(status, s.variety)
		s.Headers = wire.Headers(append([]string{"Content-Type", wire.JSONType}, headers...), s.variety.Turn(3))
	})
}

// ItemEmptyCode answers with status and an error object whose code is empty.
// Source: learn.microsoft.com/graph/json-batching (the sample).
func ItemEmptyCode(status int) Effect {
	return answered("item empty code", status, func(s *single) {
		s.Body = wire.NewError("", "", s.variety.NewID(), "")
	})
}

// ItemErrorText answers with status and an error that is a string, not an object.
func ItemErrorText(status int) Effect {
	e := ItemShaped(status, `{"error":"something went wrong"}`)
	e.name = "item error text"
	return e
}

// ItemErrorIn answers with status, usually one of success, and an error object of a 503.
func ItemErrorIn(status int) Effect {
	return answered(fmt.Sprint("item error in ", status), status, func(s *single) {
		s.Body = errorBody(503, s.variety)
	})
}

// ItemShaped answers with status and any JSON body.
func ItemShaped(status int, body string) Effect {
	return answered(fmt.Sprint("item shaped ", status), status, func(s *single) { s.Body = json.RawMessage(body) })
}

// ItemRetryAfterNumber answers 429 with a Retry-After that is a JSON number.
func ItemRetryAfterNumber(seconds float64) Effect {
	return answered("item Retry-After number", 429, func(s *single) {
		s.Body, s.Headers = errorBody(429, s.variety), map[string]float64{"Retry-After": seconds}
	})
}

// ItemHeaderArray answers 429 with header values that are arrays of strings.
func ItemHeaderArray(retryAfter ...string) Effect {
	return answered("item header array", 429, func(s *single) {
		s.Body = errorBody(429, s.variety)
		s.Headers = map[string][]string{"Content-Type": {wire.JSONType}, "Retry-After": retryAfter}
	})
}

// ItemMissing leaves the response out.
func ItemMissing() Effect { return shaped("item missing", func(s *single) { s.missing = true }) }

// ItemTwice sends the true response twice.
func ItemTwice() Effect {
	return shaped("item twice", func(s *single) { s.extra = []wire.Item{s.Item} })
}

// ItemTwiceAs sends the true response, and the same once more with another status.
func ItemTwiceAs(status int) Effect {
	return shaped(fmt.Sprint("item twice as ", status), func(s *single) {
		second := s.Item
		second.Status = status
		s.extra = []wire.Item{second}
	})
}

// ItemUnknownID adds a response with an id that the client did not send.
func ItemUnknownID(id string) Effect {
	return shaped("item unknown id", func(s *single) { s.extra = []wire.Item{{ID: id, Status: 204}} })
}

// ItemIDNumber sends the id as a JSON number if it is one.
func ItemIDNumber() Effect {
	return shaped("item id number", func(s *single) {
		if n, err := strconv.Atoi(fmt.Sprint(s.ID)); err == nil {
			s.ID = n
		}
	})
}

// ItemStatusText sends the status as a string.
func ItemStatusText() Effect {
	return shaped("item status text", func(s *single) { s.Status = fmt.Sprint(s.Status) })
}

// ItemNoStatus leaves the status out.
func ItemNoStatus() Effect { return shaped("item no status", func(s *single) { s.Status = nil }) }

// ItemNoHeaders leaves the headers out.
func ItemNoHeaders() Effect { return shaped("item no headers", func(s *single) { s.Headers = nil }) }

// ItemBody replaces the body with any JSON.
func ItemBody(body string) Effect {
	return shaped("item body", func(s *single) { s.Body = json.RawMessage(body) })
}

// ItemBase64 replaces the body with a string that holds base64 of something else.
// Source: microsoftgraph/msgraph-sdk-dotnet-core#22.
func ItemBase64() Effect {
	return ItemBody(`"` + base64.StdEncoding.EncodeToString([]byte("<html>not JSON</html>")) + `"`)
}

// ItemHuge replaces the body with a string of one megabyte.
func ItemHuge() Effect { return ItemBody(`"` + strings.Repeat("x", 1<<20) + `"`) }

// allEffects lists every effect once or in a few forms, for Random.
func allEffects() []Effect {
	all := []Effect{
		OuterHTML(200), OuterHTML(502), OuterAs(424), CutOff(), Truncated(),
		Spliced("<html>502 Bad Gateway</html>"), Reset(), Reset().AfterWork(), Hang(), Hang().AfterWork(),
		Slow(2 * time.Second), Delayed(5 * time.Second), OuterStatus(401),
		OuterStatus(401, "WWW-Authenticate", `Bearer error="insufficient_claims", claims="e30="`),
		OuterStatus(429), OuterStatus(429, "Retry-After", "3"), OuterStatus(503, "Retry-After", "2"),
		ItemStatus(401), ItemStatus(429), ItemStatus(429, "Retry-After", "0.249"), ItemStatus(429, "Retry-After", "2"),
		ItemStatus(429, "Retry-After", "soon"), ItemEmptyCode(500), ItemErrorText(500).AfterWork(),
		ItemErrorIn(200), ItemErrorIn(200).AfterWork(), OuterAs(207), OuterMark(), OuterHeaders("Retry-After", "1"),
		ItemRetryAfterNumber(1), ItemHeaderArray("1"), ItemMissing(), ItemTwice(), ItemTwiceAs(500),
		ItemUnknownID("zz"), ItemIDNumber(), ItemStatusText(), ItemNoStatus(), ItemNoHeaders(), ItemBody("null"),
		ItemBody(`"text"`), ItemBase64(), ItemHuge(),
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
