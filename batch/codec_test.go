package batch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

func TestEncode(t *testing.T) {
	body, err := encode([]*item{
		newItem(Request{Method: "DELETE", URL: "/users/a_b.com%23EXT%23@t.example/x/1"}),
		newItem(Request{Method: "POST", URL: "/users/x/revokeSignInSessions", Body: json.RawMessage("{}")}),
		newItem(Request{Method: "GET", URL: "/users?$top=1&$select=id",
			Headers: map[string]string{"consistencylevel": "eventual"}}),
	}, map[string]string{"ConsistencyLevel": "session", "x-ms-throttle-priority": "low"})
	assert.OK(t, err)
	want := `{"requests":[` + `{"id":"1","method":"DELETE","url":"/users/a_b.com%23EXT%23@t.example/x/1",` +
		`"headers":{"ConsistencyLevel":"session","x-ms-throttle-priority":"low"}},` +
		`{"id":"2","method":"POST","url":"/users/x/revokeSignInSessions",` +
		`"headers":{"ConsistencyLevel":"session","Content-Type":"application/json",` +
		`"x-ms-throttle-priority":"low"},"body":{}},` +
		`{"id":"3","method":"GET","url":"/users?$top=1&$select=id",` +
		`"headers":{"consistencylevel":"eventual","x-ms-throttle-priority":"low"}}]}`
	assert.Equal(t, "encode", strings.TrimSpace(string(body)), want)
}

func TestRequestCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		req  Request
		ok   bool
	}{
		{"plain", Request{Method: "GET", URL: "/users"}, true},
		{"key form", Request{Method: "GET", URL: "/users('$x@contoso.com')"}, true},
		{"lower-case method", Request{Method: "get", URL: "/users"}, false},
		{"no method", Request{URL: "/users"}, false},
		{"absolute", Request{Method: "GET", URL: "https://graph.microsoft.com/v1.0/users"}, false},
		{"other host", Request{Method: "GET", URL: "//evil.example/users"}, false},
		{"no slash", Request{Method: "GET", URL: "users"}, false},
		{"space", Request{Method: "GET", URL: "/users/a b"}, false},
		{"fragment", Request{Method: "GET", URL: "/users/a#EXT#@b"}, false},
		{"not encoded", Request{Method: "GET", URL: "/users/é"}, false},
		{"nested", Request{Method: "POST", URL: "/$batch", Body: json.RawMessage(`{}`)}, false},
		{"broken body", Request{Method: "POST", URL: "/users", Body: json.RawMessage(`{`)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.req.check()
			assert.That(t, (err == nil) == tt.ok, "check() = %v, want ok %v", err, tt.ok)
		})
	}
}

// Graph, or a proxy in front of it, has sent each of these forms.
func TestDecode(t *testing.T) {
	ok := func(status int) answer { return answer{Response: Response{Status: status}} }
	none := answer{err: ErrNoResponse}
	for _, tt := range []struct {
		name      string
		responses string
		want      []answer
	}{
		{"any order", `{"id":"2","status":404},{"id":"1","status":204}`, []answer{ok(204), ok(404)}},
		{"body null, headers empty", `{"id":"1","status":204,"headers":{},"body":null},{"id":"2","status":204}`,
			[]answer{ok(204), ok(204)}},
		{"id a number", `{"id":1,"status":204},{"id":2,"status":204}`, []answer{ok(204), ok(204)}},
		{"status a text", `{"id":"1","status":"204"},{"id":"2","status":" 403 "}`, []answer{ok(204), ok(403)}},
		{"status missing", `{"id":"1"},{"id":"2","status":204}`, []answer{none, ok(204)}},
		{"status nonsense", `{"id":"1","status":102},{"id":"2","status":[]}`, []answer{none, none}},
		{"one missing", `{"id":"2","status":204}`, []answer{none, ok(204)}},
		{"doubled, equal", `{"id":"1","status":204},{"id":"1","status":204,"headers":{}},{"id":"2","status":204}`,
			[]answer{ok(204), ok(204)}},
		{"doubled, other status",
			`{"id":"1","status":204},{"id":"1","status":429},{"id":"1","status":204},{"id":"2","status":204}`,
			[]answer{none, ok(204)}},
		{"doubled, other body", `{"id":"1","status":200,"body":{"value":[{"id":"9f0c"}]}},` +
			`{"id":"1","status":200,"body":{"value":[]}},{"id":"2","status":204}`, []answer{none, ok(204)}},
		{"doubled, other header", `{"id":"1","status":429,"headers":{"Retry-After":"9"}},` +
			`{"id":"1","status":429},{"id":"2","status":204}`, []answer{none, ok(204)}},
		{"unknown ids", `{"id":"3","status":204},{"id":"0","status":204},{"id":"01","status":204},` +
			`{"id":"x","status":204},{"status":204}`,
			[]answer{none, none}},
		{"one response no object", `null,5,"x",[],{"id":"1","status":204}`, []answer{ok(204), none}},
		{"header a number", `{"id":"1","status":429,"headers":{"retry-after":7}},{"id":"2","status":204}`,
			[]answer{{Response: Response{Status: 429, Header: http.Header{"Retry-After": {"7"}}}}, ok(204)}},
		{"header an array", `{"id":"1","status":401,"headers":{"WWW-AUTHENTICATE":["a","b"]}},` +
			`{"id":"2","status":204,"headers":["x"]}`,
			[]answer{{Response: Response{Status: 401, Header: http.Header{"Www-Authenticate": {"a", "b"}}}}, ok(204)}},
		{"header odd", `{"id":"1","status":204,"headers":{"a":{},"b":null,"c":true}},` +
			`{"id":"2","status":204,"headers":"x"}`,
			[]answer{{Response: Response{Status: 204, Header: http.Header{}}}, ok(204)}},
		{"body text", `{"id":"1","status":200,"body":"aGVsbG8"},{"id":"2","status":204}`,
			[]answer{{Response: Response{Status: 200, Body: json.RawMessage(`"aGVsbG8"`)}}, ok(204)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkDecoded(t, `{"responses":[`+tt.responses+`]}`, tt.want)
		})
	}
}

