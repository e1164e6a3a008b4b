package token

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
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

var update = flag.Bool("update", false, "rewrite golden files")

// checkTests are tokens and tasks. For each of them testdata/problems.golden has what the token rules out.
var checkTests = []struct {
	name   string
	claims claims
	task   Task
}{
	{"app, the narrow permission", app(tapAll), others},
	{"app, the broad permission", app("User.Read.All", allAll), others},
	{"app, read only", app(tapRead), others},
	{"app, read only, dry run", app(tapRead), list},
	{"app, hidden permission", app(hiddenDelete), others},
	{"app, hidden permission, dry run", app(hiddenDelete), list},
	{"app, hidden permission, sweep", app(hiddenDelete), Task{Others: true, Find: true}},
	{"user, hidden permission", user(hiddenDelete), others},
	{"app without roles", app().with("roles", nil), others},
	{"managed identity", app().with("xms_mirid", "/subscriptions/x"), others},
	{"app, delegated name of the permission", app(tap), others},
	{"app, own pass", app(tapAll), own},
	{"user, the narrow scope", user("openid " + tapAll), others},
	{"user, the broad scope", user(allAll), others},
	{"user, own scope, others", user(tap), others},
	{"user, own scope, own", user(all), own},
	{"many permissions", app("Mail.Read", "Sites.Read.All", "User.Read.All"), others},
	{"user, no scope, own", user("User.Read"), own},
	{"user, dry run", user(""), list},
	{"users", app(tapRead), scanUsers},
	{"users, with the permission", app(tapRead, "User.ReadBasic.All"), scanUsers},
	{"groups", user(tapAll + " User.Read.All"), Task{Others: true, Find: true, Groups: true}},
	{"sessions", app(tapAll, "User.Read.All"), Task{Others: true, Sessions: true}},
	{"sessions, dry run", app(tapAll), Task{Others: true, Sessions: true, ReadOnly: true}},
	{"sessions, user", user(tapAll), Task{Others: true, Sessions: true}},
	{"sessions, write permission", app(tapAll, "User.ReadWrite.All"), Task{Others: true, Sessions: true}},
	{"sessions, broad permission", app(tapAll, "Directory.ReadWrite.All"), Task{Others: true, Sessions: true}},
	{"audit log", app(tapAll), Task{Others: true, Find: true, Audit: true}},
	{"Azure CLI user", user("User.ReadWrite.All Directory.AccessAsUser.All").with("appid", azureCLI), others},
	{"Azure CLI, service principal", app(tapAll).with("appid", azureCLI), others},
	{"personal account", user(tapAll).with("tid", consumerTenant), others},
	{"token of another cloud", app(tapAll).with("aud", "https://graph.microsoft.us"), others},
	{"token for another service", app(tapAll).with("aud", "https://management.azure.com/"), others},
	{"audience with a slash", app(tapAll).with("aud", "https://graph.microsoft.com/"), others},
	{"version 2 token", app(tapAll).with("appid", nil).with("azp", anApp), others},
	{"no idtyp", app(tapAll).with("idtyp", nil), others},
}

// What a token rules out is a problem, and nothing else is.
func TestCheck(t *testing.T) {
	var got strings.Builder
	for _, tt := range checkTests {
		fmt.Fprintf(&got, "# %s\n%s", tt.name, problemText(tt.claims.read(t, cloud.Config{}).Check(tt.task, "")))
	}
	assert.Golden(t, "problems", got.String(), *update)
}

// problemText returns a problem and its hints, one in a line.
func problemText(p *Problem) string {
	if p == nil {
		return "no problem\n"
	}
	return strings.Join(append([]string{p.Text}, p.Hints...), "\n  hint: ") + "\n"
}

func TestCheckGovernmentCloud(t *testing.T) {
	usgov := cloud.Config{Cloud: "usgov"}
	byRoot := app("User.Read.All").with("aud", "https://graph.microsoft.us").read(t, usgov)
	assert.Holds(t, "the problem of a token without the permission", problemText(byRoot.Check(others, "")),
		allMethods.role+"=Role")
	byID := app(passOnly.name).with("aud", graphApp).read(t, usgov)
	assert.Same(t, "the problem of a token with it", byID.Check(others, ""), nil)
}

