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
	"tapsweep/testdata/assert"
)

func TestTokenFile(t *testing.T) {
	clean(t)
	token := graphsim.New(graphsim.Options{Entra: entra.Options{TokenLife: time.Hour}}).Entra.Token()
	old := graphsim.New(graphsim.Options{Entra: entra.Options{TokenLife: -time.Minute}}).Entra.Token()
	for _, tt := range []struct{ name, text, want, err string }{
		{"as it is", token + "\n", token, ""},
		{"with a byte order mark", "\ufeff" + token, token, ""},
		{"UTF-16", string(utf16LE(token + "\r\n")), token, ""},
		{"one that cannot be read", "opaque-token", "opaque-token", ""},
		{"ended", old, "", "the token in it expired at "},
		{"empty", "\n", "", "it is empty"},
		{"two lines", "a\nb\n", "", "more than one line"},
		{"huge", strings.Repeat("a", maxFile+2), "", "longer than 1 MiB"},
		{"quotes of az without --output tsv", `"` + token + `"` + "\n", "", "begins and ends with quotes"},
		{"JSON of az", `{"accessToken": "x"}`, "", "it contains JSON"},
		{"a line of .env", "ACCESS_TOKEN=" + token, "", "as in NAME=value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustNew(t, Options{TokenFile: file(t, "token", []byte(tt.text))})
			got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
			assert.Says(t, "GetToken", err, tt.err)
			assert.Same(t, "the token", got.Token, tt.want)
			if err != nil {
				assert.Lacks(t, "the error", err.Error(), token, old)
				return
			}
			assert.That(t, got.ExpiresOn.After(time.Now()), "the token ended at %v", got.ExpiresOn)
		})
	}
}

// The file is read again each time.
func TestTokenFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	c := mustNew(t, Options{TokenFile: path})
	for _, text := range []string{"first", "second"} {
		assert.OK(t, os.WriteFile(path, []byte(text), 0o600))
		assert.Same(t, "the token", assert.Must(c.GetToken(t.Context(), policy.TokenRequestOptions{})).Token, text)
	}
}
