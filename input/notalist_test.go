package input

import "testing"

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