func TestCheckTenant(t *testing.T) {
	token := app(tapAll).read(t, cloud.Config{})
	for wanted, ok := range map[string]bool{
		"": true, aTenant: true, strings.ToUpper(aTenant): true,
		"contoso.com":                          true, // the caller resolves a domain
		"11111111-3b7d-4e88-9a41-d5c27be0f913": false,
	} {
		problem := token.Check(others, wanted)
		assert.That(t, (problem == nil) == ok, "Check for tenant %q = %v, want ok %v", wanted, problem, ok)
	}
}

// Graph, not tapsweep, judges a token that cannot be read.
func TestUnreadable(t *testing.T) {
	endpoint := assert.Must(cloud.Config{}.Resolve())
	for _, text := range []string{"", "opaque", "a.b.c", "e30.!!!.c",
		"e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"roles":7}`)) + ".c",
		"e30.e30.c", "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"`+anOwner+`","exp":1}`)) + ".c"} {
		token := Read(text, endpoint)
		assert.Same(t, text+": problem", token.Check(others, aTenant), nil)
		assert.Same(t, text+": kind", token.Kind, Unknown)
		assert.Same(t, text+": permitted", token.access(deletePasses, false) == Yes, false)
		assert.Same(t, text+": warnings", len(token.Warnings(others)), 1)
	}
}

// For each token and task, testdata/warnings.golden has why the token may not be enough.
func TestWarnings(t *testing.T) {
	var got strings.Builder
	for _, tt := range []struct {
		name   string
		claims claims
		task   Task
	}{
		{"app", app(tapAll), others},
		{"app, hidden permission", app(hiddenDelete), others},
		{"user, privileged", user(tapAll).with("wids", []string{rolePrivileged}), others},
		{"user, global", user(tapAll).with("wids", []string{roleGlobal}), others},
		{"user, administrator", user(tapAll).with("wids", []string{roleAuthAdmin}), others},
		{"user, no role", user(tapAll), others},
		{"user, no role, own pass", user(tapAll), own},
		{"sessions, user, no role", user(tapAll), Task{Others: true, Sessions: true}},
		{"sessions, user, administrator", user(tapAll).with("wids", []string{rolePrivileged}),
			Task{Others: true, Sessions: true}},
		{"sessions, dry run", app(tapAll), Task{Others: true, Sessions: true, ReadOnly: true}},
		{"proof of sessions", app(tapAll, "User.Read.All"), Task{Others: true, SessionProof: true}},
		{"proof of sessions, basic", app(tapAll, "User.ReadBasic.All"), Task{Others: true, SessionProof: true}},
		{"cannot be read", claims{}, others},
	} {
		fmt.Fprintf(&got, "# %s\n", tt.name)
		for _, warning := range tt.claims.read(t, cloud.Config{}).Warnings(tt.task) {
			fmt.Fprintln(&got, warning)
		}
	}
	assert.Golden(t, "warnings", got.String(), *update)
}

func TestPrint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the token ends in an hour, however slow the machine is
		var b strings.Builder
		token := user("UserAuthMethod-TAP.ReadWrite.All User.ReadBasic.All openid Mail.Read").with("app_displayname",
			"Sweeper").read(t, cloud.Config{Cloud: "usgov"})
		token.Print(&b, others)
		assert.Golden(t, "token of a user", b.String(), *update)
	})
}

// A token's claims are text of somebody else: they do not go raw to a terminal.
func TestHostileClaims(t *testing.T) {
	var b strings.Builder
	token := user("x").with("appid", "$(reboot)").with("app_displayname", "\x1b[2J").with("upn", "a\nb@c").with("oid",
		"; rm").read(t, cloud.Config{})
	token.Print(&b, others)
	problem := token.Check(others, "")
	assert.Lacks(t, "the text", b.String()+problem.Text, "\x1b", "a\nb")
	hints := strings.Join(problem.Hints, "\n")
	assert.Lacks(t, "hints", hints, "reboot")
	assert.Holds(t, "hints", hints, "APP_ID")
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
			if want, asked := tt.works[v.Command]; asked {
				assert.Same(t, v.Command, v.Works, want)
			}
		}
	}
}

// The manual has the ids that the hints name.
func TestIDsInTheManual(t *testing.T) {
	text := string(assert.Must(os.ReadFile("../../docs/signing-in.md")))
	for _, p := range []permission{passOnly, allMethods, listOnly, readBasic, readUsers, groupMembers, auditLog,
		sessionsOnly} {
		assert.Holds(t, "the table of permissions", text, "| "+p.name+" | `"+p.role+"` | `"+p.scope+"` |")
	}
	assert.Holds(t, "the manual", text, graphApp, passOnly.ownScope)
}
