package input

import (
	"strings"
	"testing"
)

// A pass, or a line of a file that is not a list, is not shown, wherever it stands.
func TestSecretsAreNotShown(t *testing.T) {
	const pass = "Xk7#pQ2m"
	for name, text := range map[string]string{
		"a header":               pass + "\n",
		"a header of two":        dana + ";" + pass + "\n",
		"a header without users": "name," + pass + "\nDana," + pass1 + "\n",
		"a header beside a user": "user," + pass + "\n" + dana + "," + pass1 + "\n",
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
		_, err := Open([]string{path}, Options{})
		if err == nil {
			t.Errorf("Open of %s succeeded", name)
		}
		_, usersErr := ReadUsers(nil, path)
		shown := map[string]error{"Open": err, "ReadUsers": usersErr}
		if l, err := Open([]string{path}, Options{SkipInvalid: true}); err != nil {
			shown["Open with SkipInvalid"] = err
		} else {
			for _, p := range all(t, l) {
				if strings.Contains(p.User, pass) {
					t.Errorf("%s: a refused row shows the pass as its user %q", name, p.User)
				}
				shown["a refused row"] = p.Err
			}
			l.Close()
		}
		for what, err := range shown {
			if err != nil && strings.Contains(err.Error(), pass) {
				t.Errorf("%s: %s shows the pass: %v", name, what, err)
			}
		}
	}
}
