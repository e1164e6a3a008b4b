package input

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ReadUsers returns the errors of all lists together.
func TestReadUsersProblems(t *testing.T) {
	good := write(t, "good.txt", dana)
	bad := write(t, "bad.txt", dana+"\n"+strings.Repeat("nope\n", 30))
	empty := write(t, "empty.csv", "user\n")
	users, err := ReadUsers(nil, good, bad, empty)
	problems, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("ReadUsers = %v, want *Problems", err)
	}
	check(t, "the number of users", len(users), 0)
	check(t, "Count", problems.Count, 31)
	check(t, "Cut", problems.Cut, true)

	long := write(t, "long.txt", dana)
	if err := os.Truncate(long, maxUsersBytes+1); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	for name, want := range map[string]string{"-": "standard input", t.TempDir(): "reading ", none: none,
		long: "longer than 64 MiB"} {
		users, err := ReadUsers(nil, good, name)
		checkError(t, "ReadUsers of "+name, err, want)
		check(t, "the number of users", len(users), 0)
	}
	users, err = ReadUsers(nil)
	checkError(t, "ReadUsers without a list", err, "")
	check(t, "the number of users without a list", len(users), 0)
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
		got := strings.TrimPrefix(strings.Join(warnings, " "), path+": ")
		check(t, tt.name+": the warning", got, tt.warn)
		_, strict := ReadUsers(nil, path)
		checkError(t, tt.name+": ReadScope", err, tt.err)
		checkError(t, tt.name+": ReadUsers", strict, tt.error)
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
	for r, err := range s.rows() {
		if err != nil {
			if bad, is := errors.AsType[*LineError](err); !is || bad.Line == 0 {
				t.Errorf("an error without a line: %v", err)
			}
			return users, false
		}
		r = r.asUser()
		last = checkLine(t, r, last)
		if r.err != nil {
			ok = false
			continue
		}
		u := r.toUser("")
		u.Line = 0
		users = append(users, u)
	}
	return users, ok
}

// Users that were accepted are users, they stay the same in every form, and
// nobody is lost whom the same text names as a list of pairs.
func FuzzUsers(f *testing.F) {
	seed(f)
	f.Add("# break glass\n" + dana + "\n\n" + oid1)
	f.Add("userId,upn\n" + oid1 + ",'=x@contoso.com\n")
	f.Add(filled.Replace(`[{"userId":"OID1",` + "\n" + `"upn":"DANA"}]` + "\n" +
		`{"value":[{"user":"ELI"}]}` + "\n{\"a\" 1}"))
	f.Fuzz(func(t *testing.T, text string) {
		users, ok := usersIn(t, text)
		for _, u := range users {
			if u.ID == "" && u.UPN == "" {
				t.Error("accepted a user without a name")
			}
			if u.ID != "" && !isGUID(u.ID) {
				t.Errorf("accepted the object id %q", u.ID)
			}
			if u.UPN != "" {
				checkError(t, "CheckUser of an accepted name", CheckUser(u.UPN), "")
				check(t, "whether an accepted name is an object id", isGUID(u.UPN), false)
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
			if len(users) > 0 && !ok {
				t.Errorf("written as %s, the users are refused", form)
			}
			if form == "plain" { // each name has a line of its own
				check(t, "the number of names as plain text", len(namesOf(again)), len(named))
			} else if diff := cmp.Diff(users, again); diff != "" {
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
	return map[string]string{"CSV": csvText.String(), "JSON Lines": lines.String(), "JSON": array,
		"plain": plain.String()}
}
