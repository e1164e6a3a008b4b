package input

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	xunicode "golang.org/x/text/encoding/unicode"
)

func TestReadUsers(t *testing.T) {
	id := func(line int) User { return User{Line: line, ID: oid1} }
	upn := func(line int) User { return User{Line: line, UPN: dana} }
	both := func(line int) User { return User{Line: line, ID: oid1, UPN: dana} }
	tests := []struct {
		name, text string
		want       []User // Source is not compared
		err        string // part of the error; the list is called LIST
	}{
		{name: "plain", text: dana + "\n" + oid1 + "\n", want: []User{upn(1), id(2)}},
		{name: "plain without a last line end", text: oid1, want: []User{id(1)}},
		{name: "plain with comments and spaces", text: "# break glass\r\n\r\n  " + dana + "\t\r\n\t# and\r\n" + oid1 + " \r\n", want: []User{upn(3), id(5)}},
		{name: "plain with a byte order mark", text: "\ufeff" + dana, want: []User{upn(1)}},
		{name: "plain in UTF-16", text: utf16(xunicode.LittleEndian, dana+"\r\n"+oid1), want: []User{upn(1), id(2)}},
		{name: "plain with odd names", text: "a_b.com#EXT#@t.onmicrosoft.com\n$x@contoso.com\n'=x@contoso.com\n{x@contoso.com\n",
			want: []User{{Line: 1, UPN: "a_b.com#EXT#@t.onmicrosoft.com"}, {Line: 2, UPN: "$x@contoso.com"}, {Line: 3, UPN: "'=x@contoso.com"}, {Line: 4, UPN: "{x@contoso.com"}}},
		{name: "plain that begins like JSON", text: "{x@contoso.com\n", want: []User{{Line: 1, UPN: "{x@contoso.com"}}},
		{name: "plain with a comment behind a user", text: dana + "\n" + eli + " # emergency\n", err: `LIST:2: user "el..." (28 characters) does not end in a domain`},
		{name: "plain with a second column", text: dana + "\n" + eli + "," + pass1 + "\n", err: `LIST:2: user "el..." (53 characters) does not end in a domain`},
		{name: "plain with two bad lines", text: dana + "\nnope\n" + eli + "\nMüller@contoso.com\n", err: "LIST:2: user \"nope\" is neither an object id nor a user principal name such as dana@contoso.com\nLIST:4: "},
		{name: "a bad first line", text: "bg1\n" + dana + "\n", err: `LIST:1: no user column in the header "bg..." (3 characters)`},
		{name: "a bad first line, what to do", text: "bg1\n" + dana + "\n", err: "in a list of one user on each line, the first has to be a user too"},

		{name: "CSV with a user", text: "user\n" + dana + "\n\n" + oid1 + "\n", want: []User{upn(2), id(4)}},
		{name: "CSV with id and UPN", text: "id,displayName,userPrincipalName\n" + oid1 + ",Dana," + dana + "\n", want: []User{both(2)}},
		{name: "CSV with id or UPN", text: "upn;objectId\n" + dana + ";\n;" + oid1 + "\n" + dana + ";" + oid1 + "\n", want: []User{upn(2), id(3), both(4)}},
		{name: "CSV with the same user twice", text: "user,upn\n" + strings.ToUpper(dana) + "," + dana + "\n", want: []User{{Line: 2, UPN: strings.ToUpper(dana)}}},
		{name: "CSV with a pass", text: "user,method\n" + dana + "," + pass1 + "\n" + oid1 + ",\n", want: []User{upn(2), id(3)}},
		{name: "CSV with a bad pass", text: "user,method,passId\n" + dana + ",nope,\n" + dana + "," + pass1 + "," + pass2 + "\n", want: []User{upn(2), upn(3)}},
		{name: "CSV with a pass under another name", text: "user,tap\n" + dana + "," + pass1 + "\n", want: []User{upn(2)}},
		{name: "CSV with an apostrophe against formulas", text: "user,upn\n" + oid1 + ",'=x@contoso.com\n", want: []User{{Line: 2, ID: oid1, UPN: "=x@contoso.com"}}},
		{name: "CSV of PowerShell", text: "#TYPE System.Object\r\n\"UserPrincipalName\",\"ObjectId\"\r\n\"" + dana + "\",\"" + oid1 + "\"\r\n", want: []User{both(3)}},
		{name: "CSV of Excel", text: "sep=;\r\nupn;userId\r\n" + dana + ";" + oid1 + "\r\n", want: []User{both(3)}},
		{name: "CSV with several lines in a field", text: "note,user\n\"a\nb\"," + dana + "\nc," + oid1 + "\n", want: []User{upn(2), id(4)}},
		{name: "CSV with a comment", text: "user\n# break glass\n" + dana + "\n", err: "LIST:2: the row starts with #"},
		{name: "CSV behind a comment", text: "# break glass\nuser,method\n" + dana + ",\n", err: "LIST:1: no user column"},
		{name: "CSV with two users in a row", text: "user,upn\n" + dana + "," + eli + "\n", err: `LIST:2: the row names two users, "dana@contoso.com" and "eli@fabrikam.com"`},
		{name: "CSV with two ids in a row", text: "userId,id\n" + oid1 + "," + oid2 + "\n", err: `LIST:2: "id" beside "userId" may be the user's id or the pass's`},
		{name: "CSV with two ids and a pass in a row", text: "userId,id,methodId\n" + oid1 + "," + oid2 + ",\n", err: "LIST:2: the row names two users"},
		{name: "CSV with a bad second name", text: "userId,upn\n" + oid1 + ",Dana\n", err: `LIST:2: user "Dana" is neither`},
		{name: "CSV with a row without a user", text: "user,method\n," + pass1 + "\n", err: "LIST:2: user is empty"},
		{name: "CSV with a short row", text: "user,method\n" + dana + "\n", err: "LIST:2: the row has 1 fields, the header 2"},
		{name: "CSV with a lost quote", text: "user\n" + dana + "\n\"" + eli + "\n", err: "LIST:3:"},
		{name: "CSV where id may be the pass's", text: "user,id\n" + dana + "," + pass1 + "\n", err: "may be the user's id or the pass's"},
		{name: "no header", text: dana + "," + pass1 + "\n", err: "LIST:1: there is no header"},

		{name: "JSON array", text: "[\n{\"user\":\"" + dana + "\"},\n\n{\"userId\":\"" + oid1 + "\",\"userPrincipalName\":\"" + dana + "\"}\n]", want: []User{upn(2), both(4)}},
		{name: "JSON of Graph", text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[` + "\n" + `{"id":"` + oid1 + `","userPrincipalName":"` + dana + `","x":[1,{"y":"]"}]}` + "\n]}", want: []User{both(2)}},
		{name: "JSON with a pass of any type", text: `[{"user":"` + dana + `","method":1},{"user":"` + dana + `","methodId":"nope","tapId":"` + pass1 + `"},{"user":"` + dana + `","myTap":"` + pass1 + `"}]`, want: []User{upn(1), upn(1), upn(1)}},
		{name: "JSON Lines", text: `{"upn":"` + dana + `","objectId":"` + oid1 + `"}` + "\n\n" + `{"objectId":"` + oid1 + `","upn":null}` + "\r\n", want: []User{both(1), id(3)}},
		{name: "JSON behind spaces", text: " \n [{\"user\":\"" + dana + "\"}]\n", want: []User{upn(2)}},
		{name: "JSON of Graph with more pages", text: "\n" + `{"@odata.nextLink":"n","value":[{"id":"` + oid1 + `"}]}`, err: "LIST:2: this is one page of several"},
		{name: "JSON of Graph with all pages", text: `{"@odata.nextLink":"n","value":[{"userId":"` + oid1 + `"}]} {"value":[]}`, want: []User{id(1)}},
		{name: "JSON with a row and a list", text: `{"user":"` + dana + `","value":[]}`, err: "keep one of the two"},
		{name: "JSON with two lists", text: `{"value":[],"value":[]}`, err: `two arrays "value"`},
		{name: "JSON with other elements", text: `[{"user":"` + dana + `"},` + "\n" + `"` + eli + `",null]`, err: "LIST:2: the element is a string, and has to be an object\nLIST:2:20: the element is null"},
		{name: "JSON with other documents", text: "[]\n3", err: "LIST:2: an object or an array has to start here"},
		{name: "JSON with a user of another type", text: `[{"user":"` + dana + `","id":7}]`, err: `LIST:1: "id" is a number`},
		{name: "JSON without a user", text: `[{"method":"` + pass1 + `"}]`, err: "LIST:1: no user: the object has none of the keys"},
		{name: "JSON with an empty user", text: `[{"user":""}]`, err: "LIST:1: user is empty"},
		{name: "JSON with a key twice", text: `[{"user":"` + dana + `","User":"` + eli + `"}]`, err: "the same name twice"},
		{name: "JSON where id may be the pass's", text: `[{"upn":"` + dana + `","id":"` + pass1 + `"}]`, err: "may be the user's id or the pass's"},
		{name: "JSON of Graph about passes", text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users('` + oid1 +
			`')/authentication/temporaryAccessPassMethods","value":[{"user":"` + dana + `","id":"` + pass1 + `"}]}`, want: []User{upn(1)}},
		{name: "broken JSON", text: "[{\"user\":\"" + dana + "\"}]\n\n[\n{\"user\" \"x\"}]", err: "LIST:4: the JSON is broken"},
		{name: "JSON that ends too early", text: "[\n{\"user\":\"" + dana + "\"},\n", err: "LIST:3: the JSON ends too early"},

		{name: "nothing", text: "", err: "LIST: no user in this list"},
		{name: "only comments", text: "# nobody yet\n\n", err: "LIST: no user in this list"},
		{name: "only a header", text: "user,method\n", err: "LIST: no user in this list"},
		{name: "an empty array", text: "[]", err: "LIST: no user in this list"},
		{name: "an empty answer", text: `{"value":[]}`, err: "LIST: no user in this list"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "list", tt.text)
			got, err := ReadUsers(nil, path)
			if tt.err != "" {
				if _, ok := errors.AsType[*Problems](err); !ok || got != nil {
					t.Fatalf("ReadUsers(%q) = %v, %v, want *Problems", tt.text, got, err)
				}
				if msg := strings.ReplaceAll(err.Error(), path, "LIST"); !strings.Contains(msg, tt.err) {
					t.Errorf("ReadUsers(%q) = %q, want it to hold %q", tt.text, msg, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("ReadUsers(%q) = %v", tt.text, err)
			}
			for i := range tt.want {
				tt.want[i].Source = path
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ReadUsers(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// What is wrong comes together: all rows of all lists.
func TestReadUsersProblems(t *testing.T) {
	good := write(t, "good.txt", dana)
	bad := write(t, "bad.txt", dana+"\n"+strings.Repeat("nope\n", 30))
	empty := write(t, "empty.csv", "user\n")
	users, err := ReadUsers(nil, good, bad, empty)
	problems, ok := errors.AsType[*Problems](err)
	if !ok || users != nil || problems.Count != 31 || len(problems.Errs) != 20 || !problems.Cut {
		t.Fatalf("ReadUsers = %v, %v", users, err)
	}
	if e := problems.Errs[0]; e.Source != bad || e.Line != 2 || e.Field != "user" || !strings.HasSuffix(err.Error(), "and 11 more") {
		t.Errorf("ReadUsers = %v", err)
	}

	long := write(t, "long.txt", strings.Repeat(dana+"\n", maxUsersBytes/len(dana)))
	none := filepath.Join(t.TempDir(), "none")
	for name, want := range map[string]string{"-": "standard input", t.TempDir(): "reading ", none: none, long: "longer than 64 MiB"} {
		if users, err := ReadUsers(nil, good, name); err == nil || users != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadUsers(%s) = %v, %v, want an error with %q", name, users, err, want)
		}
	}
	if users, err := ReadUsers(nil); users != nil || err != nil {
		t.Errorf("ReadUsers() = %v, %v", users, err)
	}
}

// A list that says where to look and names nobody is no reason to fail. A list of users who are to
// be protected is.
func TestReadScope(t *testing.T) {
	for _, tt := range []struct {
		name, text       string
		users            int
		warn, err, error string // of ReadScope, of ReadScope, of ReadUsers
	}{
		{"a bad row", `{"user":"nope"}`, 0, "", "neither an object id", "neither an object id"},
		{"a header only", "user,method\n", 0, "no user in this list", "", "no user in this list"},
		{"an empty array", "[]", 0, "no user in this list", "", "no user in this list"},
		{"an empty file", "", 0, "", "no user in this list", "no user in this list"},
	} {
		path := write(t, "list", tt.text)
		users, warnings, err := ReadScope(nil, path)
		if len(users) != tt.users {
			t.Errorf("%s: ReadScope = %v, want %d users", tt.name, users, tt.users)
		}
		if got := strings.Join(warnings, " "); (got == "") != (tt.warn == "") || !strings.Contains(got, tt.warn) {
			t.Errorf("%s: ReadScope warns %q, want %q", tt.name, got, tt.warn)
		}
		_, strict := ReadUsers(nil, path)
		for want, err := range map[*string]error{&tt.err: err, &tt.error: strict} {
			if (err == nil) != (*want == "") || err != nil && !strings.Contains(err.Error(), *want) {
				t.Errorf("%s: the error is %v, want %q", tt.name, err, *want)
			}
		}
	}
}

// Every sample that Open takes is a list of users too, with all of its users.
func TestReadUsersSamples(t *testing.T) {
	paths, err := filepath.Glob(samples + "/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range paths {
		l, err := Open([]string{path}, Options{})
		if err != nil {
			continue
		}
		users, err := ReadUsers(nil, path)
		if err != nil {
			t.Errorf("ReadUsers = %v", err)
		}
		named := namesOf(users)
		for _, p := range all(t, l) {
			if !named[strings.ToLower(p.User)] {
				t.Errorf("%s:%d: %s is not among the users", p.Source, p.Line, p.User)
			}
		}
		l.Close()
	}
}

func namesOf(users []User) map[string]bool {
	named := make(map[string]bool)
	for _, u := range users {
		for _, name := range []string{u.ID, u.UPN} {
			if name != "" {
				named[strings.ToLower(name)] = true
			}
		}
	}
	return named
}

// usersIn returns the users of a text, if nothing is wrong with it.
func usersIn(t *testing.T, text string) (users []User, ok bool) {
	last, ok := 0, true
	s := textSource("list", "", text)
	s.usersOnly = true
	if err := s.recognize(nil); err != nil {
		t.Fatal(err)
	}
	err := s.rows(func(r row) bool {
		r = r.asUser()
		if r.line < last || r.line == 0 || r.err != nil && r.err.Line != r.line {
			t.Errorf("row of line %d after line %d: %v", r.line, last, r.err)
		}
		if last = r.line; r.err != nil {
			ok = false
			return true
		}
		u := r.toUser("")
		u.Line = 0
		users = append(users, u)
		return true
	})
	if le, is := errors.AsType[*LineError](err); err != nil && (!is || le.Line == 0) {
		t.Errorf("error without a line: %v", err)
	}
	return users, ok && err == nil
}

// Users that were accepted are users, they stay the same in every form, and
// nobody is lost whom the same text names as a list of pairs.
func FuzzUsers(f *testing.F) {
	seed(f)
	f.Add("# break glass\n" + dana + "\n\n" + oid1)
	f.Add("userId,upn\n" + oid1 + ",'=x@contoso.com\n")
	f.Add("[{\"userId\":\"" + oid1 + "\",\n\"upn\":\"" + dana + "\"}]\n{\"value\":[{\"user\":\"" + eli + "\"}]}\n{\"a\" 1}")
	f.Fuzz(func(t *testing.T, text string) {
		users, ok := usersIn(t, text)
		for _, u := range users {
			if u.ID == "" && u.UPN == "" || u.ID != "" && !isGUID(u.ID) || u.UPN != "" && (isGUID(u.UPN) || CheckUser(u.UPN) != nil) {
				t.Errorf("accepted %+v", u)
			}
		}
		if !ok {
			return
		}
		named := namesOf(users)
		for form, read := range map[string]reader{"CSV": csvRows, "JSON": jsonRows} {
			pairs, _ := accepted(t, read, text)
			for _, p := range pairs {
				if !named[strings.ToLower(p.User)] {
					t.Errorf("%s names %q, who is not among the users %+v", form, p.User, users)
				}
			}
		}
		for form, text := range usersAs(users) {
			again, ok := usersIn(t, text)
			if form == "plain" {
				if len(namesOf(again)) != len(named) || len(users) > 0 && !ok {
					t.Errorf("%d names as plain text, want %d", len(namesOf(again)), len(named))
				}
			} else if diff := cmp.Diff(users, again); diff != "" || !ok {
				t.Errorf("written as %s and read again (-want +got):\n%s", form, diff)
			}
		}
	})
}

// usersAs writes the users in all forms.
func usersAs(users []User) map[string]string {
	var csvText, lines, plain strings.Builder
	w := csv.NewWriter(&csvText)
	write := func(fields ...string) {
		if err := w.Write(fields); err != nil {
			panic(err)
		}
	}
	write("userId", "note", "upn")
	for _, u := range users {
		write(u.ID, "two\nlines", CSVValue(u.UPN))
		object, err := json.Marshal(map[string]string{"objectId": u.ID, "user_principal_name": u.UPN})
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&lines, "%s\n", object)
		for _, name := range []string{u.ID, u.UPN} {
			if name != "" {
				fmt.Fprintf(&plain, "%s\n", name)
			}
		}
	}
	w.Flush()
	array := "[" + strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",") + "]"
	return map[string]string{"CSV": csvText.String(), "JSON Lines": lines.String(), "JSON": array, "plain": plain.String()}
}
