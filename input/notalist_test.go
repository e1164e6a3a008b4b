package input

import (
	"strings"
	"testing"
)

// A column with a known meaning, or one beside a column of passes, may hold a GUID.
func TestHarmlessColumns(t *testing.T) {
	for _, text := range []string{
		"user,passwordPolicies\nDANA,None\n",
		"user,methodsRegistered\nDANA,mobilePhone\n",
		"user,methodId,tapNote\nDANA,,PASS1\n",
		"user,managerId\nDANA,PASS1\n",
	} {
		open(t, Options{}, write(t, "l.csv", text))
	}
}

func TestNotText(t *testing.T) {
	for text, want := range map[string]string{
		"PK\x03\x04\x14\x00":              "workbook",
		"u\x00s\x00e\x00r\x00\n\x00a\x00": "UTF-16",
	} {
		checkRefused(t, "l.csv", text, want)
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
