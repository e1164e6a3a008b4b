package main

import (
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

const internal = "tapsweep/cmd/tapsweep/internal/"

// arrows are all imports of our own packages, in one direction: main → cli → run → {tenant,
// protect, scan, revoke, results, progress, metrics, evidence} → … A package that is not listed
// here may not exist, and a new import is a decision about the design.
var arrows = map[string]string{
	"cli": "run simulation checkup report console tenant metrics evidence status auth cloud pass progress " +
		"results scan fileout markdown",
	"run": "tenant protect scan revoke results progress metrics evidence console status pass token " +
		"fileout format",
	"checkup":     "tenant console status token pass scan",
	"simulation":  "console status results fileout",
	"tenant":      "auth cloud token protect answer status format",
	"status":      "protect revoke scan answer results fileout",
	"evidence":    "report results fileout",
	"report":      "results fileout format",
	"metrics":     "scan results pass",
	"revoke":      "answer results pass token",
	"scan":        "answer results pass format token",
	"protect":     "pass",
	"answer":      "results token",
	"token":       "cloud format jwt",
	"jwt":         "",
	"auth":        "jwt",
	"console":     "progress",
	"progress":    "results",
	"results":     "fileout format",
	"pass":        "",
	"cloud":       "",
	"fileout":     "",
	"format":      "",
	"markdown":    "format",
	"pass/oracle": "",
}

// Each package imports only what the design lets it import.
func TestArrows(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`,
		"./...").Output()
	assert.OK(t, err, "go list")
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, isInternal := strings.CutPrefix(fields[0], internal)
		if !isInternal {
			for _, imported := range fields[1:] {
				if name, own := strings.CutPrefix(imported, internal); own && name != "cli" {
					t.Errorf("package main imports %s, and may import only cli", name)
				}
			}
			continue
		}
		allowed, known := arrows[pkg]
		assert.That(t, known, "%s is not one of the arrows", pkg)
		for _, imported := range fields[1:] {
			if name, own := strings.CutPrefix(imported, internal); own && !slices.Contains(strings.Fields(allowed),
				name) {
				t.Errorf("%s imports %s", pkg, name)
			}
		}
	}
}

// Only main reads the command line and the environment of the process. It hands both to cli.
func TestProcess(t *testing.T) {
	t.Parallel()
	reads := regexp.MustCompile(`\bos\.(Args|Getenv|LookupEnv|Environ)\b`)
	err := filepath.WalkDir("internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if found := reads.FindString(readText(t, path)); found != "" {
			t.Errorf("%s uses %s", path, found)
		}
		return nil
	})
	assert.OK(t, err)
}

// Some packages must not depend on others, not even indirectly. The engine imports no list and no
// SDK, the lists import none of our packages, and only cli imports cobra.
func TestForbiddenDependencies(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"tapsweep/batch": {"encoding/csv", "github.com/microsoft", "github.com/Azure", "tapsweep/input", "tapsweep/cmd",
			"net/http/httptest"},
		"tapsweep/batch/internal/throttle": {"net/http", "tapsweep/batch\n"},
		"tapsweep/batch/graphsim": {"github.com/microsoft", "github.com/Azure", "tapsweep/input",
			"tapsweep/cmd"},
		"tapsweep/batch/graph":  {"tapsweep/input", "tapsweep/cmd", "microsoftgraph/msgraph-sdk-go/"},
		"tapsweep/input":        {"net/http", "github.com/", "tapsweep/batch", "tapsweep/cmd"},
		"tapsweep/cmd/tapsweep": {"microsoftgraph/msgraph-sdk-go/users", "microsoftgraph/msgraph-sdk-go/models\n"},
		internal + "report": {internal + "scan\n", internal + "revoke\n", "tapsweep/batch\n",
			"github.com/spf13"},
		internal + "scan":            {internal + "revoke\n"},
		internal + "run":             {"github.com/spf13"},
		internal + "tenant":          {"github.com/spf13"},
		internal + "checkup":         {"github.com/spf13"},
		internal + "simulation":      {"github.com/spf13"},
		"tapsweep/cmd/tapsweep/docs": {"tapsweep/batch", "tapsweep/input", internal, "github.com/"},
	}
	args := []string{"list", "-f", `{{.ImportPath}} {{join .Deps " "}}`}
	out, err := exec.CommandContext(t.Context(), "go", slices.AppendSeq(args, maps.Keys(forbidden))...).Output()
	assert.OK(t, err, "go list")
	for line := range strings.Lines(string(out)) {
		pkg, list, _ := strings.Cut(strings.TrimSpace(line), " ")
		names, deps := forbidden[pkg], "\n"+strings.ReplaceAll(list, " ", "\n")+"\n"
		delete(forbidden, pkg)
		if pkg == "tapsweep/input" { // knows the form of ids
			deps = strings.Replace(deps, "\ngithub.com/google/uuid\n", "\n", 1)
		}
		for _, name := range names {
			assert.That(t, !strings.Contains(deps, "\n"+name), "%s depends on %s", pkg, strings.TrimSpace(name))
		}
	}
	same(t, "packages that do not exist", len(forbidden), 0)
}
