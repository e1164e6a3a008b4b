package preflight

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/cloud"
)

const (
	aTenant = "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913"
	anApp   = "7c2e94d1-58af-4b06-8d3e-1f90a6c4b725"
	anOwner = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
)

// claims is a token's payload; a nil value takes a claim out.
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

func (c claims) read(t *testing.T, choice cloud.Choice) *Token {
	t.Helper()
	endpoint, err := choice.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return Read("e30."+base64.RawURLEncoding.EncodeToString(payload)+".c2ln", endpoint)
}

var (
	others = Task{Others: true}
	own    = Task{Own: true}
	named  = Task{Named: true}
	list   = Task{Others: true, ReadOnly: true}
)

// What a token surely cannot do is a problem, and nothing else is: the truth
// table of the permissions.
func TestCheck(t *testing.T) {
	const (
		tapAll, tap  = "UserAuthMethod-TAP.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite"
		allAll, all  = "UserAuthenticationMethod.ReadWrite.All", "UserAuthenticationMethod.ReadWrite"
		tapRead      = "UserAuthMethod-TAP.Read.All"
		hiddenDelete = "UserAuthMethod-TAP.Delete.All"
	)
	global := cloud.Choice{}
	tests := []struct {
		name   string
		claims claims
		choice cloud.Choice
		task   Task
		want   string // in the problem, empty for none
		hint   string
	}{
		{"app, the narrow permission", app(tapAll), global, others, "", ""},
		{"app, the broad permission", app("User.Read.All", allAll), global, others, "", ""},
		{"app, read only", app(tapRead), global, others, "lacks the permission", "627169a8-8c15-451c-861a-5b80e383de5c=Role"},
		{"app, read only, dry run", app(tapRead), global, list, "", ""},
		{"app, hidden permission", app(hiddenDelete), global, others, "", ""},
		{"app, hidden permission, dry run", app(hiddenDelete), global, list, "lacks the permission", ""},
		{"app without roles", app().with("roles", nil), global, others, "no permission at all", "az ad app permission admin-consent --id " + anApp},
		{"app, delegated name of the permission", app(tap), global, others, "lacks the permission", ""},
		{"app, own pass", app(tapAll), global, own, "is an app, not a user", "--auth device-code"},
		{"app of a government cloud", app("User.Read.All").with("aud", "https://graph.microsoft.us"), cloud.Choice{Cloud: "usgov"}, others,
			"lacks the permission", "50483e42-d915-4231-9639-7fdb7fd190e5=Role"},
		{"managed identity", app().with("xms_mirid", "/subscriptions/x"), global, others, "no permission at all", "appRoleAssignments"},
		{"user, the narrow scope", user("openid " + tapAll), global, others, "", ""},
		{"user, the broad scope", user(allAll), global, others, "", ""},
		{"user, own scope, others", user(tap), global, others, "may manage the own passes only", "05de4a66-e51a-4312-842a-30c8094698d2=Scope"},
		{"user, own scope, own", user(all), global, own, "", ""},
		{"user, own scope, own by name", user(all), global, named, "", ""},
		{"user, no scope, own by name", user("User.Read"), global, named, "lacks the permission", "2424436d-902f-4651-a1c7-b3b93147c960=Scope"},
		{"many permissions", app("Mail.Read", "Sites.Read.All", "User.Read.All"), global, others, "has User.Read.All, 2 more that do not matter here", ""},
		{"user, no scope, own", user("User.Read"), global, own, "lacks the permission", "2424436d-902f-4651-a1c7-b3b93147c960=Scope"},
		{"user, hidden permission", user(hiddenDelete), global, others, "lacks the permission", ""},
		{"a place to look in: users", app(tapRead), global, Task{ReadOnly: true, Others: true, Find: true, Users: true}, "may not read users", "97235f07-e226-4f63-ace3-39588e11d3a1=Role"},
		{"users, with the permission", app(tapRead, "User.ReadBasic.All"), global, Task{ReadOnly: true, Others: true, Find: true, Users: true}, "", ""},
		{"groups", user(tapAll + " User.Read.All"), global, Task{Others: true, Find: true, Groups: true}, "may not read the members", "bc024368-1153-4739-b217-4326f2e966d0=Scope"},
		{"audit log", app(tapAll), global, Task{Others: true, Find: true, Audit: true}, "may not read the audit log", "b0afded3-3588-46d8-8b3d-9842eff778da=Role"},
		{"a sweep that may delete and not list", app(hiddenDelete), global, Task{Others: true, Find: true}, "lacks the permission", ""},
		{"Azure CLI user", user("User.ReadWrite.All Directory.AccessAsUser.All").with("appid", azureCLI), global, others,
			"the Azure CLI signed the user in", "az login --service-principal"},
		{"Azure CLI, service principal", app(tapAll).with("appid", azureCLI), global, others, "", ""},
		{"personal account", user(tapAll).with("tid", consumerTenant), global, others, "personal Microsoft account", "work account"},
		{"token of another cloud", app(tapAll).with("aud", "https://graph.microsoft.us"), global, others, "for the cloud usgov", "--cloud usgov"},
		{"token for another service", app(tapAll).with("aud", "https://management.azure.com/"), global, others, "not for Microsoft Graph", "https://graph.microsoft.com/.default"},
		{"audience by id", app(tapAll).with("aud", graphApp), cloud.Choice{Cloud: "usgov"}, others, "", ""},
		{"audience with a slash", app(tapAll).with("aud", "https://graph.microsoft.com/"), global, others, "", ""},
		{"version 2 token", app(tapAll).with("appid", nil).with("azp", anApp), global, others, "", ""},
		{"no idtyp", app(tapAll).with("idtyp", nil), global, others, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problem := tt.claims.read(t, tt.choice).Check(tt.task, "")
			switch {
			case tt.want == "" && problem != nil:
				t.Errorf("Check = %v", problem)
			case tt.want != "" && (problem == nil || !strings.Contains(problem.Text, tt.want)):
				t.Errorf("Check = %v, want %q", problem, tt.want)
			case problem != nil && !strings.Contains(strings.Join(problem.Hints, "\n"), tt.hint):
				t.Errorf("hints %q, want %q", problem.Hints, tt.hint)
			}
		})
	}
}

