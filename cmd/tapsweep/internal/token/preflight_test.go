package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/testdata/assert"
)

const (
	aTenant = "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913"
	anApp   = "7c2e94d1-58af-4b06-8d3e-1f90a6c4b725"
	anOwner = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
)

// claims is a token's payload; a nil value removes a claim.
type claims map[string]any

func app(roles ...string) claims {
	return claims{"aud": "https://graph.microsoft.com", "tid": aTenant, "appid": anApp, "oid": anOwner,
		"idtyp": "app", "roles": roles, "exp": time.Now().Add(time.Hour).Unix()}
}

func user(scopes string) claims {
	return claims{"aud": graphApp, "tid": aTenant, "appid": anApp, "oid": anOwner, "upn": "dana@contoso.com",
		"idtyp": "user", "scp": scopes, "exp": time.Now().Add(time.Hour).Unix()}
}

func (c claims) with(name string, value any) claims {
	c[name] = value
	return c
}

func (c claims) read(t *testing.T, choice cloud.Config) *Token {
	t.Helper()
	endpoint := assert.Must(choice.Resolve())
	payload := assert.Must(json.Marshal(c))
	return Read("e30."+base64.RawURLEncoding.EncodeToString(payload)+".c2ln", endpoint)
}

var (
	others = Task{Others: true}
	own    = Task{Own: true}
	list   = Task{Others: true, ReadOnly: true}
)

const (
	tapAll, tap  = "UserAuthMethod-TAP.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite"
	hiddenDelete = "UserAuthMethod-TAP.Delete.All"
	allAll, all  = "UserAuthenticationMethod.ReadWrite.All", "UserAuthenticationMethod.ReadWrite"
	tapRead      = "UserAuthMethod-TAP.Read.All"
)

var scanUsers = Task{ReadOnly: true, Others: true, Find: true, Users: true}

// checkTests are the truth table of the permissions.
var checkTests = []struct {
	name   string
	claims claims
	task   Task
	want   string // in the problem, empty for none
	hint   string
}{
	{"app, the narrow permission", app(tapAll), others, "", ""},
	{"app, the broad permission", app("User.Read.All", allAll), others, "", ""},
	{"app, read only", app(tapRead), others, "lacks the permission", "627169a8-8c15-451c-861a-5b80e383de5c=Role"},
	{"app, read only, dry run", app(tapRead), list, "", ""},
	{"app, hidden permission", app(hiddenDelete), others, "", ""},
	{"app, hidden permission, dry run", app(hiddenDelete), list, "lacks the permission", ""},
	{"app, hidden permission, sweep", app(hiddenDelete), Task{Others: true, Find: true}, "lacks the permission", ""},
	{"user, hidden permission", user(hiddenDelete), others, "lacks the permission", ""},
	{"app without roles", app().with("roles", nil), others, "no permission at all",
		"az ad app permission admin-consent --id " + anApp},
	{"managed identity", app().with("xms_mirid", "/subscriptions/x"), others, "no permission at all",
		"az rest --method POST --uri https://graph.microsoft.com/v1.0/servicePrincipals/" + anOwner +
			"/appRoleAssignments"},
	{"app, delegated name of the permission", app(tap), others, "lacks the permission", ""},
	{"app, own pass", app(tapAll), own, "is an app", "--auth device-code"},
	{"user, the narrow scope", user("openid " + tapAll), others, "", ""},
	{"user, the broad scope", user(allAll), others, "", ""},
	{"user, own scope, others", user(tap), others, "may manage only the user's own passes",
		"05de4a66-e51a-4312-842a-30c8094698d2=Scope"},
	{"user, own scope, own", user(all), own, "", ""},
	{"many permissions", app("Mail.Read", "Sites.Read.All", "User.Read.All"), others,
		"has User.Read.All, 2 others that tapsweep does not need", ""},
	{"user, no scope, own", user("User.Read"), own, "lacks the permission",
		"2424436d-902f-4651-a1c7-b3b93147c960=Scope"},
	{"user, dry run", user(""), list, "lacks the permission to list passes",
		"6976c635-c9c2-41e6-a21d-e6913a155273=Scope"},
	{"users", app(tapRead), scanUsers, "lacks the permission to read users",
		"97235f07-e226-4f63-ace3-39588e11d3a1=Role"},
	{"users, with the permission", app(tapRead, "User.ReadBasic.All"), scanUsers, "", ""},
	{"groups", user(tapAll + " User.Read.All"), Task{Others: true, Find: true, Groups: true},
		"lacks the permission to read the members", "bc024368-1153-4739-b217-4326f2e966d0=Scope"},
	{"sessions", app(tapAll, "User.Read.All"), Task{Others: true, Sessions: true},
		"lacks the permission to revoke sessions", "77f3a031-c388-4f99-b373-dc68676a979e=Role"},
	{"sessions, dry run", app(tapAll), Task{Others: true, Sessions: true, ReadOnly: true}, "", ""},
	{"sessions, user", user(tapAll), Task{Others: true, Sessions: true}, "lacks the permission to revoke sessions",
		"fc30e98b-8810-4501-81f5-c20a3196387b=Scope"},
	{"sessions, write permission", app(tapAll, "User.ReadWrite.All"), Task{Others: true, Sessions: true}, "", ""},
	{"sessions, broad permission", app(tapAll, "Directory.ReadWrite.All"), Task{Others: true, Sessions: true}, "", ""},
	{"audit log", app(tapAll), Task{Others: true, Find: true, Audit: true},
		"lacks the permission to read the audit log", "b0afded3-3588-46d8-8b3d-9842eff778da=Role"},
	{"Azure CLI user", user("User.ReadWrite.All Directory.AccessAsUser.All").with("appid", azureCLI), others,
		"the Azure CLI signed the user in", "az login --service-principal"},
	{"Azure CLI, service principal", app(tapAll).with("appid", azureCLI), others, "", ""},
	{"personal account", user(tapAll).with("tid", consumerTenant), others, "personal Microsoft account",
		"work account"},
	{"token of another cloud", app(tapAll).with("aud", "https://graph.microsoft.us"), others,
		"for the cloud usgov", "--cloud usgov"},
	{"token for another service", app(tapAll).with("aud", "https://management.azure.com/"), others,
		"not for Microsoft Graph", "https://graph.microsoft.com/.default"},
	{"audience with a slash", app(tapAll).with("aud", "https://graph.microsoft.com/"), others, "", ""},
	{"version 2 token", app(tapAll).with("appid", nil).with("azp", anApp), others, "", ""},
	{"no idtyp", app(tapAll).with("idtyp", nil), others, "", ""},
}

