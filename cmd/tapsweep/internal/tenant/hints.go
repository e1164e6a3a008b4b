package tenant

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
)

// entraHints say what to do about an error of Entra's, by its number. %s is the
// app's id in a command, %q the app as it was named.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
var entraHints = map[int]string{
	7000215: "use the value of the secret, not its ID; make another: az ad app credential reset " +
		"--append --id %s",
	7000222: "the secret has expired; make another: az ad app credential reset --append --id %s",
	700016:  "the tenant has no app %q: fix --client-id or --tenant",
	90002:   "fix --tenant or AZURE_TENANT_ID; a tenant of another cloud needs --cloud",
	900023:  "fix --tenant or AZURE_TENANT_ID",
	700027:  "the certificate is not one of the app's: az ad app credential reset --append --id %s --cert @cert.pem",
	700024: "the assertion is not valid now: check this machine's clock, and whether the federated token file " +
		"is current",
	700213: "no federated credential of app %q has the issuer and subject of the token file: az ad app " +
		"federated-credential list",
	65001: "nobody has consented to the app's permissions: az ad app permission admin-consent --id %s",
	50076: "sign in with a second factor: --auth device-code or --auth browser",
	50079: "sign in with a second factor: --auth device-code or --auth browser",
	53003: "Conditional Access refuses this sign-in: an administrator can see why in the Entra sign-in log",
	70016: "the code was not used yet: sign in with it",
	70019: "the code has expired: sign in again",
	7000218: "the app registration has to allow public client flows for this: az ad app update " +
		"--is-fallback-public-client true --id %s",
	7000112: "the app %q is disabled in this tenant",
}

// noToken returns the error of a command that got no token. If the authority could not be reached, or
// has an outage, the command stopped early. A certificate that is not trusted means no access, because
// it stays so until somebody acts.
func (t *Target) noToken(err error) *status.Error {
	var cut *auth.UnreachedError
	if token, ok := errors.AsType[*graph.TokenError](err); ok {
		cut, _ = token.Err.(*auth.UnreachedError) // not an error that azidentity has wrapped
	}
	if cut == nil {
		if cut = t.credential.Unreached(); cut == nil {
			return &status.Error{Code: status.NoAccess, Err: err,
				Hints: credentialHints(t.opts.Getenv, t.credential.Method, t.credential.ClientID, err)}
		}
		err = &graph.TokenError{Err: cut}
	}
	hints, code := []string{hintNetwork}, status.Stopped
	if file := t.opts.Getenv("SSL_CERT_FILE"); strings.HasPrefix(filepath.Base(file), "graphsim-") {
		if _, err := os.Stat(file); err != nil {
			hints = []string{
				"SSL_CERT_FILE and AZURE_AUTHORITY_HOST are of a tapsweep simulate that has ended: unset them",
			}
		}
	}
	if answer, ok := errors.AsType[*auth.AnswerError](cut.Err); ok && answer.Passing {
		hints = []string{hintOutage}
	} else if ok {
		hints, code = []string{hintMisled}, status.NoAccess
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](cut.Err); ok {
		hints, code = []string{certificateHint(t.opts.Getenv, untrusted)}, status.NoAccess
	}
	if host := t.opts.Getenv("AZURE_AUTHORITY_HOST"); host != "" {
		hints = append(hints, "AZURE_AUTHORITY_HOST names this authority")
	}
	return &status.Error{Code: code, Err: err, Hints: hints}
}

const (
	hintOutage = "this is an outage, not a problem with the credential; nothing was sent to Graph: " +
		"run the command again later"
	hintMisled = "something else answers in place of the authority: check HTTPS_PROXY, name resolution and --cloud"
)

const hintNetwork = "check the network of this machine, and HTTPS_PROXY if it needs a proxy"

// certificateHint says what to do about a certificate that is not trusted.
func certificateHint(getenv func(string) string, err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "check this machine's clock; if it is right, the owner of the certificate must renew it"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "another server answers in its place: check HTTPS_PROXY and name resolution"
	}
	hint := []string{"if a proxy inspects TLS, name its certificate authority by SSL_CERT_FILE"}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value := getenv(name); value != "" {
			hint = append(hint, name+" is "+safetext.Printable(value)+" now")
		}
	}
	return strings.Join(hint, ", and ")
}

// credentialHints say what to do when there is no token.
func credentialHints(getenv func(string) string, method, client string, err error) []string {
	if token, ok := errors.AsType[*graph.TokenError](err); ok {
		if hint := entraHints[token.Code()]; hint != "" {
			return []string{withID(hint, client)}
		}
	}
	switch method {
	case "", "default":
		if environmentIsSet(getenv) {
			return []string{status.HintCheck}
		}
		return []string{
			"set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH or AZURE_CLIENT_SECRET, " +
				"or say how to sign in with --auth",
			status.HintCheck,
		}
	case "azure-cli":
		return []string{"sign in with: az login --service-principal; the token of a user lacks the permission"}
	case "azure-powershell":
		return []string{"sign in with: Connect-AzAccount -ServicePrincipal; the token of a user lacks the permission"}
	case "device-code":
		return []string{"the sign-in was declined, or the code expired: sign in again"}
	case "managed-identity":
		return []string{"does this machine have a managed identity? A user-assigned one needs --client-id"}
	}
	return []string{status.HintCheck}
}

// environmentIsSet reports whether the environment names an app and its credential.
func environmentIsSet(getenv func(string) string) bool {
	set := func(name string) bool { return getenv(name) != "" }
	return set("AZURE_TENANT_ID") && set("AZURE_CLIENT_ID") && (set("AZURE_CLIENT_SECRET") ||
		set("AZURE_CLIENT_CERTIFICATE_PATH"))
}

// withID fills the app into a hint. A command gets a placeholder if the app is not named by its id.
func withID(hint, id string) string {
	named := "of this id"
	if id != "" {
		named = safetext.Printable(id)
	}
	if !format.IsGUID(id) {
		id = "APP_ID"
	}
	return strings.NewReplacer("%s", id, "%q", named).Replace(hint)
}

// hints returns what to do if Graph no longer accepts the token, or denies everything. It returns nil
// if that does not depend on the tenant.
func (t *Tenant) hints(err error) []string {
	if _, ok := errors.AsType[*graph.TokenError](err); ok {
		return credentialHints(t.getenv, t.Method, t.Token.Client(), err)
	}
	if errors.Is(err, answer.ErrAllDenied) {
		if problem := t.Token.Check(token.Task{Others: true}, ""); problem != nil {
			return problem.Hints
		}
	}
	return nil
}

// Status returns how the command ends with an error, with hints that fit this tenant.
func (t *Tenant) Status(err error) *status.Error {
	exit := status.Of(err)
	if hints := t.hints(err); hints != nil {
		return &status.Error{Code: exit.Code, Err: exit.Err, Hints: hints}
	}
	return exit
}
