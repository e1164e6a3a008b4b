package safetext

import (
	"fmt"
	"testing"

	"tapsweep/testdata/assert"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"list.csv": "list.csv", "Müller 名.csv": "Müller 名.csv",
		"a\x1b[2Jb": `a\x1b[2Jb`, "a\nb": `a\nb`, "a\rb\x7f": `a\rb\x7f`,
		"a\u202ecsv": `a\u202ecsv`, "a\u009bb": `a\u009bb`,
		"a\xffb": `a\xffb`, "a\ufffdb": "a\ufffdb", "it's \"a\" \\ b": "it's \"a\" \\ b", "": "",
	} {
		assert.Same(t, fmt.Sprintf("Visible(%q)", text), Visible(text, ""), want)
	}
	assert.Same(t, "Visible with characters to keep", Visible("a\n\tb\x1b", "\n\t"), "a\n\tb\\x1b")
}
