package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A batch that was answered with 503 as a whole was refused to the log, and nowhere
// else: summary, metrics and reports told of different numbers of requests.
func TestRefusedIsOneNumber(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Do: fault.OuterStatus(503, "Retry-After", "1"), Times: 1},
		{Do: fault.ItemStatus(429, "Retry-After", "1"), Times: 2}}})
	var list strings.Builder
	list.WriteString("user,method\n")
	for i := range 5 {
		tenant.AddUser(graphsim.User{UPN: fmt.Sprintf("u%d@contoso.com", i), Passes: []graphsim.Pass{{}}})
	}
	for _, h := range tenant.Remaining() {
		list.WriteString(h.UPN + "," + h.PassID + "\n")
	}
	env := serve(t, tenant)
	path := writeFile(t, "list.csv", list.String())
	dir := strings.TrimSuffix(path, "list.csv")
	p := tapsweep(t, env, "revoke", "--yes", "--results", dir+"log.jsonl", "--metrics-file", dir+"m.prom", path)
	p.ends(t, status.Done)
	p2 := tapsweep(t, env, "report", "--json", "-", dir+"log.jsonl")
	var r report.Report
	if err := json.Unmarshal([]byte(p2.stdout), &r); err != nil {
		t.Fatal(err)
	}
	n := r.Waits.Refused
	if n <= 2 { // the 503 was of five
		t.Errorf("%d refused", n)
	}
	holds(t, "standard error", p.stderr, fmt.Sprintf("throttled: %d requests refused", n))
	if m := mustRead(t, dir+"m.prom"); !bytes.Contains(m,
		fmt.Appendf(nil, `tapsweep_last_run_refused_requests{command="revoke",file="m"} %d`, n)) {
		t.Errorf("not %d in the metrics:\n%s", n, m)
	}
}
