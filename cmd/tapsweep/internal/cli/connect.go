package cli

import (
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

func addConnect(fl *pflag.FlagSet, o *tenant.Options) {
	addEnum(fl, &o.SignIn.Method, "auth", "", auth.Methods,
		"how to sign in: "+oneOf(auth.Methods)+" (default: what fits the file that you name, else default)")
	fl.StringVar(&o.SignIn.Tenant, "tenant", "", "ID or domain of the `TENANT` (default AZURE_TENANT_ID)")
	fl.StringVar(&o.SignIn.ClientID, "client-id", "",
		"`ID` of the app registration or managed identity (default AZURE_CLIENT_ID)")
	fl.StringVar(&o.SignIn.Certificate, "certificate", "", "PEM or PFX `FILE` with the app's certificate and key; "+
		"its password is in AZURE_CLIENT_CERTIFICATE_PASSWORD")
	fl.StringVar(&o.SignIn.SecretFile, "secret-file", "", "`FILE` with the app's secret (default AZURE_CLIENT_SECRET)")
	fl.StringVar(&o.SignIn.TokenFile, "token-file", "", "`FILE` with an access token, which another program renews")
	fl.BoolVar(&o.SignIn.ForceSignIn, "sign-in-again", false,
		"with device-code and browser: ask for a new sign-in, even if an earlier one is cached")
	addEnum(fl, &o.Cloud.Cloud, "cloud", "", cloud.Names(), oneOf(cloud.Names())+" (default global)")
	fl.StringVar(&o.Cloud.Root, "graph-url", "",
		"root `URL` of Microsoft Graph, without a version (default that of the cloud)")
	addEnum(fl, &o.Cloud.Version, "api-version", "v1.0", cloud.Versions, "version of Graph: "+oneOf(cloud.Versions))
	inHelp(fl, signingIn, "auth", "tenant", "client-id", "certificate", "cloud")
	inFlagsHelp(fl, signingIn, "secret-file", "token-file", "sign-in-again", "graph-url", "api-version")
}

// connects returns the name of the first of results.SignInFlags that is not at its default, or "".
func connects(fl *pflag.FlagSet) string {
	for _, name := range results.SignInFlags {
		if f := fl.Lookup(name); f.Value.String() != f.DefValue {
			return name
		}
	}
	return ""
}

// resolve returns the tenant and the credential that the options select. It sends nothing. If only the
// credential is missing, it returns an error and a target.
func (p *program) resolve(o tenant.Options) (*tenant.Target, error) {
	o.SignIn.Getenv, o.Version, o.Say = p.getenv, p.version, p.console.Say
	return tenant.Resolve(o)
}
