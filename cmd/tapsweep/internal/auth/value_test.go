package auth

import (
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/safetext"
	"tapsweep/testdata/assert"
)

// A secret file is decoded like a list. Text around the secret is refused with a message and
// not sent.
func TestSecretFile(t *testing.T) {
	const s = entra.DefaultSecret
	for _, tt := range []struct {
		name string
		data []byte
		want string // in the error
	}{
		{"as it is", []byte(s), ""},
		{"a byte order mark", []byte("\ufeff" + s + "\r\n"), ""},
		{"UTF-16 of Windows PowerShell", utf16LE(s + "\r\n"), ""},
		{"spaces around it", []byte("  " + s + " \n\n"), ""},
		{"a character that nobody sees", []byte(s + "\u200b\n"), ""},
		{"double quotes", []byte(`"` + s + `"` + "\n"), "begins and ends with quotes"},
		{"single quotes", []byte(`'` + s + `'`), "begins and ends with quotes"},
		{"quotes of a word processor", []byte("“" + s + "”"), "begins and ends with quotes"},
		{"a line of .env", []byte("AZURE_CLIENT_SECRET=" + s + "\n"), "as in NAME=value"},
		{"a line of a shell", []byte("export AZURE_CLIENT_SECRET='" + s + "'\n"), "as in NAME=value"},
		{"a line of PowerShell", []byte(`$env:AZURE_CLIENT_SECRET = "` + s + `"`), "as in NAME=value"},
		{"YAML", []byte("client-secret: " + s), "as in NAME=value"},
		{"a short name", []byte("secret=" + s), "as in NAME=value"},
		{"JSON of az ad app credential reset", []byte(`{"appId": "x", "password": "` + s + `"}`), "contains JSON"},
		{"two lines", []byte("new\n" + s), "more than one line"},
		{"a word before it", []byte("secret " + s), "contains a space"},
		{"UTF-16 without a mark", utf16LE(s)[2:], "is not text"},
		{"not text", []byte{0xff, 0x00, 0x01, 0xfe}, "is not text"},
		{"empty in UTF-16", utf16LE("\r\n"), "is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			o := entraOptions(graphsim.New(graphsim.Options{}), "")
			o.SecretFile = file(t, "secret", tt.data)
			claims, err := signIn(t, o)
			checkSignIn(t, claims, err, tt.want)
			if tt.want != "" {
				assert.As[*UsageError](t, "the error", err)
			}
		})
	}
}

// The same holds for a secret in the environment, which azidentity may read itself.
func TestSecretOfTheEnvironment(t *testing.T) {
	const s = entra.DefaultSecret
	for _, method := range []string{"secret", "environment", "default"} {
		for value, want := range map[string]string{
			s:                              "",
			`"` + s + `"`:                  "begins and ends with quotes",
			"'" + s + "'":                  "begins and ends with quotes",
			s + "\n":                       "",
			" " + s:                        "",
			"'" + s + "'\n":                "begins and ends with quotes",
			"AZURE_CLIENT_SECRET=" + s:     "as in NAME=value",
			`{"value":"` + s + `"}`:        "contains JSON",
			"client_secret = \"" + s + `"`: "as in NAME=value",
		} {
			clean(t)
			t.Setenv("AZURE_CLIENT_SECRET", value)
			claims, err := signIn(t, entraOptions(graphsim.New(graphsim.Options{}), method))
			checkSignIn(t, claims, err, want)
			if err != nil {
				assert.Holds(t, method+": the error", err.Error(), "AZURE_CLIENT_SECRET: ")
			}
		}
	}
}

// A secret that is not used is not checked.
func TestSecretThatIsNotUsed(t *testing.T) {
	clean(t)
	t.Setenv("AZURE_CLIENT_SECRET", `"quoted-secret"`)
	t.Setenv("AZURE_CLIENT_CERTIFICATE_PATH", `"quoted.pem"`)
	o := entraOptions(graphsim.New(graphsim.Options{}), "")
	o.SecretFile = file(t, "secret", []byte(entra.DefaultSecret))
	claims, err := signIn(t, o)
	checkSignIn(t, claims, err, "")
}

