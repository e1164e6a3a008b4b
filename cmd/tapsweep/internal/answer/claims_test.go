package answer

import (
	"fmt"
	"net/http"
	"testing"

	"tapsweep/batch"
	"tapsweep/testdata/assert"
)

func TestNeedsClaims(t *testing.T) {
	challenge := http.Header{"Www-Authenticate": {`Basic`, `Bearer error="insufficient_claims", claims="e30="`}}
	for _, tt := range []struct {
		answer batch.StatusError
		want   bool
	}{
		{batch.StatusError{Status: 403, Code: "accessDenied"}, false},
		{batch.StatusError{Status: 403, Code: "Insufficient_Claims"}, true},
		{batch.StatusError{Status: 403, Header: challenge}, true},
	} {
		assert.Same(t, fmt.Sprintf("needsClaims(%+v)", tt.answer), needsClaims(&tt.answer), tt.want)
	}
}
