package tenant

import (
	"strings"
	"testing"

	"tapsweep/batch/safetext"
)

// environment returns a getenv for the variables, NAME and VALUE in turn.
func environment(variables ...string) func(string) string {
	values := make(map[string]string)
	for i := 0; i < len(variables); i += 2 {
		values[variables[i]] = variables[i+1]
	}
	return func(name string) string { return values[name] }
}

// A proxy variable that cannot be parsed is refused, because net/http would ignore it.
func TestProxies(t *testing.T) {
	const password = "pr0xy-Passw0rd"
	tests := []struct {
		name, value string
		want        string // in the error, empty for a proxy that is good
	}{
		{"HTTPS_PROXY", "http://proxy.example:8080", ""},
		{"HTTPS_PROXY", "http://proxy.example:8080/", ""},
		{"HTTPS_PROXY", "https://proxy.example", ""},
		{"HTTPS_PROXY", "proxy.example:8080", ""},
		{"HTTPS_PROXY", "10.0.0.1:3128", ""},
		{"HTTPS_PROXY", "http://[::1]:3128", ""},
		{"HTTPS_PROXY", "socks5://127.0.0.1:1080", ""},
		{"HTTPS_PROXY", "http://dana:" + password + "@proxy.example:8080", ""},
		{"https_proxy", "http://proxy.example:8080", ""},
		{"HTTPS_PROXY", `"http://proxy.example:8080"`,
			`HTTPS_PROXY "\"http://proxy.example:8080\"" is not a valid proxy`},
		{"https_proxy", "http://proxy example:8080", "https_proxy"},
		{"HTTP_PROXY", "http://proxy.example:port", "HTTP_PROXY"},
		{"http_proxy", "http://proxy.example:99999", "its port is not between 1 and 65535"},
		{"HTTPS_PROXY", "http:/proxy.example:8080", "two slashes are missing"},
		{"HTTPS_PROXY", "http://", "is not a valid proxy"},
		{"HTTPS_PROXY", "http://:8080", "it has no host"},
		{"HTTPS_PROXY", "ftp://proxy.example:21", "its scheme is not one of http, https, socks5, socks5h"},
		{"HTTPS_PROXY", "http://proxy.example:8080\n", "is not a valid proxy"},
		{"HTTPS_PROXY", " http://proxy.example:8080", "is not a valid proxy"},
		{"HTTPS_PROXY", "http://dana:" + password + "%zz@proxy.example:8080",
			`"http://***@proxy.example:8080" is not a valid proxy`},
		{"HTTPS_PROXY", "http://dana:" + password + "#x@proxy.example:8080",
			`"http://***@proxy.example:8080" is not a valid proxy`},
		{"HTTPS_PROXY", "http://dana:1/" + password + "@proxy.example:8080",
			`"http://***@proxy.example:8080" is not a valid proxy: something follows`},
		{"HTTPS_PROXY", "dana:" + password + "%@proxy.example:8080", `"***@proxy.example:8080" is not a valid proxy`},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			err := checkProxies(environment(tt.name, tt.value))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("checkProxies = %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("checkProxies = %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), password):
				t.Errorf("the password is in the error: %v", err)
			}
			if strings.Contains(tt.value, ":"+password+"@") &&
				strings.Contains(safetext.Printable("407 for "+password), password) {
				t.Error("the password of the proxy is not masked")
			}
		})
	}
}

func TestNoProxy(t *testing.T) {
	for value, want := range map[string]string{
		"localhost,127.0.0.1,.example.com, 10.0.0.0/8,[::1]:443,*": "",
		"https://login.microsoftonline.com":                        "is an address, not a host",
		"localhost;127.0.0.1":                                      "semicolons",
		"localhost 127.0.0.1":                                      "contains spaces",
		`"localhost"`:                                              "quotes",
	} {
		if err := checkProxies(environment("NO_PROXY", value)); err != nil {
			t.Errorf("without a proxy: checkProxies = %v", err)
		}
		if err := checkProxies(environment("NO_PROXY", value, "HTTPS_PROXY",
			"http://proxy.example:8080")); (err == nil) != (want == "") || err != nil &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("NO_PROXY %s: checkProxies = %v, want %q", value, err, want)
		}
	}
}
