package batch

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// For every form in which a service or a gateway reports an error, the message has its text.
// Only an error object of Graph or OData has a code.
func TestStatusErrorShapes(t *testing.T) {
	page := `<!DOCTYPE html><html><head><title>403 Forbidden</title><style>p{color:red}</style></head>` +
		`<body><script>var x="<b>";</script><h1>Access  denied</h1><p>by policy&nbsp;7 &amp; 8</p></body></html>`
	for _, tt := range []struct{ name, body, code, message string }{
		{"Graph", `{"error":{"code":"accessDenied","message":"no"}}`, "accessDenied", "no"},
		{"Graph after a byte order mark", "\xef\xbb\xbf" + `{"error":{"code":"accessDenied","message":"no"}}`,
			"accessDenied", "no"},
		{"OData v3", `{"odata.error":{"code":"Request_BadRequest","message":{"lang":"en","value":"Invalid value."}}}`,
			"Request_BadRequest", "Invalid value."},
		{"OData v3, message a text", `{"odata.error":{"code":"c","message":"Invalid value."}}`, "c", "Invalid value."},
		{"Graph with OData's message",
			`{"error":{"code":"c","message":{"lang":"en","value":"Invalid value."}}}`, "c", "Invalid value."},
		{"plain message", `{"message":"Forbidden"}`, "", "Forbidden"},
		{"plain message with a capital", `{"Message":"Authorization has been denied."}`, "",
			"Authorization has been denied."},
		{"API Management", `{"statusCode":403,"message":"Access denied due to missing subscription key."}`, "",
			"Access denied due to missing subscription key."},
		{"problem+json",
			`{"type":"about:blank","title":"Forbidden","status":403,"detail":"This address is not allowed."}`,
			"", "Forbidden: This address is not allowed."},
		{"problem+json, title only", `{"title":"Forbidden","status":403}`, "", "Forbidden"},
		{"problem+json, detail only", `{"detail":"This address is not allowed."}`, "", "This address is not allowed."},
		{"OAuth", `{"error":"invalid_grant","error_description":"AADSTS53003: blocked"}`, "",
			"invalid_grant: AADSTS53003: blocked"},
		{"OAuth, description only", `{"error_description":"AADSTS53003: blocked"}`, "", "AADSTS53003: blocked"},
		{"error null", `{"error":null,"message":"no"}`, "", "no"},
		{"other JSON", `{"reason":"blocked","rule":7}`, "", `{"reason":"blocked","rule":7}`},
		{"empty object", `{}`, "", ""},
		{"empty code", `{"error":{"code":"","message":"m"}}`, "", "m"},
		{"empty message", `{"error":{"code":"UnknownError","message":""}}`, "UnknownError", ""},
		{"code a number", `{"error":{"code":5,"message":["x"]}}`, "5", ""},
		{"error a text", `{"error":"denied"}`, "", "denied"},
		{"nothing", ``, "", ""},
		{"null", `null`, "", ""},
		{"JSON text", `"no entry"`, "", "no entry"},
		{"JSON text in base64", `"` + base64.StdEncoding.EncodeToString([]byte(page)) + `"`, "",
			"403 Forbidden: Access denied by policy 7 & 8"},
		{"HTML", page, "", "403 Forbidden: Access denied by policy 7 & 8"},
		{"HTML, title and text the same",
			`<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>`, "", "Bad Gateway"},
		{"HTML that is cut off", `<html><body>Blocked by <a href="https://x`, "", "Blocked by"},
		{"XML", `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`, "",
			"AccessDenied no"},
		{"text", "upstream connect error\r\nor disconnect", "", "upstream connect error or disconnect"},
		{"broken JSON", `{"error":`, "", `{"error":`},
		{"long text", strings.Repeat("é", 400), "", strings.Repeat("é", 150) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newStatusError(403, http.Header{}, []byte(tt.body))
			assert.Same(t, "Code", got.Code, tt.code)
			assert.Same(t, "Message", got.Message, tt.message)
		})
	}
}

// Only the beginning of a large body is processed.
func TestStatusErrorIsBounded(t *testing.T) {
	for _, body := range []string{strings.Repeat("<p>x", 1<<20), strings.Repeat("x ", 1<<20)} {
		n := len(newStatusError(403, nil, []byte(body)).Message)
		assert.That(t, n <= maxWords+len("…"), "a message of %d bytes, want at most %d", n, maxWords)
	}
}

// An answer with any success status is a batch response if it contains responses.
func TestNewReply(t *testing.T) {
	good, none := `{"responses":[{"id":"1","status":204}]}`, `{"error":{"code":"c"}}`
	for _, tt := range []struct {
		name   string
		status int
		body   string
		ok     bool
	}{
		{"200", 200, good, true},
		{"200, whatever is in it", 200, none, true},
		{"424 of old", 424, good, true},
		{"201", 201, good, true},
		{"203", 203, good, true},
		{"207", 207, good, true},
		{"207 after a byte order mark", 207, "\xef\xbb\xbf" + good, true},
		{"207 without responses", 207, none, false},
		{"202 without a body", 202, "", false},
		{"204", 204, "", false},
		{"302 with responses", 302, good, false},
		{"400 with responses", 400, good, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply, err := NewReply(tt.status, http.Header{"A": {"b"}}, []byte(tt.body))
			assert.That(t, (err == nil) == tt.ok, "NewReply(%d) = %v, want a reply %v", tt.status, err, tt.ok)
			if tt.ok {
				assert.Same(t, "body", string(reply.Body), tt.body)
				assert.Same(t, "header", reply.Header.Get("A"), "b")
			}
		})
	}
}

func FuzzStatusError(f *testing.F) {
	for _, body := range []string{`{"error":{"code":"c","message":{"value":"m"}}}`, `{"title":"t"}`,
		"<title>a</title>b", `"aGVsbG8gd29ybGQ="`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = newStatusError(403, nil, body).Error()
	})
}
