package input

import (
	"strings"
	"testing"
)

// A pass id under a name that is not known must not turn its row into "whatever
// pass this user holds".
func TestHiddenPass(t *testing.T) {
	for _, name := range []string{"pass", "TAP", "temporaryAccessPass", "methodIds", "tap id", "authMethod"} {
		for file, text := range map[string]string{
			"l.csv":  "user," + name + "\n" + dana + "," + pass1 + "\n",
			"l.json": `{"user":"` + dana + `","` + name + `":"` + pass1 + `"}`,
		} {
			if _, err := Open([]string{write(t, file, text)}, Options{}); err == nil || !strings.Contains(err.Error(), "rename it to methodId") {
				t.Errorf("%s: Open = %v", text, err)
			}
		}
	}
	for _, text := range []string{
		"user,passwordPolicies\n" + dana + ",None\n",
		"user,methodsRegistered\n" + dana + ",mobilePhone\n",
		"user,methodId,tapNote\n" + dana + ",," + pass1 + "\n",
		"user,managerId\n" + dana + "," + pass1 + "\n",
	} {
		open(t, Options{}, write(t, "l.csv", text))
	}
}

func TestNotText(t *testing.T) {
	for text, want := range map[string]string{
		"PK\x03\x04\x14\x00":              "workbook",
		"u\x00s\x00e\x00r\x00\n\x00a\x00": "UTF-16",
	} {
		if _, err := Open([]string{write(t, "l.csv", text)}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open of %q = %v, want %q", text, err, want)
		}
	}
}

// A row without a pass in a part of a results log may be done. It must not mean any pass of its
// user, whatever came before it in the file.
func TestPartOfResults(t *testing.T) {
	row := func(method string) string {
		return `{"type":"result","user":"` + dana + `","method":"` + method + `","outcome":"revoked","attempts":1}` + "\n"
	}
	for file, text := range map[string]string{
		"l.jsonl": `{"user":"` + eli + `"}` + "\n" + row(""),
		"l.csv":   "user,method,outcome,attempts\n" + dana + ",,revoked,1\n",
	} {
		_, err := Open([]string{write(t, file, text)}, Options{})
		if err == nil || !strings.Contains(err.Error(), "use the whole log, or keep only user and method") {
			t.Errorf("Open of %q = %v, want an error that says what to do", text, err)
		}
	}
	if got := open(t, Options{}, write(t, "l.jsonl", row(pass1))).Stats().Unique; got != 1 {
		t.Errorf("a row with a pass: %d pairs, want 1", got)
	}
}