func TestCheckTenant(t *testing.T) {
	token := app("UserAuthMethod-TAP.ReadWrite.All").read(t, cloud.Choice{})
	for wanted, ok := range map[string]bool{
		"": true, aTenant: true, strings.ToUpper(aTenant): true,
		"contoso.com":                          true, // a domain cannot be compared with an id: who knows it resolves it
		"11111111-3b7d-4e88-9a41-d5c27be0f913": false,
	} {
		if problem := token.Check(others, wanted); (problem == nil) != ok {
			t.Errorf("Check for tenant %q = %v, want ok %v", wanted, problem, ok)
		}
	}
}

// A token that cannot be read is Graph's to judge.
func TestUnreadable(t *testing.T) {
	endpoint, err := cloud.Choice{}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "opaque", "a.b.c", "e30.!!!.c", "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"roles":7}`)) + ".c",
		"e30.e30.c", "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"`+anOwner+`","exp":1}`)) + ".c"} {
		token := Read(text, endpoint)
		if p := token.Check(others, aTenant); p != nil || token.Kind != Unknown || token.Permitted() {
			t.Errorf("Read(%q): %v, %+v", text, p, token)
		}
		if w := token.Warnings(others); len(w) != 1 || !strings.Contains(w[0], "cannot be read") {
			t.Errorf("Warnings = %q", w)
		}
	}
}

func TestWarnings(t *testing.T) {
	const scope = "UserAuthMethod-TAP.ReadWrite.All"
	tests := []struct {
		name   string
		claims claims
		task   Task
		want   string
	}{
		{"app", app(scope), others, ""},
		{"app, hidden permission", app("UserAuthMethod-TAP.Delete.All"), others, "does not document"},
		{"user, privileged", user(scope).with("wids", []string{rolePrivileged}), others, ""},
		{"user, global", user(scope).with("wids", []string{roleGlobal}), others, ""},
		{"user, administrator", user(scope).with("wids", []string{roleAuthAdmin}), others, "passes of users with an admin role"},
		{"user, no role", user(scope), others, "no role shows"},
		{"user, no role, own pass", user(scope), own, ""},
		{"user, own scope, own pass by name", user("UserAuthMethod-TAP.ReadWrite"), named, "is sure to work"},
		{"user, own pass by name", user(scope), named, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(tt.claims.read(t, cloud.Choice{}).Warnings(tt.task), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("Warnings = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	token := user("UserAuthMethod-TAP.ReadWrite.All User.ReadBasic.All openid Mail.Read").with("app_displayname", "Sweeper").read(t, cloud.Choice{Cloud: "usgov"})
	token.Print(&b, others)
	for _, want := range []string{
		"tenant:        " + aTenant + "\n",
		"cloud:         US Government L4 (GCC High), https://graph.microsoft.us\n",
		"signed in as:  user dana@contoso.com through app Sweeper (" + anApp + ")\n",
		"permissions:   User.ReadBasic.All, UserAuthMethod-TAP.ReadWrite.All, 2 more that do not matter here\n",
		"may:           list and delete passes of any user; look up users; all as far as the user's roles reach\n",
		"token:         ends in 1h0m\n",
		"warning: no role shows",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// What a token claims is somebody else's text: it goes neither raw to a terminal
// nor into a command that people paste.
func TestHostileClaims(t *testing.T) {
	var b bytes.Buffer
	token := user("x").with("appid", "$(reboot)").with("app_displayname", "\x1b[2J").with("upn", "a\nb@c").with("oid", "; rm").read(t, cloud.Choice{})
	token.Print(&b, others)
	problem := token.Check(others, "")
	text := b.String() + problem.Text
	if strings.ContainsAny(text, "\x1b") || strings.Contains(text, "a\nb") {
		t.Errorf("raw text of a token: %q", text)
	}
	if hints := strings.Join(problem.Hints, "\n"); strings.Contains(hints, "reboot") || !strings.Contains(hints, "APP_ID") {
		t.Errorf("hints %q", hints)
	}
}

func TestVerdicts(t *testing.T) {
	got := make(map[string]Works)
	for _, v := range user("UserAuthMethod-TAP.ReadWrite UserAuthMethod-TAP.Read.All").read(t, cloud.Choice{}).Verdicts() {
		got[v.Command] = v.Works
	}
	for command, want := range map[string]Works{"revoke": No, "revoke --dry-run": Yes, "revoke --self": Yes, "revoke --protect": No} {
		if got[command] != want {
			t.Errorf("%s: %s, want %s", command, got[command], want)
		}
	}
}

// The README tells newcomers the ids that the hints tell later.
func TestReadmeIDs(t *testing.T) {
	text, err := os.ReadFile("../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{graphApp, passOnly.name, passOnly.role + "=Role", passOnly.scope + "=Scope", allMethods.name, allMethods.role} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the README does not have %s", want)
		}
	}
}