// checkDecoded decodes the response to a batch of two.
func checkDecoded(t *testing.T, body string, want []answer) {
	t.Helper()
	got, err := decode([]byte(body), 2)
	assert.OK(t, err)
	for i := range got {
		assert.Is(t, fmt.Sprintf("answer %d: error", i+1), got[i].err, want[i].err)
		if got[i].err == nil {
			assert.Equal(t, fmt.Sprintf("answer %d", i+1), got[i].Response, want[i].Response)
		}
	}
}

// A byte order mark is skipped. Without responses, no request has an answer.
func TestDecodeOddBodies(t *testing.T) {
	none := answer{err: ErrNoResponse}
	for body, want := range map[string]answer{
		"\xef\xbb\xbf" + `{"responses":[{"id":"1","status":204},{"id":"2","status":204}]}`: {
			Response: Response{Status: 204}},
		`{}`:                 none,
		`{"responses":null}`: none,
	} {
		checkDecoded(t, body, []answer{want, want})
	}
}

func TestDecodeUnreadable(t *testing.T) {
	for _, body := range []string{
		"", "<html>", `[]`, `{"responses":5}`, `{"responses":[{"id":"1","sta`,
		`{"responses":[{"id":"1","status":204},<html>]}`,
	} {
		_, err := decode([]byte(body), 1)
		assert.Is(t, fmt.Sprintf("decode(%q)", body), err, ErrNoResponse)
	}
}

func TestNewStatusError(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		header     http.Header
		want       StatusError
	}{
		{"documented", `{"error":{"code":"accessDenied","message":"Request Authorization failed",` +
			`"innerError":{"date":"2026-03-02T08:30:01","request-id":"7f2d","client-request-id":"1"}}}`,
			nil, StatusError{Code: "accessDenied", Message: "Request Authorization failed", RequestID: "7f2d"}},
		{"header wins", `{"error":{"code":"a","innerError":{"request-id":"inner"}}}`,
			http.Header{"Request-Id": {"outer"}}, StatusError{Code: "a", RequestID: "outer"}},
		{"innerError odd", `{"error":{"code":"c","message":"m","innerError":"x"}}`, nil,
			StatusError{Code: "c", Message: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Status, tt.want.Header = 403, tt.header
			got := newStatusError(403, tt.header, []byte(tt.body))
			assert.Equal(t, "newStatusError", got, &tt.want)
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"responses":[{"id":"1","status":204,"headers":{"a":["b"]},"body":{"error":"x"}}]}`))
	f.Add([]byte(`{"responses":[{"id":1,"status":"429","headers":{"Retry-After":7},` +
		`"body":{"error":{"innerError":[]}}}]}`))
	f.Add([]byte(`{"responses":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		answers, err := decode(body, 3)
		if err != nil {
			assert.Is(t, "decode error", err, ErrNoResponse)
			return
		}
		assert.Same(t, "answers", len(answers), 3)
		for _, a := range answers {
			if a.err == nil {
				assert.That(t, a.Status >= 200, "status %d was taken", a.Status)
				assert.That(t, a.Status <= 599, "status %d was taken", a.Status)
			}
			_ = a.StatusError().Error()
		}
	})
}
