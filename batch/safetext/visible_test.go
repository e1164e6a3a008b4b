package safetext

import "testing"

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"list.csv": "list.csv", "Müller 名.csv": "Müller 名.csv",
		"a\x1b[2Jb": `a\x1b[2Jb`, "a\nb": `a\nb`, "a\rb\x7f": `a\rb\x7f`,
		"a\u202ecsv": `a\u202ecsv`, "a\u009bb": `a\u009bb`,
		"a\xffb": `a\xffb`, "a\ufffdb": "a\ufffdb", "it's \"a\" \\ b": "it's \"a\" \\ b", "": "",
	} {
		if got := Visible(text, ""); got != want {
			t.Errorf("Visible(%q) = %q, want %q", text, got, want)
		}
	}
	if got := Visible("a\n\tb\x1b", "\n\t"); got != "a\n\tb\\x1b" {
		t.Errorf("Visible did not keep the characters in keep: %q", got)
	}
}
