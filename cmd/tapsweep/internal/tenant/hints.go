package tenant

import (
	"errors"
	"strings"

	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// entraHints has what to do about an error of Entra, by the number after AADSTS.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
var entraHints = map[int]string{
	7000215: "use the value of the secret, not its ID, and without quotes; to create another secret: " + newSecret,
	7000222: "the secret has expired; to create another secret: " + newSecret,
	700016:  "the tenant has no such app: fix --client-id or --tenant",
	90002:   "fix --tenant or AZURE_TENANT_ID; a tenant of another cloud needs --cloud",
	700027:  "the app does not have this certificate; to add it: " + newSecret + " --cert @cert.pem",
	700024: "the assertion is not valid now: check the clock of this machine, and whether the federated token " +
		"file is current",
	700213: "no federated credential of the app has the issuer and subject of the token file; to list them: " +
		"az ad app federated-credential list",
	65001: "nobody has consented to the app's permissions: az ad app permission admin-consent --id " + placeholder,
	53003: "Conditional Access refuses this sign-in: an administrator can see why in the Entra sign-in log",
	7000218: "the app registration must allow public client flows; to allow them: az ad app update " +
		"--is-fallback-public-client true --id " + placeholder,
}

const (
	newSecret   = "az ad app credential reset --append --id " + placeholder
	placeholder = "APP_ID" // for the client ID in entraHints
)

// noToken returns the error of a command that got no token.
func (t *Target) noToken(err error) *status.Error {
	var cut *auth.AuthorityUnreachableError
	if token, ok := errors.AsType[*graph.TokenError](err); ok {
		cut, _ = token.Err.(*auth.AuthorityUnreachableError) // only our own error, not one that azidentity wraps
	}
	if cut == nil {
		if cut = t.credential.Unreached(); cut == nil {
			return &status.Error{Code: status.NoAccess, Err: err,
				Hints: credentialHints(t.credential.Method, t.credential.ClientID, err)}
		}
		err = &graph.TokenError{Err: cut}
	}
	hints := []string{unreached[cut.Kind].hint}
	if host := t.opts.SignIn.Getenv("AZURE_AUTHORITY_HOST"); host != "" {
		hints = append(hints, "AZURE_AUTHORITY_HOST names this authority")
	}
	return &status.Error{Code: unreached[cut.Kind].code, Err: err, Hints: hints}
}

// unreached has the exit code and the hint for an authority that gave no valid answer. Trying again later helps only
// against an outage or a missing connection.
var unreached = map[auth.Kind]struct {
	code int
	hint string
}{
	auth.NoConnection: {status.Stopped, "check the network of this machine, and HTTPS_PROXY if it needs a proxy"},
	auth.Outage: {status.Stopped, "this is an outage, not a problem with the credential; nothing was sent to Graph: " +
		"run the command again later"},
	auth.Misled: {status.NoAccess, "something else answers in place of the authority: check HTTPS_PROXY, " +
		"name resolution and --cloud"},
	auth.Untrusted: {status.NoAccess, "if a proxy inspects TLS, put its certificate authority into a file that " +
		"SSL_CERT_FILE names; also check the clock of this machine"},
}

// credentialHints returns what to do when there is no token. client is the configured client ID, or empty.
func credentialHints(method, client string, err error) []string {
	if token, ok := errors.AsType[*graph.TokenError](err); ok {
		if hint := entraHints[token.Code()]; hint != "" {
			if input.IsGUID(client) {
				hint = strings.ReplaceAll(hint, placeholder, client)
			}
			return []string{hint}
		}
	}
	switch method {
	case "", "default":
		return []string{
			"set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH or AZURE_CLIENT_SECRET, " +
				"or choose how to sign in with --auth",
			status.HintCheck,
		}
	case "azure-cli":
		return []string{"sign in with: az login --service-principal; the token of a user lacks the permission"}
	case "azure-powershell":
		return []string{"sign in with: Connect-AzAccount -ServicePrincipal; the token of a user lacks the permission"}
	case "device-code":
		return []string{"the sign-in was declined, or the code expired: sign in again"}
	case "managed-identity":
		return []string{"check that this machine has a managed identity; a user-assigned identity needs --client-id"}
	}
	return []string{status.HintCheck}
}

// Status returns the exit code for an error. If Graph no longer accepts the token, or denies everything, the hints fit
// this tenant.
func (t *Tenant) Status(err error) *status.Error {
	exit := *status.Of(err)
	if _, ok := errors.AsType[*graph.TokenError](err); ok {
		exit.Hints = credentialHints(t.Method, t.client, err)
	} else if errors.Is(err, answer.ErrAllDenied) {
		if problem := t.Token.Check(token.Task{Others: true}, ""); problem != nil {
			exit.Hints = problem.Hints
		}
	}
	return &exit
}
