package batch

import (
	"fmt"
	"strings"
	"testing"
)

const benchURL = "/users/5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311" +
	"/authentication/temporaryAccessPassMethods/b7e0c9a2-6d15-4a77-8f0e-31c5d2f4a6aa"

// A full batch of deletes.
func BenchmarkEncode(b *testing.B) {
	items := make([]*item, MaxRequests)
	for i := range items {
		items[i] = newItem(Request{Method: "DELETE", URL: benchURL, Key: fmt.Sprint(i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(items, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/MaxRequests, "ns/request")
}

// The answer to it: all deleted, and all throttled with an error object each.
func BenchmarkDecode(b *testing.B) {
	answers := map[string]string{
		"deleted": `{"id":"%d","status":204,"headers":{"Cache-Control":"no-cache",` +
			`"request-id":"dfec02be-a10b-4850-ac7b-51c9b3b2d061"},"body":null}`,
		"throttled": `{"id":"%d","status":429,"headers":{"Retry-After":"7","Content-Type":"application/json",` +
			`"request-id":"dfec02be-a10b-4850-ac7b-51c9b3b2d061"},` +
			`"body":{"error":{"code":"TooManyRequests","message":"Too Many Requests",` +
			`"innerError":{"date":"2026-03-02T08:30:01","request-id":"dfec02be-a10b-4850-ac7b-51c9b3b2d061"}}}}`,
	}
	for _, name := range []string{"deleted", "throttled"} {
		b.Run(name, func(b *testing.B) {
			items := make([]string, MaxRequests)
			for i := range items {
				items[i] = fmt.Sprintf(answers[name], MaxRequests-i)
			}
			body := []byte(`{"responses":[` + strings.Join(items, ",") + `]}`)
			b.ReportAllocs()
			for b.Loop() {
				got, err := decode(body, MaxRequests)
				if err != nil || got[MaxRequests-1].err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/MaxRequests, "ns/request")
		})
	}
}
