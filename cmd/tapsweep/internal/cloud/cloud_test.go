package cloud

import (
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	tests := []struct {
		name   string
		choice Choice
		want   Endpoint // without the cloud
		cloud  string
	}{
		{"nothing", Choice{}, Endpoint{Root: "https://graph.microsoft.com", Audience: "https://graph.microsoft.com",
			Authority: "https://login.microsoftonline.com", Version: "v1.0", Discovery: true}, "global"},
		{"usgov", Choice{Cloud: "usgov"}, Endpoint{Root: "https://graph.microsoft.us", Audience: "https://graph.microsoft.us",
			Authority: "https://login.microsoftonline.us", Version: "v1.0", Discovery: true}, "usgov"},
		{"DoD", Choice{Cloud: "usgov-dod"}, Endpoint{Root: "https://dod-graph.microsoft.us", Audience: "https://dod-graph.microsoft.us",
			Authority: "https://login.microsoftonline.us", Version: "v1.0", Discovery: true}, "usgov-dod"},
		{"China, beta", Choice{Cloud: "china", Version: "beta"}, Endpoint{Root: "https://microsoftgraph.chinacloudapi.cn",
			Audience: "https://microsoftgraph.chinacloudapi.cn", Authority: "https://login.chinacloudapi.cn", Version: "beta", Discovery: true}, "china"},
		{"China, the other authority", Choice{Cloud: "china", Version: "beta", Authority: "https://login.partner.microsoftonline.cn/"},
			Endpoint{Root: "https://microsoftgraph.chinacloudapi.cn", Audience: "https://microsoftgraph.chinacloudapi.cn",
				Authority: "https://login.partner.microsoftonline.cn", Version: "beta", Discovery: true}, "china"},
		{"a cloud by its root", Choice{Root: "https://GRAPH.microsoft.us"}, Endpoint{Root: "https://GRAPH.microsoft.us",
			Audience: "https://graph.microsoft.us", Authority: "https://login.microsoftonline.us", Version: "v1.0", Discovery: true}, "usgov"},
		{"a gateway in front of a cloud", Choice{Cloud: "usgov", Root: "https://gateway.example"}, Endpoint{Root: "https://gateway.example",
			Audience: "https://graph.microsoft.us", Authority: "https://login.microsoftonline.us", Version: "v1.0", Discovery: true}, "usgov"},
		{"a tenant of its own", Choice{Root: "https://127.0.0.1:8443", Authority: "https://127.0.0.1:8443"}, Endpoint{Root: "https://127.0.0.1:8443",
			Audience: "https://127.0.0.1:8443", Authority: "https://127.0.0.1:8443", Version: "v1.0"}, ""},
		{"both of L4 and L5 have one authority", Choice{Cloud: "usgov-dod", Authority: "https://login.microsoftonline.us"},
			Endpoint{Root: "https://dod-graph.microsoft.us", Audience: "https://dod-graph.microsoft.us",
				Authority: "https://login.microsoftonline.us", Version: "v1.0", Discovery: true}, "usgov-dod"},
		{"a lookalike is no cloud", Choice{Authority: "https://login.microsoftonline.com.evil.example"}, Endpoint{Root: "https://graph.microsoft.com",
			Audience: "https://graph.microsoft.com", Authority: "https://login.microsoftonline.com.evil.example", Version: "v1.0"}, "global"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.choice.Resolve()
			if err != nil {
				t.Fatal(err)
			}
			name := ""
			if got.Cloud != nil {
				name = got.Cloud.Name
			}
			flat := *got
			flat.Cloud = nil
			if flat != tt.want || name != tt.cloud {
				t.Errorf("Resolve = %+v in %q, want %+v in %q", flat, name, tt.want, tt.cloud)
			}
			if got.String() == "" {
				t.Error("no words for it")
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	tests := []struct {
		name, want, hint string
		choice           Choice
	}{
		{"no such cloud", `--cloud "moon" is not global, usgov, usgov-dod, china`, "", Choice{Cloud: "moon"}},
		{"no such version", `--api-version "v2" is not v1.0, beta`, "", Choice{Version: "v2"}},
		{"two clouds", "are not of one cloud", "leave out", Choice{Cloud: "usgov", Root: "https://graph.microsoft.com"}},
		{"authority of another cloud", "is of the cloud usgov", "--cloud usgov", Choice{Authority: "https://login.microsoftonline.us"}},
		{"the same, chosen", "is of the cloud global", "--cloud global", Choice{Cloud: "usgov", Authority: "https://login.windows.net"}},
		{"authority without TLS", "AZURE_AUTHORITY_HOST", "", Choice{Authority: "http://login.microsoftonline.com"}},
		{"authority without a scheme", "AZURE_AUTHORITY_HOST", "", Choice{Authority: "login.microsoftonline.com"}},
		{"authority with a password", "must not hold a user name", "such as https://login",
			Choice{Authority: "https://bob:pw@login.microsoftonline.com"}},
		{"authority with a query", "must not hold a user name", "such as https://login",
			Choice{Authority: "https://login.microsoftonline.com?sig=pw"}},
		// Graph's metadata for that cloud has no passes in v1.0.
		{"China, v1.0", "no Temporary Access Passes", "--api-version beta", Choice{Cloud: "china"}},
		{"China by its root", "no Temporary Access Passes", "--api-version beta", Choice{Root: "https://microsoftgraph.chinacloudapi.cn"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.choice.Resolve()
			refused, ok := err.(*ChoiceError)
			if !ok || !strings.Contains(refused.Error(), tt.want) || !strings.Contains(refused.Hint, tt.hint) {
				t.Errorf("Resolve = %v, want %q with the hint %q", err, tt.want, tt.hint)
			}
			if err != nil && strings.Contains(err.Error(), "pw") {
				t.Errorf("Resolve = %v, which quotes the password", err)
			}
		})
	}
}

func TestByRoot(t *testing.T) {
	for root, want := range map[string]string{"https://graph.microsoft.com/": "global", "https://dod-graph.microsoft.us": "usgov-dod", "https://graph.example": ""} {
		name := ""
		if c := ByRoot(root); c != nil {
			name = c.Name
		}
		if name != want {
			t.Errorf("ByRoot(%q) = %q, want %q", root, name, want)
		}
	}
}

// Tokens are only requested from the hosts of one cloud, or from the given authority.
func TestHosts(t *testing.T) {
	for _, tt := range []struct {
		choice Choice
		want   []string
	}{
		{Choice{}, []string{"login.microsoftonline.com", "login.microsoft.com", "login.windows.net",
			"sts.windows.net"}},
		{Choice{Authority: "https://LOGIN.windows.net/"}, []string{"login.microsoftonline.com", "login.microsoft.com",
			"login.windows.net", "sts.windows.net"}},
		{Choice{Cloud: "usgov"}, []string{"login.microsoftonline.us"}},
		{Choice{Root: "https://127.0.0.1:8443", Authority: "https://127.0.0.1:8443"}, []string{"127.0.0.1:8443"}},
		{Choice{Authority: "https://Login.Example:443"}, []string{"login.example"}},
		{Choice{Authority: "https://login.microsoftonline.com:444"}, []string{"login.microsoftonline.com:444"}},
	} {
		got, err := tt.choice.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Hosts(), tt.want) {
			t.Errorf("%+v: Hosts = %q, want %q", tt.choice, got.Hosts(), tt.want)
		}
	}
}
