package input

import (
	"fmt"
	"strings"
	"testing"
)

// The size of a row is limited, and that of a list is not. No lost quote pulls a list into memory.
func TestLimits(t *testing.T) {
	mib, deep := strings.Repeat("z", maxRowBytes), strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)
	var small []string // which are longer than a row may be, together
	for i := range 3000 {
		small = append(small, fmt.Sprintf(`{"user":"user%d@contoso.com","x":"%s"}`, i, mib[:1000]))
	}
	for _, tt := range []struct{ name, file, text, want string }{
		{"long row", "l.csv", "user,x\nDANA," + mib[len(dana)+2:] + "\n", "pair: 2 DANA\n"},
		{"row too long", "l.csv", "user,x\nDANA,\nDANA," + mib + "\n", "l.csv:3: a row from here on is longer"},
		{"quote that swallows the rest", "l.csv", "user,x\nDANA,\n\"" + strings.Repeat("DANA,PASS1\n", 40000),
			"l.csv:3: a row from here on is longer than 1 MiB"},
		// A bad quote in a row that is too long once hid the length, and the row's rest was read as
		// the next row.
		{"row too long with a bare quote", "l.csv", "user,x\na\"," + mib + "\nDANA,\n", "l.csv:2: a row from here on"},
		{"row too long after a row of three lines", "l.csv", "user,x\nDANA,\"a\nb\n\"\n" + mib,
			"l.csv:5: a row from here on"},
		{"header too long", "l.csv", mib + "z\nuser\n", "l.csv:1: the line is longer than 1 MiB"},
		{"header with an endless quote", "l.csv", "\"" + strings.Repeat("a\n", maxRowBytes),
			"l.csv:1: the header is longer than 1 MiB"},
		{"line of a plain list too long", "l.txt", "DANA\n" + mib + "z\n", "l.txt:2: the line is longer than 1 MiB"},
		{"line of JSON Lines too long", "l.jsonl", "OBJ1\n{\"x\":\"" + mib + "\"}\nx\n",
			"l.jsonl:2: the line is longer than 1 MiB\n    not pairs: l.jsonl:3:1: "},
		{"big array of small elements", "l.json", "[" + strings.Join(small, ",\n") + "]", "pair: 3000 user2999@"},
		{"many small documents", "l.json", strings.Join(small, "\n"), "pair: 3000 user2999@contoso.com"},
		{"big ignored value", "l.json", `[{"user":"DANA","x":"` + mib[100:] + `"}]`, "pair: 1 DANA\n"},
		{"element too long", "l.json", "[OBJ1,\n{\"x\":\"" + mib + `","user":"ELI"}]`,
			"l.json:2: an element from here on is longer than 1 MiB"},
		{"many lines between elements", "l.json", "[OBJ1," + strings.Repeat("\n", 100_000) + "OBJ2]",
			"pair: 1 DANA PASS1\n    pair: 100001 ELI PASS2\n"},
		{"space without end", "l.json", "[OBJ1" + strings.Repeat(" ", 2*maxRowBytes) + "]", "longer than 1 MiB"},
		{"nested", "l.json", `{"x":` + deep[91_000:109_000] + `,"user":"DANA"}`, "pair: 1 DANA\n"},
		{"nested too deep", "l.json", `{"x":` + deep + `,"user":"DANA"}`, "the JSON is broken"},
		{"nested too deep in value", "l.json", `{"value":{"x":` + deep + `},"user":"DANA"}`, "pair: 1 DANA\n"},
	} {
		if got := outcome(write(t, tt.file, tt.text)); !strings.Contains(got, tt.want) {
			t.Errorf("%s: the outcome is\n%.300s\nwant %q in it", tt.name, got, tt.want)
		}
	}
}

// A GUID in an unknown column may be the ID of the pass, whatever the column is called.
func TestUnknownColumns(t *testing.T) {
	values := []string{pass1, strings.ToUpper(pass1), "{" + pass1 + "}", strings.ReplaceAll(pass1, "-", ""),
		pass1 + ";" + pass2, "TAP " + pass1}
	for want, columns := range map[string][]string{
		"holds a GUID, but is not a known column": {"mthd", "tokenId", "key", "pin", "note", "", "ｔａｐ", "метод",
			"method\u200b", "temporaryAccessPass", "source", "self", "tapId", "mthod", "metohd", "methode", "Metod Id",
			"passsId", "credentialId", "pass", "methodIds", "tap id", "authMethod"},
		"": {"tenantId", "manager", "managerId", "requestId", "onPremisesImmutableId", "employeeId",
			"Assigned Licenses", "objectGUID", "incidentId"},
	} {
		for _, column := range columns {
			for _, value := range values {
				for file, text := range map[string]string{
					"l.csv":  "user," + column + ",x\nDANA," + value + ",\n",
					"l.json": `{"user":"DANA","` + column + `":"` + value + `"}`,
					"n.json": `{"user":"DANA","` + column + `":[{"id":"` + value + `"}]}`,
				} {
					l, err := Open([]string{write(t, file, text)}, Options{})
					checkError(t, fmt.Sprintf("Open of %q", text), err, want)
					if err == nil {
						l.Close()
					}
				}
			}
		}
	}
}
