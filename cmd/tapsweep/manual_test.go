package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/cmd/tapsweep/internal/markdown"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/testdata/assert"
)

// repository is the root of the repository, from this directory.
const repository = "../.."

// manual returns README.md and the pages of the manual.
func manual(t *testing.T) []docs.Page {
	t.Helper()
	readme := docs.Page{Name: "README", Text: readText(t, filepath.Join(repository, "README.md"))}
	return append([]docs.Page{readme}, docs.Pages()...)
}

// pageText returns the text of a page.
func pageText(t *testing.T, name string) string {
	t.Helper()
	for _, page := range manual(t) {
		if page.Name == name {
			return page.Text
		}
	}
	t.Fatalf("there is no page %s", name)
	return ""
}

// codeOf returns the code blocks of a page that are in one of the languages.
func codeOf(t *testing.T, page string, languages ...string) []string {
	t.Helper()
	var code []string
	for _, b := range markdown.Parse(pageText(t, page)) {
		if b.Kind == markdown.Code && slices.Contains(languages, b.Language) {
			code = append(code, b.Text)
		}
	}
	if len(code) == 0 {
		t.Fatalf("page %s has no code in %s", page, languages)
	}
	return code
}

// incidentTenant returns a tenant with the users, groups and passes that the commands of the manual name.
func incidentTenant() *graphsim.Tenant {
	tenant := graphsim.New(graphsim.Options{Audit: true, Roles: simulation.Roles})
	tenant.AddUsers(20)
	for _, upn := range []string{"mallory@contoso.com", "mallory@contoso.example"} {
		creator := &graphsim.Actor{UPN: upn}
		tenant.AddUser(graphsim.User{UPN: upn})
		for i := range 3 {
			tenant.AddUser(graphsim.User{UPN: fmt.Sprintf("victim%d.of.%s", i, upn),
				Passes: []graphsim.Pass{{CreatedBy: creator}}})
		}
	}
	tenant.AddUser(graphsim.User{UPN: "breakglass@contoso.com"})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com",
		Passes: []graphsim.Pass{{ID: "9f0c11aa-1111-4222-8333-000000000001"}}})
	tenant.AddUser(graphsim.User{UPN: "lee@contoso.com", Passes: []graphsim.Pass{{}}})
	return tenant
}

// standIns replace the programs that the manual runs. tapsweep is this binary, and answers its own question
// with yes. A simulation continues in the background, and the commands after it use its tenant. az answers
// as the Azure CLI does. The others do nothing.
var standIns = map[string]string{
	"tapsweep": `export ` + asMain + `=1
if [ -e simulation.env ]; then . ./simulation.env; fi
case "$*" in *--simulate*) unset TAPSWEEP_GRAPH_URL ;; esac
case "$1 $*" in
revoke*--yes* | revoke*--dry-run* | sweep*--yes* | sweep*--dry-run*) exec "$SELF" "$@" ;;
revoke* | sweep*) exec "$SELF" "$@" --yes ;;
simulate*)
	"$SELF" "$@" --listen 127.0.0.1:0 >simulation 2>&1 &
	echo $! >simulation.pid
	until grep -q serving simulation; do sleep 0.02; done
	grep '^export ' simulation >simulation.env ;;
*) exec "$SELF" "$@" ;;
esac`,
	"az": `case "$*" in
"ad app create "* | "ad app list "*) echo "$APP" ;;
"account show --query tenantId --output tsv") echo "$TENANT" ;;
"ad app credential reset "*"--create-cert --query fileWithCertAndPrivateKey --output tsv") echo "$CERTIFICATE" ;;
esac`,
	"docker": "", "kubectl": "", "systemctl": "", "chgrp": "", "chmod": "", "git": "mkdir -p tapsweep", "go": "",
}

// Every command of README.md and of the manual works as shown. The test runs each page in one shell, with
// a simulated tenant in place of Microsoft's cloud.
func TestManualCommands(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	bin := t.TempDir()
	for name, text := range standIns {
		writeProgram(t, filepath.Join(bin, name), "#!/usr/bin/env bash\n"+text+"\n")
	}
	for _, page := range manual(t) {
		t.Run(page.Name, func(t *testing.T) {
			t.Parallel()
			runPage(t, page, bin)
		})
	}
}

