package cli

import (
	"bytes"
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

// The pages of one SOURCE_DATE_EPOCH are the same whenever they are written.
func TestManPagesAreReproducible(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "tapsweep-revoke.1")
	var before []byte
	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	for range 2 {
		if p := tapsweep(t, nil, "man", dir); p.code != status.Done {
			t.Fatalf("exit %d\n%s", p.code, p.stderr)
		}
		now := mustRead(t, page)
		if !bytes.Contains(now, []byte(`"Sep 2026"`)) {
			t.Errorf("the page does not bear the date of SOURCE_DATE_EPOCH\n%.200s", now)
		}
		if before != nil && !bytes.Equal(now, before) {
			t.Error("the page differs from the one before")
		}
		before = now
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
