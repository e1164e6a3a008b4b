package main

import (
	"errors"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/revoke"
)

// entraHints say what to do about an error of Entra's, by its number. %s is the
// app's id.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
var entraHints = map[int]string{
	7000215: "the secret has to be the secret's value, not its id; make another: az ad app credential reset --append --id %s",
	7000222: "the secret has expired; make another: az ad app credential reset --append --id %s",
	700016:  "the tenant has no app %s: mend --client-id or --tenant",
	90002:   "mend --tenant or AZURE_TENANT_ID; a tenant of another cloud takes --cloud",
	900023:  "mend --tenant or AZURE_TENANT_ID",
	700027:  "the certificate is not one of the app's: az ad app credential reset --append --id %s --cert @cert.pem",
	700024:  "the assertion is not valid now: is this machine's clock right, and the federated token file fresh?",
	700213:  "no federated credential of app %s has the issuer and subject of the token file: az ad app federated-credential list",
	65001:   "nobody has consented to the app's permissions: az ad app permission admin-consent --id %s",
	50076:   "sign in with a second factor: --auth device-code or --auth browser",
	50079:   "sign in with a second factor: --auth device-code or --auth browser",
	53003:   "Conditional Access refuses this sign-in: an administrator finds it in the sign-in log",
	70016:   "the code was not used yet: sign in with it",
	70019:   "the code is over: begin again",
	7000218: "the app registration has to allow public client flows for this: az ad app update --is-fallback-public-client true --id %s",
	7000112: "the app %s is disabled in this tenant",
}

// Hints that lead to tapsweep check, and back to a run.
const (
	hintCheck = "tapsweep check tries it out without changing anything"
	hintGoOn  = "when that is mended, go on with --resume"
)

// credentialHints say what to do when there is no token.
func credentialHints(method, client string, err error) []string {
	if client == "" {
		client = "APP_ID"
	}
	if token, ok := errors.AsType[*graph.TokenError](err); ok {
		if hint := entraHints[token.Code()]; hint != "" {
			return []string{withID(hint, client)}
		}
	}
	switch method {
	case "", "default":
		return []string{
			"set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or say how to sign in with --auth",
			hintCheck,
		}
	case "azure-cli":
		return []string{"sign in with: az login --service-principal; the token of a user lacks the permission"}
	case "azure-powershell":
		return []string{"sign in with: Connect-AzAccount -ServicePrincipal; the token of a user lacks the permission"}
	case "device-code":
		return []string{"the sign-in was declined, or the code ran out before: begin again"}
	case "managed-identity":
		return []string{"is there a managed identity on this machine? One that is assigned by a user takes --client-id"}
	}
	return []string{hintCheck}
}

func withID(hint, id string) string {
	if !preflight.IsGUID(id) {
		id = "APP_ID"
	}
	return strings.ReplaceAll(hint, "%s", id)
}

// hints say what to do when Graph takes the token no more, or denies everything.
func (t *tenant) hints(err error) []string {
	if _, ok := errors.AsType[*graph.TokenError](err); ok {
		return credentialHints(t.method, t.token.Client(), err)
	}
	if errors.Is(err, revoke.ErrAllDenied) {
		if problem := t.token.Check(preflight.Task{Others: true}, ""); problem != nil {
			return problem.Hints
		}
		return []string{"the hint of each row in the results log says what a 403 can mean; tapsweep check --user shows one user"}
	}
	if errors.Is(err, batch.ErrUnauthorized) {
		return []string{
			"Graph refuses the token, and a new one too: the app or user may be disabled, or a policy may keep this machine out",
			hintGoOn,
		}
	}
	return nil
}