// Secrets in the formats that Entra uses, or has used, are accepted.
func TestSecretsAreSecrets(t *testing.T) {
	for _, s := range []string{
		"aBc8Q~dEfGhIjKlMnOpQrStUvWxYz.012345_-~6", "k3yV4lu3~abc=", "1bC/dEf+GhIjKlMnOpQrStUvWxYz0123456789abcd=",
		"x:Q=]@abc?*",
		"~secretly.Named~012345678901234567890=", "tokenKey9~abcdefghijklmnopqrstuvwxyz0123", `"starts.with.one.quote`,
	} {
		assert.Is(t, fmt.Sprintf("checkSecret(%q)", s), checkSecret(s), nil)
	}
}

// A value that was quoted twice is shown with its quotes, and nothing is sent.
func TestNamesArePlain(t *testing.T) {
	const spaces = " begins or ends with a space or a line end"
	for _, tt := range []struct {
		variable, value string
		opts            Options
		want            string
	}{
		{"AZURE_TENANT_ID", `"contoso.com"`, Options{}, ` holds quotes: '"contoso.com"'`},
		{"AZURE_TENANT_ID", `'contoso.com'`, Options{}, ` holds quotes: "'contoso.com'"`},
		{"AZURE_TENANT_ID", "“contoso.com”", Options{}, ` holds quotes: "“contoso.com”"`},
		{"AZURE_TENANT_ID", "contoso.com\n", Options{}, spaces + `: "contoso.com`},
		{"AZURE_TENANT_ID", " contoso.com", Options{}, spaces + `: " contoso.com"`},
		{"AZURE_TENANT_ID", "contoso.com\u200b", Options{}, spaces},
		{"AZURE_CLIENT_ID", `"x"`, Options{}, ` holds quotes: '"x"'`},
		{"--tenant", "", Options{Tenant: `"contoso.com"`}, ` holds quotes: '"contoso.com"'`},
		{"--client-id", "", Options{ClientID: " x"}, spaces + `: " x"`},
	} {
		clean(t)
		if tt.value != "" {
			t.Setenv(tt.variable, tt.value)
		}
		tt.opts.Getenv = os.Getenv
		_, err := New(tt.opts)
		assert.Says(t, fmt.Sprintf("New with %s %q %+v", tt.variable, tt.value, tt.opts), err, tt.variable+tt.want)
		assert.As[*UsageError](t, "New", err)
	}
}

// A secret is masked from the moment it is read.
func TestSecretsAreConcealed(t *testing.T) {
	clean(t)
	const inFile = "from-a-secret-file"
	variables := []string{"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD",
		"IDENTITY_HEADER", "MSI_SECRET"}
	for _, name := range variables {
		t.Setenv(name, "value-of-"+name)
	}
	o := entraOptions(graphsim.New(graphsim.Options{}), "")
	o.SecretFile = file(t, "secret", []byte(inFile))
	assert.Must(New(o))
	t.Setenv("AZURE_CLIENT_SECRET", "in-a-line-of-its-own\n")
	o.SecretFile, o.Method = "", "secret"
	assert.Must(New(o))
	for _, name := range variables {
		checkMasked(t, name, "value-of-"+name)
	}
	checkMasked(t, "file", inFile)
	checkMasked(t, "variable, without its line end", "in-a-line-of-its-own")
}

func checkMasked(t *testing.T, where, secret string) {
	t.Helper()
	assert.Same(t, "the secret of the "+where+", masked", safetext.Printable(secret+"."), "***.")
}

// What a request for a token proves, and the tokens in an answer, are masked.
func TestRequestsAreConcealed(t *testing.T) {
	form := make(url.Values)
	fields := []string{"client_secret", "client_assertion", "assertion", "refresh_token", "code", "code_verifier",
		"device_code", "password"}
	for _, name := range fields {
		form.Set(name, "secret "+name)
	}
	headers := []string{"X-Identity-Header", "Secret", "Authorization"}
	req := httptest.NewRequest("POST", "https://login.example/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	for _, name := range headers {
		req.Header.Set(name, "value-of-"+name)
	}
	req.Header.Set("Authorization", "Basic value-of-Authorization")
	assert.OK(t, conceal(req))
	concealTokens([]byte(`{"access_token":"access-secret","refresh_token":"refresh-secret","id_token":"id-secret"}`))
	for _, name := range fields {
		checkMasked(t, "field "+name, "secret "+name)
	}
	for _, name := range headers {
		checkMasked(t, "header "+name, "value-of-"+name)
	}
	for _, name := range []string{"access", "refresh", "id"} {
		checkMasked(t, name+" token", name+"-secret")
	}
	assert.Same(t, "the body of the request", string(assert.Must(io.ReadAll(req.Body))), form.Encode())
}
