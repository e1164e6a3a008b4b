package safetext

import (
	"fmt"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Request Authorization failed", "Request Authorization failed"},
		{"letters", "Zugriff verweigert – nö", "Zugriff verweigert – nö"},
		{"escape sequence", "a\x1b[31mb\nc", `a\x1b[31mb\nc`},
		{"right to left override", "a\u202eb", `a\u202eb`},
		{"no-break space", "a\u00a0b", `a\u00a0b`},
		{"broken UTF-8", "a\xffb", "a\ufffdb"},
		{"token quoted back", "Authorization: Bearer eyJhbGciOiJIUzI1NiIs.eyJhdWQi.c2ln denied",
			"Authorization: [secret] denied"},
		{"opaque token", "bearer 0123456789abcdef, no", "[secret], no"},
		{"token alone", `{"t":"eyJhbGciOiJIUzI1NiIs.eyJhdWQi.c2ln"}`, `{"t":"[secret]"}`},
		{"no token", "the bearer token is empty", "the bearer token is empty"},
		{"secret in JSON", `{"client_secret":"S3cr3t~of-the.App"}`, `{"[secret]"}`},
		{"secret in a form", "a=b&client_secret=S3cr3t~of-the.App&c=d", "a=b&[secret]&c=d"},
		{"long", strings.Repeat("é", 501), strings.Repeat("é", 500) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Same(t, fmt.Sprintf("Printable(%q)", tt.in), Printable(tt.in), tt.want)
		})
	}
}
