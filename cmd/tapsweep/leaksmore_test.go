package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// The other commands leave as little behind as revoke, whatever the service answers
// to what they ask.
func TestLeaksOfOtherCommands(t *testing.T) {
	t.Parallel()
	rudeItem := func(r *http.Request, _ string) []byte { return errorOf(rude(r)) }
	rudeList := func(r *http.Request, _ string) []byte {
		text := rude(r)
		b, _ := json.Marshal(map[string]any{"value": []map[string]any{{"id": text, "userPrincipalName": text, "userType": text,
			"methodUsabilityReason": text, "temporaryAccessPass": canaryPass}}, "@odata.nextLink": text})
		return b
	}
	rudeNames := func(r *http.Request, _ string) []byte {
		b, _ := json.Marshal(map[string]any{"value": []map[string]any{{"id": "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "userPrincipalName": rude(r)}}})
		return b
	}
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
		{"unlabelled secrets in a list", inBatch(200, func(r *http.Request, _ string) []byte {
			text := unlabelled(r)
			b, _ := json.Marshal(map[string]any{"value": []map[string]any{{"id": "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311",
				"userPrincipalName":     text,
				"methodUsabilityReason": text}}, "@odata.nextLink": text})
			return b
		})},
		{"unlabelled secrets, whole", wholeBatch(403, bareWhole)},
		{"rude whole", wholeBatch(400, func(r *http.Request) []byte { return errorOf(rude(r)) })},
		{"rude page", wholeBatch(403, func(r *http.Request) []byte { return []byte(rude(r)) })},
	}
	commands := [][]string{
		{"check"}, {"check", "--output", "json", "--user", "user0001@contoso.example"},
		{"scan", "--all-users", "--members-only", "--output", "found.jsonl", "--results", "log.jsonl"},
		{"scan", "--created-since", "1h", "--output", "found.jsonl"},
		{"sweep", "--all-users", "--yes", "--verify", "--verify-wait", "1s", "--order", "privileged", "--max-items", "0"},
		{"sweep", "--group", "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "--yes"},
		{"verify", "earlier.jsonl"},
	}
	const earlier = `{"type":"run"}` + "\n" + `{"type":"result","user":"user0001@contoso.example","method":"","outcome":"revoked"}` + "\n" + `{"type":"end"}` + "\n"
	for _, tt := range answers {
		for _, args := range commands {
			t.Run(tt.name+", "+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				tenant := graphsim.New(graphsim.Options{Entra: entra.Options{Secret: canarySecret}, Roles: simulation.Roles})
				tenant.AddUsers(3)
				env, root := serveRudely(t, tenant, "$batch", tt.answer)
				env = append(env, "HTTP_PROXY=http://dana:"+canaryProxy+"@127.0.0.1:9",
					"AZURE_CLIENT_CERTIFICATE_PASSWORD="+canaryPassword)
				args := append([]string{args[0], "--graph-url", root, "--log-level", "debug"}, args[1:]...)
				if args[0] != "check" {
					args = append(args, "--max-attempts", "1", "--stall-timeout", "1s")
				}
				cmd := command(t, env, args...)
				if err := os.WriteFile(filepath.Join(cmd.Dir, "earlier.jsonl"), []byte(earlier), 0o600); err != nil {
					t.Fatal(err)
				}
				p := finish(t, cmd)
				if p.code < 0 || p.code > 4 && p.code != status.Usage || strings.Contains(p.stderr, "panic:") {
					t.Errorf("exit %d\n%s", p.code, p.stderr)
				}
				checkLeft(t, "standard output", p.stdout)
				checkLeft(t, "standard error", p.stderr)
				for _, dir := range append(temporary(cmd.Env), cmd.Dir) {
					checkFiles(t, dir)
				}
			})
		}
	}
}
