package input

import (
	"fmt"
	"regexp"
	"testing"

	"tapsweep/testdata/assert"
)

// A pass, or a line of a file that is not a list, is not shown, wherever it stands. A password may have letters only.
func TestSecretsAreNotShown(t *testing.T) {
	for _, pass := range []string{"Xk7#pQ2m", "CorrectHorse"} {
		secretIsNotShown(t, pass)
	}
}

func secretIsNotShown(t *testing.T, pass string) {
	refused := regexp.MustCompile("refused: |not pairs: ")
	for name, text := range map[string]string{
		"a header":               pass + "\n",
		"a header of two":        dana + ";" + pass + "\n",
		"a header without users": "name," + pass + "\nDana," + pass1 + "\n",
		"a header after a user":  "user," + pass + "\n" + dana + "," + pass1 + "\n",
		"a key":                  `{"user":"` + dana + `","` + pass + `":"` + pass1 + `"}`,
		"a user column":          "user,method\n" + pass + "," + pass1 + "\n",
		"a second user column":   "user,upn,method\n" + dana + ",a@" + pass + "," + pass1 + "\n",
		"a user of JSON":         `[{"user":"` + pass + `"}]`,
		"a plain list":           dana + "\n" + pass + "\n",
		"a user and a pass":      dana + "\n" + eli + " " + pass + "\n",
		"a pass and a user":      dana + "\n" + pass + ":" + eli + "\n",
		"a user, then a pass":    eli + "|" + pass + "\n",
		"a type":                 "user,objectType\n" + dana + "," + pass + "\n",
		"an OData type":          `[{"user":"` + dana + `","@odata.type":"#microsoft.graph.` + pass + `"}]`,
		"an OData type alone":    `[{"user":"` + dana + `","@odata.type":"` + pass + `"}]`,
		"an object as a type":    `[{"user":"` + dana + `","objectType":{"x":"` + pass + `"}}]`,
		"a file of passwords":    "root:$6$" + pass + ":19000:0:99999:7:::\n",
	} {
		path := write(t, "list", text)
		got := outcome(path)
		assert.Lacks(t, name+": the outcome", got, pass)
		assert.That(t, refused.MatchString(got), "%s: the list is not refused:\n%s", name, got)
		l, err := Open([]string{path}, Options{SkipInvalid: true})
		if err != nil {
			assert.Lacks(t, name+": Open with SkipInvalid", err.Error(), pass)
			continue
		}
		for _, p := range all(t, l) {
			assert.Lacks(t, name+": a refused row", fmt.Sprint(p.User, " ", p.Err), pass)
		}
		l.Close()
	}
}
