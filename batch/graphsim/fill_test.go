package graphsim

import (
	"fmt"
	"runtime"
	"strings"
	"tapsweep/batch/graphsim/internal/wire"
	"testing"
)

func TestFill(t *testing.T) {
	tenant := New(Options{})
	before := tenant.AddUsers(3)
	tenant.AddMany(1000, func(i int) User {
		u := User{UPN: fmt.Sprintf("Fill%d@contoso.example", i), Department: fmt.Sprintf("d%d", i%3), Guest: i%2 == 1}
		if i == 7 {
			u.ID, u.Passes = dana, []Pass{{ID: pass}}
		}
		return u
	})
	after := tenant.AddUsers(3)
	ask := askers(tenant)["direct"]
	for _, name := range []string{before[2].ID, after[2].UPN, "fill0@contoso.example", "FILL999@contoso.example", wire.GUID("user", "Fill500@contoso.example"), dana} {
		if g := ask(t, "/users/"+name); g.Status != 200 {
			t.Errorf("user %s: %d", name, g.Status)
		}
	}
	if g := ask(t, "/users/fill1000@contoso.example"); g.Status != 404 {
		t.Errorf("one too many: %d", g.Status)
	}
	if all := list(t, tenant, "fill7@contoso.example"); len(all) != 1 || all[0]["id"] != pass {
		t.Errorf("passes %v", all)
	}
	all, _ := pages(t, ask, "/users?$filter=department%20eq%20'd1'%20and%20userType%20eq%20'Guest'&$top=7&$select=userPrincipalName")
	if len(all) != 167 || !strings.HasPrefix(all[0]["userPrincipalName"].(string), "Fill1@") {
		t.Errorf("%d users, the first %v", len(all), all[0])
	}
	// A user by another name is found by the new one only.
	tenant.AddUser(User{ID: dana, UPN: "renamed@contoso.example"})
	if old, renamed := ask(t, "/users/fill7@contoso.example"), ask(t, "/users/renamed@contoso.example"); old.Status != 404 || renamed.Status != 200 {
		t.Errorf("renamed: %d and %d", old.Status, renamed.Status)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func fill(n int) *Tenant {
	tenant := New(Options{})
	tenant.AddMany(n, func(i int) User {
		return User{UPN: fmt.Sprintf("user%07d@contoso.example", i), Disabled: i%100 == 0, Department: "Sales"}
	})
	return tenant
}

// A user without a pass takes little: a million have to fit into a test.
func TestFillMemory(t *testing.T) {
	const n = 1 << 17
	before := heap()
	tenant := fill(n)
	each := float64(heap()-before) / n
	t.Logf("%.0f bytes per user", each)
	if each > 280 || len(tenant.users) != n {
		t.Errorf("%.0f bytes per user, want 280 at most", each)
	}
}

// Reading a million users takes no more than looking at each once, whatever is
// asked for.
func BenchmarkMillionUsers(b *testing.B) {
	const n = 1_000_000
	before := heap()
	tenant := fill(n)
	each := float64(heap()-before) / n
	for _, tt := range []struct {
		name, query string
		want        int
	}{
		{"all", "$select=id,userPrincipalName", n},
		{"filtered", "$select=id&$filter=accountEnabled%20eq%20false", n / 100},
	} {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				seen := 0
				for url := "/users?$top=999&" + tt.query; url != ""; {
					reply, err := tenant.PostBatch(b.Context(), []byte(envelope("GET", url, "")))
					if err != nil {
						b.Fatal(err)
					}
					seen += strings.Count(string(reply.Body), `{"id":"`) - 1 // one is the response's
					_, rest, _ := strings.Cut(string(reply.Body), `"@odata.nextLink":"`)
					url, _, _ = strings.Cut(strings.TrimPrefix(rest, v1), `"`)
				}
				if seen != tt.want {
					b.Fatalf("%d users, want %d", seen, tt.want)
				}
			}
			b.ReportMetric(each, "B/user")
		})
	}
}
