package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
)

func TestTokenFile(t *testing.T) {
	clean(t)
	token := graphsim.New(graphsim.Options{Entra: entra.Options{TokenLife: time.Hour}}).Entra.Token()
	old := graphsim.New(graphsim.Options{Entra: entra.Options{TokenLife: -time.Minute}}).Entra.Token()
	tests := []struct{ name, text, want string }{
		{"as it is", token + "\n", ""},
		{"copied from a header", "Bearer " + token, ""},
		{"with a byte order mark", "\ufeff" + token, ""},
		{"as az prints it", `{"accessToken": "` + token + `", "expiresOn": "x"}`, ""},
		{"one that cannot be read", "opaque-token", ""},
		{"ended", old, "the token in it ended at "},
		{"empty", "\n", "it is empty"},
		{"JSON of something else", `{"token": "x"}`, "its JSON has no accessToken"},
		{"two lines", "a\nb\n", "something else than an access token"},
		{"huge", strings.Repeat("a", maxFile+2), "longer than 1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(Options{TokenFile: file(t, "token", []byte(tt.text))})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
			switch {
			case tt.want == "" && (err != nil || got.Token != token && got.Token != "opaque-token" || !got.ExpiresOn.After(time.Now())):
				t.Errorf("GetToken = %.20s…, %v", got.Token, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			case err != nil && tt.name != "empty" && strings.Contains(err.Error(), strings.TrimSpace(tt.text)):
				t.Error("the token is in the error")
			}
		})
	}
}

// The file is read again each time. A token that Graph refused is not given twice.
func TestTokenFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) { os.WriteFile(path, []byte(text), 0o600) }
	c, err := New(Options{TokenFile: path})
	if err != nil {
		t.Fatal(err)
	}
	get := func(claims string) string {
		got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, Claims: claims})
		if err != nil {
			return err.Error()
		}
		return got.Token
	}
	for _, step := range []struct{ write, claims, want string }{
		{"", "", "no such file"},
		{"first", "", "first"},
		{"second", "", "second"},
		{"", `{"access_token":{}}`, "Graph refuses the token in it: write a new one"},
		{"third", `{"access_token":{}}`, "third"},
	} {
		if step.write != "" {
			write(step.write)
		}
		if got := get(step.claims); !strings.Contains(got, step.want) {
			t.Errorf("after %q, claims %q: %s, want %s", step.write, step.claims, got, step.want)
		}
	}
}
