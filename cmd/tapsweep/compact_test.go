package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// Two passes of one user in JSON on one line: what became of one says nothing of the other.
func TestResumeOfCompactJSON(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	u := tenant.AddUsers(1)[0]
	pass := tenant.Remaining()[0].PassID
	tenant.AddFaults(fault.Fault{Method: "DELETE", Path: pass, Times: 1, Do: fault.ItemStatus(403)})
	env := serve(t, tenant)
	list := writeFile(t, "list.json",
		fmt.Sprintf(`[{"user":%q,"method":%q},{"user":%[1]q,"method":"9f0c11aa-1111-4222-8333-444444444444"}]`, u.UPN,
			pass))
	args := []string{"revoke", "--yes", "--quiet", "--results", newLog(t), list}
	tapsweep(t, env, args...).ends(t, 1)
	leaves(t, tenant, 1)
	if p := tapsweep(t, env, append(args, "--resume")...); len(tenant.Remaining()) != 0 {
		t.Errorf("exit %d, the pass of the first pair is there still\n%s", p.code, p.stderr)
	}
}

// A report has a row for each pass, with the column of its pair, and counts the pairs that are on the line again.
func TestReportOfCompactJSON(t *testing.T) {
	t.Parallel()
	const first, second = "9f0c11aa-1111-4222-8333-444444444441", "9f0c11aa-1111-4222-8333-444444444442"
	tenant := graphsim.New(graphsim.Options{})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.example", Passes: []graphsim.Pass{{ID: first}, {ID: second}}})
	tenant.AddFaults(fault.Fault{Method: "DELETE", Path: first, Times: 1, Do: fault.ItemStatus(403)})
	env := serve(t, tenant)
	var pairs []string
	for _, pass := range []string{first, second, second, first, first} {
		pairs = append(pairs, fmt.Sprintf(`{"user":"dana@contoso.example","method":%q}`, pass))
	}
	list := writeFile(t, "list.json", "["+strings.Join(pairs, ",")+"]")
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	revoke := []string{"revoke", "--yes", "--quiet", "--results", in("log.jsonl"), "--resume", list}
	for run, became := range []string{"denied", "revoked"} {
		if p := tapsweep(t, env, revoke...); p.code != 1-run {
			t.Fatalf("run %d: exit %d\n%s", run, p.code, p.stderr)
		}
		p := tapsweep(t, nil, "report", "--overwrite", "--csv", in("r.csv"), "--html", in("r.html"), "--json", "-",
			in("log.jsonl"))
		var sum struct {
			Pairs, WithoutRow int
			Counts            map[string]int
		}
		if err := json.Unmarshal([]byte(p.stdout), &sum); err != nil {
			t.Fatalf("run %d: exit %d, %v\n%s", run, p.code, err, p.stderr)
		}
		if sum.Pairs != 5 || sum.WithoutRow != 0 {
			t.Errorf("run %d: %d pairs, %d without a row, want 5 and 0", run, sum.Pairs, sum.WithoutRow)
		}
		if n := sum.Counts["duplicate"]; n != 3 {
			t.Errorf("run %d: %d duplicates, want 3", run, n)
		}
		rows, columns := compactRows(t, in("r.csv"))
		if diff := cmp.Diff([]string{"1 " + became, "2 revoked"}, rows); diff != "" {
			t.Errorf("run %d: the table (-want +got):\n%s", run, diff)
		}
		if len(columns) != 2 {
			t.Errorf("run %d: columns %v", run, columns)
		}
		page, err := os.ReadFile(in("r.html"))
		if n := bytes.Count(page, []byte("<tr data-o=")); err != nil || n != 2 {
			t.Errorf("run %d: %v, %d rows in the page", run, err, n)
		}
	}
}

// compactRows returns the rows of a report's CSV, each as the last digit of its pass and its outcome,
// sorted, and the columns that they name.
func compactRows(t *testing.T, path string) (rows []string, columns map[string]bool) {
	t.Helper()
	table, err := csv.NewReader(bytes.NewReader(mustRead(t, path))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns = make(map[string]bool)
	column := slices.Index(table[0], "column")
	for _, r := range table[1:] {
		columns[r[column]] = true
		rows = append(rows, r[3][len(r[3])-1:]+" "+r[4])
	}
	slices.Sort(rows)
	return rows, columns
}
