package graph_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

func newClient(t *testing.T, credential azcore.TokenCredential, opts graph.Options) *graph.Client {
	t.Helper()
	return assert.Must(graph.New(credential, opts))
}

func newRunner(t *testing.T, client *graph.Client, opts batch.Options) *batch.Runner {
	t.Helper()
	return assert.Must(batch.NewRunner(client, opts))
}

// inBubble returns a test that runs in virtual time.
func inBubble(f func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

// secretCredential always issues the token "secret".
func secretCredential() *fakeCredential {
	return &fakeCredential{expiry: time.Hour, issue: func(int) (string, error) { return "secret", nil }}
}

// failing always fails with an error.
func failing(err error) *fakeCredential {
	return &fakeCredential{issue: func(int) (string, error) { return "", err }}
}

func credentialOf(tenant *graphsim.Tenant, life time.Duration) *fakeCredential {
	return &fakeCredential{expiry: life, issue: func(int) (string, error) { return tenant.Entra.Token(), nil }}
}

func deletes(users []graphsim.User) func(func(batch.Request) bool) {
	return func(yield func(batch.Request) bool) {
		for _, u := range users {
			url := "/users/" + u.ID + "/authentication/temporaryAccessPassMethods/" + u.Passes[0].ID
			if !yield(batch.Request{Method: "DELETE", Key: u.ID, URL: url}) {
				return
			}
		}
	}
}
