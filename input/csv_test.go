package input

import (
	"strings"
	"testing"
)

var (
	onePair = []Pair{{Line: 2, User: dana, Method: pass1}}
	anyPass = []Pair{{Line: 2, User: dana}}
)

func TestReadCSV(t *testing.T) {
	runReadTests(t, "list.csv", []readTest{
		{name: "comma", text: "user,method\nDANA,PASS1\n", want: onePair},
		{name: "semicolon", text: "user;method\nDANA;PASS1", want: onePair},
		{name: "tab", text: "user\tmethod\nDANA\tPASS1", want: onePair},
		{name: "CRLF", text: "user,method\r\nDANA,PASS1\r\n", want: onePair},
		{name: "lone CR", text: "user,method\rDANA,PASS1\r", err: "list.csv:1: lines end with a lone carriage return"},
		{name: "no line end", text: "user\nDANA", want: anyPass},
		{name: "blank lines", text: "\n\r\nuser,method\n\n  \nDANA,PASS1\n\n",
			want: []Pair{{Line: 6, User: dana, Method: pass1}}},
		{name: "quoted commas and semicolons", text: "\"a;b;c;d\",user,method\n\"x,y\",DANA,PASS1\n", want: onePair},
		{name: "delimiter of the user column wins", text: "a;b;c;d,user\nx,DANA", want: anyPass},
		{name: "most columns win", text: "a;user;b,user\n;DANA;\n", want: anyPass},
		{name: "empty rows of Excel", text: "user;method\n;;;\nDANA;\n;\n", want: []Pair{{Line: 3, User: dana}}},
		{name: "spaces", text: " user , method \n\u00a0DANA\t , PASS1\u00a0\n", want: onePair},
		{name: "apostrophe", text: "user\n'=a@contoso.com\n'+b@contoso.com\n'-c@contoso.com\n\"'@x\"@y\n",
			err: "list.csv:5:5: a quoted value"},
		{name: "apostrophe before formula",
			text: "user\n'=a@contoso.com\n'+b@contoso.com\n''-c@contoso.com\n'd@contoso.com\n=e@contoso.com\n",
			want: []Pair{
				{Line: 2, User: "=a@contoso.com"}, {Line: 3, User: "+b@contoso.com"}, {Line: 4, User: "'-c@contoso.com"},
				{Line: 5, User: "'d@contoso.com"}, {Line: 6, User: "=e@contoso.com"}}},
		{name: "apostrophe before @", text: "user\n'@contoso.com\n", err: `user "@contoso.com" has no name`},
		{name: "quoted newlines count as lines", text: "note,user\n\"a\nb\r\nc\",DANA\nx,ELI\n",
			want: []Pair{{Line: 2, User: dana}, {Line: 5, User: eli}}},
		{name: "quoted newline in the header", text: "\"no\nte\",user\nx,DANA\n", want: []Pair{{Line: 3, User: dana}}},
		{name: "empty method", text: "user,method\nDANA,\nELI,  \n",
			want: []Pair{{Line: 2, User: dana}, {Line: 3, User: eli}}},
	})
}

func TestCSVRows(t *testing.T) {
	runReadTests(t, "list.csv", []readTest{
		{name: "short row", text: "user,method\nDANA,PASS1\nDANA\n", err: "list.csv:3: the row has 1 fields, the header 2"},
		{name: "long row", text: "user\nDANA,PASS1\n", err: "list.csv:2: the row has 2 fields, the header 1"},
		{name: "empty extras", text: "user\nDANA,, \n", want: anyPass},
		{name: "unnamed columns of the header", text: "user,method,,\nDANA,PASS1\nELI,PASS2,,\n",
			want: append(onePair[:1:1], Pair{Line: 3, User: eli, Method: pass2})},
		{name: "value in an unnamed column", text: "user,,\nDANA,PASS1,\n", err: "has 3 fields, the header 1"},
		{name: "comment", text: "user,method\n#DANA,PASS1\n", err: "list.csv:2: the row starts with #"},
		{name: "comment before an ignored column", text: "note,user\n#x,DANA\n", err: "starts with #"},
	})
}

