package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Who may import whom is part of the design: the engine knows no list and no
// SDK, the lists know no network, and only one package knows the SDK's core.
func TestImportDirection(t *testing.T) {
	forbidden := map[string][]string{
		"tapsweep/batch":             {"encoding/csv", "github.com/microsoft", "github.com/Azure", "tapsweep/input", "tapsweep/cmd", "net/http/httptest"},
		"tapsweep/internal/safetext": {"tapsweep/batch", "tapsweep/input", "tapsweep/cmd", "github.com/"},
		"tapsweep/batch/throttle":    {"net/http", "tapsweep/batch\n"},
		"tapsweep/batch/graphsim":    {"github.com/microsoft", "github.com/Azure", "tapsweep/input", "tapsweep/cmd"},
		"tapsweep/batch/graph":       {"tapsweep/input", "tapsweep/cmd", "microsoftgraph/msgraph-sdk-go/"},
		"tapsweep/input":             {"net/http", "github.com/", "tapsweep/batch", "tapsweep/cmd"},
		"tapsweep/cmd/tapsweep":      {"microsoftgraph/msgraph-sdk-go/users", "microsoftgraph/msgraph-sdk-go/models\n"},
	}
	for pkg, names := range forbidden {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", pkg, err)
		}
		deps := "\n" + string(out)
		if pkg == "tapsweep/input" { // knows the form of ids
			deps = strings.Replace(deps, "\ngithub.com/google/uuid\n", "\n", 1)
		}
		for _, name := range names {
			if strings.Contains(deps, "\n"+name) {
				t.Errorf("%s depends on %s", pkg, strings.TrimSpace(name))
			}
		}
	}
}
