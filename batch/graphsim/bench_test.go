package graphsim

import (
	"fmt"
	"strings"
	"testing"
)

func deletes(users []User) []byte {
	var b strings.Builder
	for i, u := range users {
		sep := ","
		if i == 0 {
			sep = `{"requests":[`
		}
		fmt.Fprintf(&b, `%s{"id":"%d","method":"DELETE","url":"/users/%s/authentication/temporaryAccessPassMethods/%s"}`,
			sep, i, u.ID, u.Passes[0].ID)
	}
	return []byte(b.String() + "]}")
}

func BenchmarkPostBatch(b *testing.B) {
	const size, rounds = 20, 500
	tenant := New(Options{})
	users := tenant.AddUsers(size * rounds)
	var bodies [][]byte
	for i := range rounds {
		bodies = append(bodies, deletes(users[i*size:(i+1)*size]))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n > 0 && n%rounds == 0 {
			b.StopTimer()
			for _, u := range users {
				tenant.AddUser(u)
			}
			b.StartTimer()
		}
		if _, err := tenant.PostBatch(b.Context(), bodies[n%rounds]); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if got := tenant.Stats().Deleted; got != n*size {
		b.Fatalf("%d passes deleted, want %d", got, n*size)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*size), "ns/request")
}
