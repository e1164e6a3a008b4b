package input

import "testing"

// A pass id under an unknown name must not turn its row into "any pass of the user".
func TestMisnamedPass(t *testing.T) {
	for _, name := range []string{"pass", "TAP", "temporaryAccessPass", "methodIds", "tap id", "authMethod"} {
		for file, text := range map[string]string{
			"l.csv":  "user," + name + "\nDANA,PASS1\n",
			"l.json": `{"user":"DANA","` + name + `":"PASS1"}`,
		} {
			checkRefused(t, file, text, "rename it to methodId")
		}
	}
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
