//go:build !race

// Package oracle compares our URLs and our reading of errors with those of
// msgraph-sdk-go. It stands alone because the generated packages take minutes to
// compile, and it is left out of race runs because they would take them again.
package oracle

import (
	"net/url"
	"strings"
	"testing"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/testdata/assert"
)

const method = "b7e0c9a2-6d15-4a77-8f0e-31c5d2f4a6aa"

// The SDK escapes more than url.PathEscape does ('+' and '@', for one), so what
// has to be equal is the path that the service decodes.
func TestPassURL(t *testing.T) {
	adapter, err := msgraphgocore.NewGraphRequestAdapterBase(&authentication.AnonymousAuthenticationProvider{},
		msgraphgocore.GraphClientOptions{})
	assert.OK(t, err)
	adapter.SetBaseUrl("https://graph.microsoft.com/v1.0")
	for _, user := range []string{
		"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311",
		"dana@contoso.com",
		"a_b.com#EXT#@contoso.onmicrosoft.com",
		"o'neil@contoso.com",
		"dana+tag@contoso.com",
		"x!y^z~w*(=&@contoso.com",
	} {
		request := users.NewUsersRequestBuilderInternal(map[string]string{"baseurl": adapter.GetBaseUrl()}, adapter).
			ByUserId(user).Authentication().TemporaryAccessPassMethods().
			ByTemporaryAccessPassAuthenticationMethodId(method)
		info := assert.Must(request.ToDeleteRequestInformation(t.Context(), nil))
		want := assert.Must(info.GetUri())
		got := assert.Must(url.Parse("https://graph.microsoft.com/v1.0" + pass.PassURL(user, method)))
		assert.That(t, got.Path == want.Path && got.Host == want.Host && info.Method == abstractions.DELETE,
			"PassURL(%q) decodes to %s, the SDK's to %s", user, got.Path, want.Path)
	}
}

func TestStatusError(t *testing.T) {
	for _, body := range []string{
		`{"error":{"code":"accessDenied","message":"Request Authorization failed",` +
			`"innerError":{"date":"2026-03-02T08:30:01","request-id":"7f2d","client-request-id":"1"}}}`,
		`{"error":{"code":"","message":"m"}}`,
		`{"error":{"code":"UnknownError","message":"","innerError":{"request-id":"0c9a"}}}`,
	} {
		node := assert.Must(jsonserialization.NewJsonParseNode([]byte(body)))
		parsed := assert.Must(node.GetObjectValue(odataerrors.CreateODataErrorFromDiscriminatorValue))
		want := parsed.(odataerrors.ODataErrorable).GetErrorEscaped()
		got := (&batch.Response{Status: 403, Body: []byte(body)}).StatusError()
		if got.Code != deref(want.GetCode()) || got.Message != deref(want.GetMessage()) {
			t.Errorf("StatusError of %s = %q %q, the SDK reads %q %q", body, got.Code, got.Message,
				deref(want.GetCode()), deref(want.GetMessage()))
		}
		if inner := want.GetInnerError(); inner != nil {
			if id := deref(inner.GetRequestId()); !strings.EqualFold(got.RequestID, id) {
				t.Errorf("StatusError of %s has request-id %q, the SDK reads %q", body, got.RequestID, id)
			}
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
