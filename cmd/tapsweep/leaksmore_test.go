package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// listed is a page of one object with the text in its fields, and in the link to the next page.
func listed(object map[string]any, next string) []byte {
	page := map[string]any{"value": []map[string]any{object}}
	if next != "" {
		page["@odata.nextLink"] = next
	}
	b, _ := json.Marshal(page)
	return b
}

func rudeList(r *http.Request, _ string) []byte {
	text := rude(r)
	return listed(map[string]any{"id": text, "userPrincipalName": text, "userType": text,
		"methodUsabilityReason": text, "temporaryAccessPass": canaryPass}, text)
}

func rudeNames(r *http.Request, _ string) []byte {
	return listed(map[string]any{"id": selfID, "userPrincipalName": rude(r)}, "")
}

func bareList(r *http.Request, _ string) []byte {
	text := unlabelled(r)
	return listed(map[string]any{"id": selfID, "userPrincipalName": text, "methodUsabilityReason": text}, text)
}

// The other commands leave as little behind as revoke, whatever the service answers
// to what they ask.
func TestLeaksOfOtherCommands(t *testing.T) {
	t.Parallel()
	answers := []struct {
		name   string
		answer http.Handler
	}{
		{"none", nil},
		{"rude item 400", inBatch(400, rudeItem)},
		{"rude item 401", inBatch(401, rudeItem)},
		{"rude item 403", inBatch(403, rudeItem)},
		{"rude item 404", inBatch(404, rudeItem)},
		{"rude list", inBatch(200, rudeList)},
		{"rude names", inBatch(200, rudeNames)},
		{"unlabelled secrets, item 403", inBatch(403, bareItem)},
		{"unlabelled secrets in a list", inBatch(200, bareList)},
		{"unlabelled secrets, whole", wholeBatch(403, bareWhole)},
		{"rude whole", wholeBatch(400, rudeWhole)},
		{"rude page", wholeBatch(403, rudePage)},
	}
	commands := []string{
		"check",
		"check --output json --user user0001@contoso.example",
		"scan --all-users --members-only --output DIR/found.jsonl --results DIR/log.jsonl",
		"scan --created-since 1h --output DIR/found.jsonl",
		"sweep --all-users --yes --verify --verify-wait 1s --max-items 0 --results DIR/log.jsonl",
		"sweep --group " + selfID + " --yes --results DIR/log.jsonl",
		"verify --results DIR/proof.jsonl",
	}
	for _, tt := range answers {
		for _, line := range commands {
			t.Run(tt.name+", "+line, func(t *testing.T) {
				t.Parallel()
				testLeaksOfCommand(t, tt.answer, strings.Fields(line))
			})
		}
	}
}

func testLeaksOfCommand(t *testing.T, answer http.Handler, args []string) {
	const earlier = `{"type":"run"}` + "\n" +
		`{"type":"result","user":"user0001@contoso.example","method":"","outcome":"revoked"}` + "\n" +
		`{"type":"end"}` + "\n"
	tenant := graphsim.New(graphsim.Options{Entra: entra.Options{Secret: canarySecret}, Roles: simulation.Roles})
	tenant.AddUsers(3)
	args = append(args, "--log-level", "debug")
	if args[0] != "check" {
		args = append(args, "--max-attempts", "1", "--stall-timeout", "1s")
	}
	if args[0] == "verify" {
		args = append(args, writeFile(t, "earlier.jsonl", earlier))
	}
	env := append(serveRudely(t, tenant, "$batch", answer), canaryVariables...)
	p, _ := runTidily(t, false, env, args)
	atLeast(t, "exit code", p.code, 0)
	if p.code != status.Usage {
		atMost(t, "exit code", p.code, status.Stopped)
	}
	lacks(t, "standard error", p.stderr, "panic:")
}