// What a token rules out is a problem, and nothing else is.
func TestCheck(t *testing.T) {
	for _, tt := range checkTests {
		t.Run(tt.name, func(t *testing.T) {
			checkProblem(t, tt.claims.read(t, cloud.Config{}).Check(tt.task, ""), tt.want, tt.hint)
		})
	}
}

// checkProblem compares the text and the hints of a problem; want is empty for none.
func checkProblem(t *testing.T, problem *Problem, want, hint string) {
	t.Helper()
	if problem == nil || want == "" {
		assert.That(t, problem == nil && want == "", "Check = %v, want %q", problem, want)
		return
	}
	assert.Holds(t, "Check", problem.Text, want)
	assert.Holds(t, "hints", strings.Join(problem.Hints, "\n"), hint)
}

func TestCheckGovernmentCloud(t *testing.T) {
	usgov := cloud.Config{Cloud: "usgov"}
	byRoot := app("User.Read.All").with("aud", "https://graph.microsoft.us").read(t, usgov)
	checkProblem(t, byRoot.Check(others, ""), "lacks the permission", allMethods.role+"=Role")
	byID := app(passOnly.name).with("aud", graphApp).read(t, usgov)
	checkProblem(t, byID.Check(others, ""), "", "")
}

func TestCheckTenant(t *testing.T) {
	token := app(tapAll).read(t, cloud.Config{})
	for wanted, ok := range map[string]bool{
		"": true, aTenant: true, strings.ToUpper(aTenant): true,
		"contoso.com":                          true, // the caller resolves a domain
		"11111111-3b7d-4e88-9a41-d5c27be0f913": false,
	} {
		if problem := token.Check(others, wanted); (problem == nil) != ok {
			t.Errorf("Check for tenant %q = %v, want ok %v", wanted, problem, ok)
		}
	}
}

