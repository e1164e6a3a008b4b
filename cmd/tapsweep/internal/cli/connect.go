package cli

import (
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

// connectFlags say who signs in, and where. All commands that talk to a tenant have them.
type connectFlags struct {
	auth        string
	tenant      string
	clientID    string
	certificate string
	secretFile  string
	tokenFile   string
	again       bool
	cloud       string
	graphURL    string
	apiVersion  string
}

func (f *connectFlags) add(fl *pflag.FlagSet) {
	addEnum(fl, &f.auth, "auth", "", auth.Methods,
		"how to sign in: "+oneOf(auth.Methods)+" (default by the files below, else default)")
	fl.StringVar(&f.tenant, "tenant", "", "tenant, by id or domain (default AZURE_TENANT_ID)")
	fl.StringVar(&f.clientID, "client-id", "",
		"id of the app registration or managed identity (default AZURE_CLIENT_ID)")
	addFile(fl, &f.certificate, "certificate", "", "PEM or PFX file with certificate and key; "+
		"password in AZURE_CLIENT_CERTIFICATE_PASSWORD", "pem", "pfx", "p12")
	addFile(fl, &f.secretFile, "secret-file", "", "file with the app's secret (default AZURE_CLIENT_SECRET)")
	addFile(fl, &f.tokenFile, "token-file", "", "file with an access token, which somebody else renews")
	fl.BoolVar(&f.again, "sign-in-again", false,
		"have the person sign in, whomever the store knows (with device-code and browser)")
	addEnum(fl, &f.cloud, "cloud", "", cloud.Names(),
		oneOf(cloud.Names())+": sets authority, Graph and scope (default global)")
	fl.StringVar(&f.graphURL, "graph-url", "", "Microsoft Graph's root, without a version (default the cloud's)")
	addEnum(fl, &f.apiVersion, "api-version", "v1.0", cloud.Versions,
		oneOf(cloud.Versions)).also = func(word string) bool { return word == "" }
	hasVariable(fl, "auth", "tenant", "client-id", "certificate", "secret-file", "token-file", "sign-in-again",
		"cloud", "graph-url", "api-version")
}

// any reports whether one of the flags is set.
func (f *connectFlags) any() bool {
	version := f.apiVersion
	rest := *f
	rest.apiVersion = ""
	return rest != (connectFlags{}) || version != "v1.0"
}

// resolve finds out where the flags lead to, and as whom. It contacts nobody. If only the
// credential is missing, the error comes with a target.
func (f *connectFlags) resolve(p *program) (*tenant.Target, error) {
	return tenant.Resolve(tenant.Options{Auth: f.auth, Tenant: f.tenant, ClientID: f.clientID,
		Certificate: f.certificate,
		SecretFile:  f.secretFile, TokenFile: f.tokenFile, SignInAgain: f.again, Cloud: f.cloud, GraphURL: f.graphURL,
		APIVersion: f.apiVersion, Getenv: p.getenv, Version: p.version, Say: p.console.Say})
}
