package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Every command that is listed has a man page, which names each of its flags. Each page of the manual
// has one in section 7.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share", "man1")
	if err := (&program{version: "devel"}).writeManPages(dir); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range new(program).rootCommand().Commands() {
		if cmd.Hidden || cmd.IsAdditionalHelpTopicCommand() {
			continue
		}
		page := string(mustRead(t, filepath.Join(dir, "tapsweep-"+cmd.Name()+".1")))
		for _, flag := range flagNames(cmd) {
			if !strings.Contains(page, `\fB--`+flag+`\fP`) {
				t.Errorf("the page of %s does not name --%s", cmd.Name(), flag)
			}
		}
	}
	for _, page := range docs.Pages() {
		text := string(mustRead(t, filepath.Join(dir, "tapsweep-"+page.Name+".7")))
		if !strings.Contains(text, "\n.SH NAME\ntapsweep\\-") {
			t.Errorf("the page %s has no NAME\n%.200s", page.Name, text)
		}
	}
}

func TestManDirectoryThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := tapsweep(t, nil, "man", path)
	if p.code != status.Usage {
		t.Errorf("exit %d, want %d", p.code, status.Usage)
	}
	if !strings.Contains(p.stderr, "writing the man pages: ") {
		t.Errorf("standard error says\n%s", p.stderr)
	}
}
