package batch

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// For every form in which a service or a gateway reports an error, the message has its text.
// Only an error object of Graph or OData has a code.
func TestStatusErrorShapes(t *testing.T) {
	page := `<!DOCTYPE html><html><head><title>403 Forbidden</title><style>p{color:red}</style></head>` +
		`<body><script>var x="<b>";</script><h1>Access  denied</h1><p>by policy&nbsp;7 &amp; 8</p></body></html>`
	tests := []struct{ name, body, code, message string }{
		{"Graph", `{"error":{"code":"accessDenied","message":"no"}}`, "accessDenied", "no"},
		{"Graph after a byte order mark", "\xef\xbb\xbf" + `{"error":{"code":"accessDenied","message":"no"}}`,
			"accessDenied", "no"},
		{"another object", `{"message":"Forbidden","rule":7}`, "", `{"message":"Forbidden","rule":7}`},
		{"JSON text", `"no entry"`, "", "no entry"},
		{"JSON text in base64", `"` + base64.StdEncoding.EncodeToString([]byte(page)) + `"`, "",
			"403 Forbidden Access denied by policy 7 & 8"},
		{"HTML", page, "", "403 Forbidden Access denied by policy 7 & 8"},
		{"HTML that is cut off", `<html><body>Blocked by <a href="https://x`, "", "Blocked by"},
		{"XML", `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`, "",
			"AccessDenied no"},
		{"text", "upstream connect error\r\nor disconnect", "", "upstream connect error or disconnect"},
		{"broken JSON", `{"error":`, "", `{"error":`},
		{"long text", strings.Repeat("é", 400), "", strings.Repeat("é", 150) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newStatusError(403, http.Header{}, []byte(tt.body))
			if got.Code != tt.code {
				t.Errorf("Code = %q, want %q", got.Code, tt.code)
			}
			if got.Message != tt.message {
				t.Errorf("Message = %q, want %q", got.Message, tt.message)
			}
		})
	}
}

// Only the beginning of a large body is processed.
func TestStatusErrorIsBounded(t *testing.T) {
	for _, body := range []string{strings.Repeat("<p>x", 1<<20), strings.Repeat("x ", 1<<20)} {
		if n := len(newStatusError(403, nil, []byte(body)).Message); n > maxWords+len("…") {
			t.Errorf("a message of %d bytes, want at most %d", n, maxWords)
		}
	}
}

// Any success may be a batch response. 424 was one in older documentation, and is none.
func TestNewReply(t *testing.T) {
	for status, ok := range map[int]bool{200: true, 203: true, 302: false, 400: false, 424: false} {
		body := `{"responses":[{"id":"1","status":204}]}`
		reply, err := NewReply(status, http.Header{"A": {"b"}}, []byte(body))
		if (err == nil) != ok {
			t.Errorf("NewReply(%d) = %v, want a reply %v", status, err, ok)
		}
		if ok && (string(reply.Body) != body || reply.Header.Get("A") != "b") {
			t.Errorf("NewReply(%d) = %q, %v", status, reply.Body, reply.Header)
		}
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
