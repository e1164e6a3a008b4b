package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/readme"
	"tapsweep/cmd/tapsweep/internal/simulation"
)

// readmeCommands returns the shell commands that the README shows.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	var commands []string
	for _, block := range readme.Blocks(string(mustRead(t, "../../README.md")), "sh") {
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); line != "" {
				commands = append(commands, line)
			}
		}
	}
	return commands
}

// Every tapsweep command of the README runs, in the order of the README, with a
// simulated tenant for Microsoft's cloud.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	users := tenant.AddUsers(30)
	env, root := serve(t, tenant)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "list.csv"), []byte(listOf(users[:20])), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "break-glass.txt"), []byte("breakglass@contoso.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tenant.AddUser(graphsim.User{UPN: "breakglass@contoso.com"})
	ran := 0
	for _, line := range readmeCommands(t) {
		args, ok := strings.CutPrefix(strings.TrimPrefix(line, "./"), "tapsweep ")
		if !ok {
			if !strings.HasPrefix(line, "export AZURE_") && !strings.HasPrefix(line, "go build -o tapsweep ") {
				t.Errorf("README shows a command that no test runs: %s", line)
			}
			continue
		}
		ran++
		words := strings.Fields(args)
		switch {
		case words[0] == "simulate":
			words = append(words, "--listen", "127.0.0.1:0")
		case words[0] == "check" || words[0] == "scan" || words[0] == "verify":
			words = append(words, "--graph-url", root)
		case words[0] == "report": // goes nowhere
		case !strings.Contains(args, "--simulate"):
			words = append(words, "--graph-url", root)
			if !strings.Contains(args, "--yes") && !strings.Contains(args, "--dry-run") {
				words = append(words, "--yes") // a person would be asked
			}
		}
		cmd := command(t, env, words...)
		cmd.Dir = dir
		var meanwhile []func(*os.Process)
		if words[0] == "simulate" {
			meanwhile = append(meanwhile, func(p *os.Process) { interruptWhenReady(t, p, dir) })
		}
		if p := finish(t, cmd, meanwhile...); p.code != 0 {
			t.Errorf("%s: exit %d\n%s", line, p.code, p.stderr)
		}
	}
	if ran < 10 || len(tenant.Remaining()) != 0 {
		t.Errorf("%d commands ran, %d passes left", ran, len(tenant.Remaining()))
	}
}

// interruptWhenReady ends tapsweep simulate once it has written its list.
func interruptWhenReady(t *testing.T, p *os.Process, dir string) {
	for t.Context().Err() == nil {
		if _, err := os.Stat(filepath.Join(dir, "drill.csv")); err == nil {
			time.Sleep(300 * time.Millisecond)
			p.Signal(os.Interrupt)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Every flag, outcome and exit code of the program stands in the README.
func TestReadmeIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	for _, command := range []string{"revoke", "check", "scan", "sweep", "verify", "report"} {
		help.WriteString(tapsweep(t, nil, command, "--help").stdout)
	}
	for line := range strings.Lines(help.String()) {
		_, flag, ok := strings.Cut(line, " --")
		if name, _, _ := strings.Cut(flag, " "); ok && strings.HasPrefix(strings.TrimSpace(line), "-") && name != "help" &&
			!strings.Contains(string(text), "`--"+strings.TrimSpace(name)) {
			t.Errorf("the README does not mention --%s", name)
		}
	}
}

// Every link of the README leads somewhere: to one of its headings, or to a file.
func TestReadmeLinks(t *testing.T) {
	t.Parallel()
	text := string(mustRead(t, "../../README.md"))
	anchors := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^##+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors["#"+strings.ReplaceAll(name, " ", "-")] = true
	}
	links := regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1)
	for _, m := range links {
		link := m[1]
		if strings.HasPrefix(link, "#") {
			if !anchors[link] {
				t.Errorf("no heading is %s", link)
			}
		} else if _, err := os.Stat(filepath.Join("../..", link)); err != nil {
			t.Errorf("%s: %v", link, err)
		}
	}
	if strings.Contains(text, "| |---") {
		t.Error("a table is reflowed")
	}
	if len(links) < 20 {
		t.Errorf("%d links", len(links))
	}
}
