package auth

import (
	"fmt"
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
	for _, tt := range []struct{ name, text, want, err string }{
		{"as it is", token + "\n", token, ""},
		{"copied from a header", "Bearer " + token, token, ""},
		{"with a byte order mark", "\ufeff" + token, token, ""},
		{"as az prints it", `{"accessToken": "` + token + `", "expiresOn": "x"}`, token, ""},
		{"UTF-16", string(utf16LE(token + "\r\n")), token, ""},
		{"JSON in UTF-16", string(utf16LE(`{"accessToken": "` + token + `"}`)), token, ""},
		{"one that cannot be read", "opaque-token", "opaque-token", ""},
		{"ended", old, "", "the token in it ended at "},
		{"empty", "\n", "", "it is empty"},
		{"JSON of something else", `{"token": "x"}`, "", "its JSON has no accessToken"},
		{"two lines", "a\nb\n", "", "something else than an access token"},
		{"huge", strings.Repeat("a", maxFile+2), "", "longer than 1 MiB"},
		{"quotes of az without --output tsv", `"` + token + `"` + "\n", "", "begins and ends with quotes"},
		{"a line of .env", "ACCESS_TOKEN=" + token, "", "as in NAME=value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustNew(t, Options{TokenFile: file(t, "token", []byte(tt.text))})
			got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
			checkError(t, "GetToken", err, tt.err)
			if got.Token != tt.want {
				t.Errorf("the token is %.20s…, want %.20s…", got.Token, tt.want)
			}
			if err == nil && !got.ExpiresOn.After(time.Now()) {
				t.Errorf("the token ended at %v", got.ExpiresOn)
			}
			if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), old)) {
				t.Errorf("the token is in the error: %v", err)
			}
		})
	}
}

// The file is read again each time. A token that Graph refused is not given twice.
func TestTokenFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	c := mustNew(t, Options{TokenFile: path})
	for _, step := range []struct{ write, claims, want, err string }{
		{"", "", "", "no such file"},
		{"first", "", "first", ""},
		{"second", "", "second", ""},
		{"", `{"access_token":{}}`, "", "Graph refuses the token in it: write a new one"},
		{"third", `{"access_token":{}}`, "third", ""},
	} {
		if step.write != "" {
			os.WriteFile(path, []byte(step.write), 0o600)
		}
		got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Claims: step.claims})
		checkError(t, fmt.Sprintf("GetToken after %q with claims %q", step.write, step.claims), err, step.err)
		if got.Token != step.want {
			t.Errorf("after %q, claims %q: the token is %q, want %q", step.write, step.claims, got.Token, step.want)
		}
	}
}