// runPage runs the commands of a page in their order, with the programs of a directory.
func runPage(t *testing.T, page docs.Page, bin string) {
	t.Helper()
	tenant := incidentTenant()
	env, root := serveAt(t, tenant)
	dir := t.TempDir()
	write(t, dir+"/list.csv", codeOf(t, "lists", "csv")[0])
	write(t, dir+"/break-glass.txt", "breakglass@contoso.com\n")
	// What earlier pages, or the day before, have left.
	var script strings.Builder
	script.WriteString("set -euo pipefail\n" + "trap '[ ! -e simulation.pid ] || kill $(cat simulation.pid)' EXIT\n" +
		"trap 'echo \"stopped at: $BASH_COMMAND\" >&2' ERR\n" +
		"tapsweep revoke --results incident.jsonl list.csv\n")
	if !strings.Contains(page.Text, "--results proof.jsonl") {
		script.WriteString("tapsweep verify --results proof.jsonl incident.jsonl\n")
	}
	for _, b := range markdown.Parse(page.Text) {
		if b.Kind == markdown.Code && (b.Language == "sh" || b.Language == "bash") {
			script.WriteString("cd " + dir + "\n" + b.Text)
		}
	}
	cmd := command(t, env)
	cmd.Args, cmd.Dir = []string{"bash", "-c", script.String()}, dir
	cmd.Path = assert.Must(exec.LookPath("bash"))
	cmd.Env = append(cmd.Env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"SELF="+assert.Must(os.Executable()), "TAPSWEEP_GRAPH_URL="+root, "APP="+entra.DefaultClientID,
		"TENANT="+entra.DefaultTenantID, "CERTIFICATE="+certificate(t, tenant))
	cmd.Env = without(cmd.Env, asMain)
	if page.Name == "README" { // its own lines say who signs in
		cmd.Env = without(cmd.Env, "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
		cmd.Args[2] = strings.Replace(script.String(), "tapsweep revoke --results incident.jsonl list.csv\n"+
			"tapsweep verify --results proof.jsonl incident.jsonl\n", "", 1)
	}
	finish(t, cmd).ends(t, 0)
}

// The lists in the manual are valid.
func TestManualLists(t *testing.T) {
	t.Parallel()
	for _, text := range slices.Concat(codeOf(t, "README", "csv"), codeOf(t, "lists", "csv")) {
		tapsweep(t, nil, "revoke", "--simulate", "--yes", writeFile(t, "list.csv", text)).ends(t, 0)
	}
}

var (
	assignVariable    = regexp.MustCompile(`(?m)^(\$\w+) = (.*)$`)
	assignEnvironment = regexp.MustCompile(`(?m)^\$env:(\w+) = (.*)$`)
)

// The first real run has the same lines in PowerShell and in bash.
func TestFirstRunInPowerShell(t *testing.T) {
	t.Parallel()
	translated := ""
	for _, text := range codeOf(t, "README", "powershell") {
		if strings.HasPrefix(text, "$app = ") {
			text = assignEnvironment.ReplaceAllString(text, "export $1=<$2>")
			text = assignVariable.ReplaceAllString(text, "$1=<$2>")
			translated = strings.NewReplacer("$app=<", "app=$(", "=<az", "=$(az", "=<", "=", ">\n", ")\n").Replace(text)
		}
	}
	translated = strings.Replace(translated, "AZURE_CLIENT_ID=$app)", "AZURE_CLIENT_ID=$app", 1)
	same(t, "the first run in PowerShell", translated, codeOf(t, "README", "bash")[0])
}

// The blocks of PowerShell close their quotes, and have no syntax of bash.
// Source: learn.microsoft.com/powershell, about_Parsing (a backtick continues a line).
func TestPowerShellIsNoBash(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README", "signing-in", "incident"} {
		text := strings.ReplaceAll(strings.Join(codeOf(t, page, "powershell"), ""), "`\n", " ")
		lacks(t, page, text, "\\\n", "$(", "export ")
		for line := range strings.Lines(text) {
			for _, quote := range []string{`"`, "'"} {
				same(t, "quotes that are open at the end of "+line, strings.Count(line, quote)%2, 0)
			}
		}
	}
}

var link = regexp.MustCompile(`\[[^\]]+\]\(([^)\s]+)\)`)

// Every link leads to a file and a heading that exist.
func TestManualLinks(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range manual(t) {
		dir := filepath.Join(repository, "cmd", "tapsweep", "docs")
		if page.Name == "README" {
			dir = repository
		}
		for _, match := range link.FindAllStringSubmatch(page.Text, -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(target, "#")
			path := filepath.Join(dir, file)
			if file == "" {
				path = filepath.Join(dir, page.Name+".md")
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %s: %v", page.Name, target, err)
			} else if anchor != "" && !slices.Contains(anchors(readText(t, path)), anchor) {
				t.Errorf("%s: no heading is %s", page.Name, target)
			}
		}
	}
	atLeast(t, "links that were found", links, 40)
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchors returns the names by which GitHub links to the headings of a page.
func anchors(text string) (names []string) {
	for _, b := range markdown.Parse(text) {
		if b.Kind == markdown.Heading {
			name := notInAnchors.ReplaceAllString(strings.ToLower(b.Text), "")
			names = append(names, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return names
}

// unclear matches our own words where Microsoft, or the field, has another word.
var unclear = regexp.MustCompile(`(?i)\b(pairs?|settled?|drills?|besides|mend(s|ed)?|bounds?|go(es)? on with|` +
	`gone on with|tells)\b`)

// README.md and the manual use the words of the field, and README.md is short.
func TestManualIsPlain(t *testing.T) {
	t.Parallel()
	atMost(t, "lines of README.md", strings.Count(pageText(t, "README"), "\n"), 250)
	for _, page := range manual(t) {
		for _, b := range markdown.Parse(page.Text) {
			if b.Kind == markdown.Code {
				continue
			}
			text := regexp.MustCompile("`[^`]*`").ReplaceAllString(b.Text, "")
			same(t, fmt.Sprintf("unclear word at line %d of %s", b.Line, page.Name), unclear.FindString(text), "")
		}
	}
}

// Another module can import the packages, as the page library says. The test needs no network, because all
// modules are in the cache.
func TestLibraryModule(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "signout")
	write(t, filepath.Join(dir, "main.go"), codeOf(t, "library", "go")[0])
	script := "set -e\n" + strings.Join(codeOf(t, "library", "bash"), "")
	for _, line := range []string{"git clone REPOSITORY tapsweep\n", "mkdir signout\n", "cd signout\n"} {
		holds(t, "the page", script, line)
		script = strings.Replace(script, line, "", 1)
	}
	script = strings.Replace(script, "=../tapsweep", "="+mustAbs(repository), 1)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off")
	out, err := cmd.CombinedOutput()
	same(t, "error of the script", err, nil)
	holds(t, "the output", string(out), "sessions revoked: dana@contoso.com\n")
}