func TestCSVFirstLines(t *testing.T) {
	runReadTests(t, "list.csv", []readTest{
		{name: "TYPE line", text: "#TYPE Selected.Object\n\"user\",\"method\"\n\"DANA\",\"\"\n",
			want: []Pair{{Line: 3, User: dana}}},
		{name: "TYPE line in line 2", text: "\n#TYPE Selected.Object\nuser\nDANA", err: "list.csv:2: no user column"},
		{name: "TYPE line after the header", text: "user\n#TYPE x\n", err: "list.csv:2: the row starts with #"},
		{name: "sep line", text: "sep=;\nuser;a,b,c,d\nDANA;x\n", want: []Pair{{Line: 3, User: dana}}},
		{name: "sep line with tab", text: "sep=\t\r\nuser\tmethod\r\nDANA\t\r\n", want: []Pair{{Line: 3, User: dana}}},
		{name: "sep line with bar", text: "\"sep=|\"\nuser|method\nDANA|PASS1\n",
			want: []Pair{{Line: 3, User: dana, Method: pass1}}},
		{name: "sep line that sets no known delimiter", text: "sep=x\nuser\n", err: "list.csv:1: no user column"},
		{name: "no header", text: "DANA,PASS1\n",
			err: "list.csv:1: there is no header, because the first line is already a row"},
		{name: "header hint", text: "name\nx\n", err: "such as user,method; the user column can be user, userId,"},
		{name: "header with escape", text: "\x1b[1m\n", err: `"\x1b[..." (4 characters)`},
	})
}

func TestCSVErrors(t *testing.T) {
	runReadTests(t, "list.csv", []readTest{
		{name: "bare quote", text: "user,method\nda\"na,x\nDANA,PASS1\n", err: "list.csv:2:3: a quote stands in the middle"},
		{name: "unclosed quote", text: "user,method\nDANA,PASS1\n\"DANA,PASS1\nDANA,PASS1\n",
			err: "list.csv:3: a quoted value is not closed"},
		{name: "unclosed quote in the header", text: "\"user,method\nDANA,PASS1\n",
			err: "list.csv:1: the header cannot be read"},
		{name: "bad method", text: "user,method\nDANA,PASS1\nDANA,nope\n",
			err: `list.csv:3: method "no..." (4 characters) is not a GUID`},
		{name: "no user", text: "user,method\n,PASS1\n", err: "list.csv:2: user is empty"},
		{name: "latin-1 in an ignored column", text: "user,name\nDANA,Jos\xe9\n", want: anyPass},
		{name: "latin-1 in the user", text: "user\njos\xe9@contoso.com\n",
			err: `user "jos\xe9@contoso.com" holds a character outside ASCII`},
		{name: "long row of another column", text: "user,x\nDANA," + strings.Repeat("a", maxRowBytes-len(dana)-2) + "\n",
			want: anyPass},
		{name: "row too long", text: "user,x\nDANA,\nDANA," + strings.Repeat("a", maxRowBytes) + "\n",
			err: "list.csv:3: a row from here on is longer than 1 MiB"},
		{name: "quote swallows the rest", text: "user,x\nDANA,\n\"" + strings.Repeat("DANA,PASS1\n", 40000),
			err: "list.csv:3: a row from here on is longer than 1 MiB"},
		// A bad quote in a row that is too long once hid the length, and the
		// row's rest was read as the next row.
		{name: "row too long with a bare quote", text: "user,x\na\"," + strings.Repeat("a", maxRowBytes) + "\nDANA,\n",
			err: "list.csv:2: a row from here on is longer than 1 MiB"},
		{name: "row too long after a row of three lines",
			text: "user,x\nDANA,\"a\nb\n\"\n" + strings.Repeat("a", maxRowBytes),
			err:  "list.csv:5: a row from here on"},
		{name: "header too long", text: strings.Repeat("a", maxRowBytes+1) + "\nuser\n",
			err: "list.csv:1: the line is longer than 1 MiB"},
		{name: "header with an endless quote", text: "\"" + strings.Repeat("a\n", maxRowBytes),
			err: "list.csv:1: the header is longer than 1 MiB"},
	})
}

func TestColumns(t *testing.T) {
	p := func(user, method string) []Pair { return []Pair{{Line: 2, User: user, Method: method}} }
	var tests []readTest
	for _, col := range []string{"user", "userId", "user_id", "USER-ID", "userPrincipalName", "User Principal Name",
		"upn", "UPN", "objectId", "Object ID", "ｕｓｅｒ　ＩＤ"} {
		tests = append(tests, readTest{name: "user as " + col, text: "x," + col + "\ny,DANA\n", want: p(dana, "")})
	}
	for _, col := range []string{"method", "methodId", "Method ID", "passId", "pass_id",
		"temporaryAccessPassAuthenticationMethodId", "ｍｅｔｈｏｄ"} {
		tests = append(tests, readTest{name: "method as " + col, text: col + ",user\nPASS1,DANA\n", want: p(dana, pass1)})
	}
	both := []Pair{{Line: 2, User: oid1, UPN: dana, Method: pass1}}
	columns := []string{"userId", "objectId", "user", "id", "userPrincipalName", "upn"}
	for i, col := range columns[1:] {
		before := columns[i]
		header := "method," + col + "," + before + "\n" + pass1 + ","
		tests = append(tests, []readTest{
			{name: "an object ID in " + col, text: header + oid1 + ",DANA\n", want: both},
			{name: "an object ID in " + before, text: header + dana + ",OID1\n", want: both},
			{name: col + " where " + before + " is empty", text: header + oid1 + ",\n", want: p(oid1, pass1)},
		}...)
	}
	runReadTests(t, "list.csv", tests)
}

