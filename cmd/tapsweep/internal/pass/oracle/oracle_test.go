//go:build !race

// Package oracle compares our URLs and our reading of errors with those of msgraph-sdk-go. It is a separate package,
// because the generated packages take minutes to compile. A run with the race detector would compile them again, so it
// leaves this package out.
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

// The SDK escapes more characters than url.PathEscape does, such as '+' and '@'. So the test compares the decoded
// paths.
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
		assert.Same(t, "host of PassURL for "+user, got.Host, want.Host)
		assert.Same(t, "path of PassURL for "+user, got.Path, want.Path)
		assert.Same(t, "method of the SDK", info.Method, abstractions.DELETE)
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
		assert.Same(t, "code in "+body, got.Code, deref(want.GetCode()))
		assert.Same(t, "message in "+body, got.Message, deref(want.GetMessage()))
		if inner := want.GetInnerError(); inner != nil {
			assert.That(t, strings.EqualFold(got.RequestID, deref(inner.GetRequestId())),
				"StatusError of %s has the request ID %q", body, got.RequestID)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