// Graph, not tapsweep, judges a token that cannot be read.
func TestUnreadable(t *testing.T) {
	endpoint := assert.Must(cloud.Config{}.Resolve())
	for _, text := range []string{"", "opaque", "a.b.c", "e30.!!!.c",
		"e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"roles":7}`)) + ".c",
		"e30.e30.c", "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"`+anOwner+`","exp":1}`)) + ".c"} {
		token := Read(text, endpoint)
		checkProblem(t, token.Check(others, aTenant), "", "")
		if token.Kind != Unknown || token.Permitted() {
			t.Errorf("Read(%q) is of kind %s, permitted %v, want unknown and false", text, token.Kind,
				token.Permitted())
		}
		if w := token.Warnings(others); len(w) != 1 || !strings.Contains(w[0], "cannot be read") {
			t.Errorf("Warnings = %q", w)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		name   string
		claims claims
		task   Task
		want   string
	}{
		{"app", app(tapAll), others, ""},
		{"app, hidden permission", app(hiddenDelete), others, "does not document the permission"},
		{"user, privileged", user(tapAll).with("wids", []string{rolePrivileged}), others, ""},
		{"user, global", user(tapAll).with("wids", []string{roleGlobal}), others, ""},
		{"user, administrator", user(tapAll).with("wids", []string{roleAuthAdmin}), others,
			"passes of users with an admin role"},
		{"user, no role", user(tapAll), others, "shows no role"},
		{"user, no role, own pass", user(tapAll), own, ""},
		{"sessions, user, no role", user(tapAll), Task{Others: true, Sessions: true}, "invalidateAllRefreshTokens"},
		{"sessions, user, administrator", user(tapAll).with("wids", []string{rolePrivileged}),
			Task{Others: true, Sessions: true}, ""},
		{"sessions, dry run", app(tapAll), Task{Others: true, Sessions: true, ReadOnly: true},
			"needs User.RevokeSessions.All"},
		{"proof of sessions", app(tapAll, "User.Read.All"), Task{Others: true, SessionProof: true}, ""},
		{"proof of sessions, basic", app(tapAll, "User.ReadBasic.All"), Task{Others: true, SessionProof: true},
			"the token lacks User.Read.All (df021288-bdef-4463-88db-98f22de89214)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(tt.claims.read(t, cloud.Config{}).Warnings(tt.task), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("Warnings = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	token := user("UserAuthMethod-TAP.ReadWrite.All User.ReadBasic.All openid Mail.Read").with("app_displayname",
		"Sweeper").read(t, cloud.Config{Cloud: "usgov"})
	token.Print(&b, others)
	for _, want := range []string{
		"tenant:        " + aTenant + "\n",
		"cloud:         US Government L4 (GCC High), https://graph.microsoft.us\n",
		"signed in as:  user dana@contoso.com through app Sweeper (" + anApp + ")\n",
		"permissions:   User.ReadBasic.All, UserAuthMethod-TAP.ReadWrite.All, 2 others that tapsweep does not need\n",
		"may:           list and delete passes of any user; look up users; all within the limits of the user's roles\n",
		"token:         ends in 1h0m\n",
		"warning: the token shows no role",
	} {
		assert.Holds(t, "the output", b.String(), want)
	}
}

// A token's claims are text of somebody else: they do not go raw to a terminal.
func TestHostileClaims(t *testing.T) {
	var b bytes.Buffer
	token := user("x").with("appid", "$(reboot)").with("app_displayname", "\x1b[2J").with("upn", "a\nb@c").with("oid",
		"; rm").read(t, cloud.Config{})
	token.Print(&b, others)
	problem := token.Check(others, "")
	text := b.String() + problem.Text
	assert.That(t, !strings.ContainsAny(text, "\x1b") && !strings.Contains(text, "a\nb"),
		"raw text of a token: %q", text)
	if hints := strings.Join(problem.Hints, "\n"); strings.Contains(hints, "reboot") ||
		!strings.Contains(hints, "APP_ID") {
		t.Errorf("hints %q", hints)
	}
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		claims claims
		works  map[string]Access
	}{
		{user(tap + " " + tapRead), map[string]Access{"revoke": No, "revoke --dry-run": Yes, "revoke --self": Yes}},
		{app(hiddenDelete), map[string]Access{"revoke": Perhaps, "revoke --dry-run": No, "sweep --all-users": No}},
	} {
		for _, v := range tt.claims.read(t, cloud.Config{}).Verdicts() {
			if want, asked := tt.works[v.Command]; asked && v.Works != want {
				t.Errorf("%s: %s, want %s", v.Command, v.Works, want)
			}
		}
	}
}

// The manual has the ids that the hints name.
func TestIDsInTheManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/signing-in.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, p := range []permission{passOnly, allMethods, listOnly, readBasic, readUsers, groupMembers, auditLog,
		sessionsOnly} {
		assert.That(t, strings.Contains(text, "| "+p.name+" | `"+p.role+"` | `"+p.scope+"` |"),
			"the table of permissions lacks %s", "| "+p.name+" | `"+p.role+"` | `"+p.scope+"` |")
	}
	for _, id := range []string{graphApp, passOnly.ownScope} {
		assert.That(t, strings.Contains(text, id), "the manual does not have %s", id)
	}
}
