package tenant

import (
	"fmt"
	"testing"

	"tapsweep/batch/safetext"
	"tapsweep/testdata/assert"
)

// environment returns a getenv for the variables, NAME and VALUE in turn.
func environment(variables ...string) func(string) string {
	values := make(map[string]string)
	for i := 0; i < len(variables); i += 2 {
		values[variables[i]] = variables[i+1]
	}
	return func(name string) string { return values[name] }
}

// A proxy variable that cannot be parsed is refused, because net/http would ignore it. The message does
// not quote it.
func TestProxies(t *testing.T) {
	const password = "pr0xy-Passw0rd"
	for _, tt := range []struct {
		name, value string
		good        bool
	}{
		{"HTTPS_PROXY", "http://proxy.example:8080/", true},
		{"HTTPS_PROXY", "proxy.example:8080", true},
		{"HTTPS_PROXY", "10.0.0.1:3128", true},
		{"HTTPS_PROXY", "http://[::1]:3128", true},
		{"https_proxy", "socks5://127.0.0.1:1080", true},
		{"HTTPS_PROXY", "http://dana:" + password + "@proxy.example:8080", true},
		{"HTTPS_PROXY", `"http://proxy.example:8080"`, false},
		{"https_proxy", "http://proxy example:8080", false},
		{"HTTP_PROXY", "http://proxy.example:port", false},
		{"http_proxy", "http://:8080", false},
		{"HTTPS_PROXY", "http:/proxy.example:8080", false},
		{"HTTPS_PROXY", "http://dana:1/" + password + "@proxy.example:8080", false},
		{"HTTPS_PROXY", "ftp://proxy.example:21", false},
		{"HTTPS_PROXY", "http://dana:" + password + "%zz@proxy.example:8080", false},
	} {
		want := ""
		if !tt.good {
			want = tt.name
		}
		err := checkProxies(environment(tt.name, tt.value))
		assert.Says(t, tt.name+"="+tt.value, err, want)
		assert.Lacks(t, "the error", fmt.Sprint(err), password)
	}
	assert.Lacks(t, "a text with the password", safetext.Printable("407 for "+password), password)
}
