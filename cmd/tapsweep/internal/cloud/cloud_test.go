package cloud

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tapsweep/testdata/assert"
)

const (
	graph      = "https://graph.microsoft.com"
	login      = "https://login.microsoftonline.com"
	graphUS    = "https://graph.microsoft.us"
	graphDoD   = "https://dod-graph.microsoft.us"
	loginUS    = "https://login.microsoftonline.us"
	graphChina = "https://microsoftgraph.chinacloudapi.cn"
	loginChina = "https://login.chinacloudapi.cn"
	partner    = "https://login.partner.microsoftonline.cn"
	own        = "https://127.0.0.1:8443"
	gateway    = "https://gateway.example"
	lookalike  = "https://login.microsoftonline.com.evil.example"
)

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name   string
		choice Config
		want   Endpoint
	}{
		{"nothing", Config{}, Endpoint{clouds[0], graph, graph, login, "v1.0", true}},
		{"another host of the cloud", Config{Authority: "https://LOGIN.windows.net/"},
			Endpoint{clouds[0], graph, graph, "https://LOGIN.windows.net", "v1.0", true}},
		{"usgov", Config{Cloud: "usgov"}, Endpoint{clouds[1], graphUS, graphUS, loginUS, "v1.0", true}},
		{"DoD", Config{Cloud: "usgov-dod"}, Endpoint{clouds[2], graphDoD, graphDoD, loginUS, "v1.0", true}},
		{"China, beta", Config{Cloud: "china", Version: "beta"},
			Endpoint{clouds[3], graphChina, graphChina, loginChina, "beta", true}},
		{"China, the other authority", Config{Cloud: "china", Version: "beta", Authority: partner + "/"},
			Endpoint{clouds[3], graphChina, graphChina, partner, "beta", true}},
		{"a cloud by its root", Config{Root: "https://GRAPH.microsoft.us"},
			Endpoint{clouds[1], "https://GRAPH.microsoft.us", graphUS, loginUS, "v1.0", true}},
		{"a gateway in front of a cloud", Config{Cloud: "usgov", Root: gateway},
			Endpoint{clouds[1], gateway, graphUS, loginUS, "v1.0", true}},
		{"a tenant of its own", Config{Root: own, Authority: own}, Endpoint{nil, own, own, own, "v1.0", false}},
		{"both of L4 and L5 have one authority", Config{Cloud: "usgov-dod", Authority: loginUS},
			Endpoint{clouds[2], graphDoD, graphDoD, loginUS, "v1.0", true}},
		{"a lookalike is no cloud", Config{Authority: lookalike},
			Endpoint{clouds[0], graph, graph, lookalike, "v1.0", false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := assert.Must(tt.choice.Resolve())
			assert.Same(t, "difference", cmp.Diff(&tt.want, got, cmpopts.IgnoreUnexported(Cloud{})), "")
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		choice     Config
	}{
		{"two clouds", "are not of one cloud: leave out one", Config{Cloud: "usgov", Root: graph}},
		{"authority of another cloud", "choose with --cloud usgov", Config{Authority: loginUS}},
		{"the same, chosen", "choose with --cloud global",
			Config{Cloud: "usgov", Authority: "https://login.windows.net"}},
		{"authority without TLS", "AZURE_AUTHORITY_HOST", Config{Authority: "http://login.microsoftonline.com"}},
		{"authority with a password", "must not hold a user name",
			Config{Authority: "https://bob:pw@login.microsoftonline.com"}},
		{"authority with a query", "must not hold a user name", Config{Authority: login + "?sig=pw"}},
		// Graph's metadata for that cloud has no passes in v1.0.
		{"China, v1.0", "no Temporary Access Passes in the cloud china: --api-version beta", Config{Cloud: "china"}},
		{"China by its root", "--api-version beta", Config{Root: graphChina}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.choice.Resolve()
			assert.Says(t, "Resolve", err, tt.want)
			assert.That(t, err == nil || !strings.Contains(err.Error(), "pw"),
				"Resolve = %v, which quotes the password", err)
		})
	}
}

func TestByRoot(t *testing.T) {
	for root, want := range map[string]*Cloud{graph + "/": clouds[0], graphDoD: clouds[2], gateway: nil} {
		assert.Same(t, fmt.Sprintf("ByRoot(%q)", root), ByRoot(root), want)
	}
}

// Tokens are asked for at the hosts of one cloud, or at the given authority.
func TestHosts(t *testing.T) {
	for authority, want := range map[string]string{
		"":                           "login.microsoftonline.com login.microsoft.com login.windows.net sts.windows.net",
		"https://LOGIN.windows.net/": "login.microsoftonline.com login.microsoft.com login.windows.net sts.windows.net",
		lookalike:                    "login.microsoftonline.com.evil.example",
		"https://Login.Example:443":  "login.example",
		login + ":444":               "login.microsoftonline.com:444",
	} {
		e := assert.Must(Config{Authority: authority}.Resolve())
		assert.Same(t, fmt.Sprintf("Hosts of %q", authority), strings.Join(e.Hosts(), " "), want)
	}
}