func TestAmbiguousColumns(t *testing.T) {
	p := func(user, method string) []Pair { return []Pair{{Line: 2, User: user, Method: method}} }
	both := []Pair{{Line: 2, User: oid1, UPN: dana, Method: pass1}}
	const ambiguous = "may be the user's id or the pass's: rename it to userId or methodId"
	runReadTests(t, "list.csv", []readTest{
		{name: "same name twice", text: "userId,user_id\na,b\n",
			err: `list.csv:1: "userId" and "user_id" are the same name twice`},
		{name: "same ignored name twice", text: "x,x,user\n,,DANA\n", want: p(dana, "")},
		{name: "user beside id", text: "user,id\nDANA,PASS1\n", err: `list.csv:2: "id" beside "user" ` + ambiguous},
		{name: "userId beside id", text: "userId,id\nOID1,PASS1\n", err: `"id" beside "userId" ` + ambiguous},
		{name: "objectId beside id", text: "objectId,id\nOID1,PASS1\n", err: `"id" beside "objectId" ` + ambiguous},
		{name: "user beside id and a method", text: "user,id,method\nDANA,OID1,PASS1\n", want: both},
		{name: "passes as scan writes them", text: "user,method,userPrincipalName\nOID1,PASS1,DANA\n",
			want: both},
		{name: "a name that is none beside an id", text: "user,method,upn\nOID1,PASS1,.@\n",
			err: `list.csv:2: user ".@" has no name before the @`},
		{name: "id alone", text: "x,id\ny,OID1\n", err: `list.csv:1: "id" ` + ambiguous},
		{name: "id and upn", text: "id,userPrincipalName\nOID1,DANA\n", err: `"id" beside "userPrincipalName" ` + ambiguous},
		{name: "users as Graph exports them", text: "id,userPrincipalName,displayName\nOID1,DANA,Dana\n",
			want: []Pair{{Line: 2, User: oid1, UPN: dana}}},
		{name: "passes with a name", text: "upn,id,isUsableOnce\nDANA,PASS1,true\n", want: p(dana, pass1)},
		{name: "passes with what users have, too", text: "upn,id,isUsable,displayName\nDANA,PASS1,true,Dana\n",
			err: `"id" beside "upn" ` + ambiguous},
		{name: "userId and id alike", text: "userId,id\nOID1," + strings.ToUpper(oid1) + "\n", want: p(oid1, "")},
		{name: "userId and no id", text: "userId,id\nOID1,\n", err: `"id" beside "userId" ` + ambiguous},
		{name: "userId and id alike in one row", text: "userId,id\nOID1,OID1\nOID2,PASS1\n",
			err: `list.csv:3: "id" beside "userId" ` + ambiguous},
		{name: "columns of a portal", text: "User Object ID,User Principal Name\nOID1,DANA\n",
			want: []Pair{{Line: 2, User: oid1, UPN: dana}}},
		{name: "braces around the ids", text: "userId,methodId\n{OID1},{PASS1}\n", want: p(oid1, pass1)},
		{name: "e-mail addresses", text: "Name,Email\nDana,DANA\n",
			err: `"Email" is not always the user principal name: if it is here, rename it to userPrincipalName`},
		{name: "users on one line", text: "DANA;ELI\n",
			err: "list.csv:1: the first line names 2 users: put each user on a line of its own"},
		{name: "no pass in words", text: "user,method\nDANA,NULL\n",
			err: `method is "NULL": leave it empty if any pass of the user is meant, or remove the row`},
		{name: "no pass, not available", text: "user,method\nDANA,n/a\n", err: `method is "n/a"`},
		{name: "passes without users", text: "id,lifetimeInMinutes\nPASS1,60\n",
			err: "this is a pass without its user: add the user as userId and rename \"id\" to methodId"},
		{name: "two methods, the same", text: "user,method,passId\nDANA,PASS1," + strings.ToUpper(pass1) + "\n",
			want: p(dana, pass1)},
		{name: "two methods, one empty", text: "user,method,passId\nDANA,,PASS2\n", want: p(dana, pass2)},
		{name: "two methods, different", text: "user,method,passId\nDANA,PASS1,PASS2\n",
			err: "list.csv:2: method is given twice"},
	})
}
