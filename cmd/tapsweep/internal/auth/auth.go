// Package auth makes credentials. All are azidentity's, except the one that reads a token
// from a file.
package auth

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
)

// Methods are what Options.Method may be.
var Methods = []string{"default", "environment", "secret", "certificate", "managed-identity", "workload-identity",
	"azure-cli", "azure-powershell", "device-code", "browser", "token-file"}

// Options say which credential to make. An empty field takes the value of azidentity's
// environment variable that is named beside it. Secrets come only from the environment or
// from a file.
type Options struct {
	Method      string // one of Methods; if empty, the files below decide
	Tenant      string // AZURE_TENANT_ID
	ClientID    string // AZURE_CLIENT_ID
	Certificate string // AZURE_CLIENT_CERTIFICATE_PATH: a PEM or PFX file with its key
	SecretFile  string // else AZURE_CLIENT_SECRET
	TokenFile   string

	Authority string // Entra's URL
	Discovery bool   // ask Microsoft whether it knows the authority

	// Hosts are the hosts that may be asked for tokens, with the port if it is not 443.
	// Nil means only the Authority's host.
	Hosts []string

	// HTTP sends the requests to the authority. Nil is a client with the same kind of
	// transport as for Graph. No redirect is followed.
	HTTP *http.Client

	// Prompt shows a person how to sign in, or that there is no need to.
	Prompt func(text string)

	// ForceSignIn makes a person sign in even if the token cache holds a sign-in.
	ForceSignIn bool

	// Getenv returns a variable of the environment. Nil means that none is set. The credentials
	// that azidentity makes of the environment alone read the process's, whatever Getenv returns:
	// a managed identity, a workload identity, and those of tools.
	Getenv func(name string) string

	// Roots are the certificate authorities that are trusted. Nil means the system's.
	Roots *x509.CertPool

	certificateFrom string // the flag or variable that named the certificate

	transport *issuerTransport
}

// A UsageError says that the options contradict each other or lack something.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// settle fills in values from the environment, and refuses options that contradict each other.
func (o Options) settle() (Options, error) {
	if err := o.settleMethod(); err != nil {
		return o, err
	}
	if err := o.fillName(&o.Tenant, "--tenant", "AZURE_TENANT_ID"); err != nil {
		return o, err
	}
	if err := o.fillName(&o.ClientID, "--client-id", "AZURE_CLIENT_ID"); err != nil {
		return o, err
	}
	o.certificateFrom = "AZURE_CLIENT_CERTIFICATE_PATH"
	if o.Certificate != "" {
		o.certificateFrom = "--certificate"
	}
	o.fill(&o.Certificate, "AZURE_CLIENT_CERTIFICATE_PATH")
	if o.Tenant != "" && !tenantDomain.MatchString(o.Tenant) {
		return o, usage("--tenant or AZURE_TENANT_ID: %q is neither a tenant ID nor a domain", o.Tenant)
	}
	if o.ForceSignIn && o.Method != "device-code" && o.Method != "browser" {
		return o, usage("--sign-in-again is for --auth device-code and browser: with %s nobody signs in", o.Method)
	}
	return o, o.checkComplete()
}

// settleMethod chooses the method by the file that is named, if there is one.
func (o *Options) settleMethod() error {
	if o.Method != "" && !slices.Contains(Methods, o.Method) {
		return usage("--auth %q is not %s", o.Method, strings.Join(Methods, ", "))
	}
	chosen := ""
	for _, f := range []struct{ method, flag, file string }{
		{"certificate", "--certificate", o.Certificate},
		{"secret", "--secret-file", o.SecretFile},
		{"token-file", "--token-file", o.TokenFile},
	} {
		switch {
		case f.file == "":
		case chosen != "":
			return usage("%s and %s cannot be used together", chosen, f.flag)
		case o.Method != "" && o.Method != f.method:
			return usage("--auth %s does not use %s", o.Method, f.flag)
		default:
			chosen, o.Method = f.flag, f.method
		}
	}
	o.Method = cmp.Or(o.Method, "default")
	return nil
}

// getenv returns a variable of the environment.
func (o *Options) getenv(name string) string {
	if o.Getenv == nil {
		return ""
	}
	return o.Getenv(name)
}

// fill takes an empty value from a variable.
func (o *Options) fill(value *string, variable string) {
	if *value == "" {
		*value = o.getenv(variable)
	}
}

// fillName fills a name of a tenant or an app, and refuses one that has quotes or spaces around it.
func (o *Options) fillName(value *string, flag, variable string) error {
	from := flag
	if *value == "" {
		from = variable
	}
	o.fill(value, variable)
	return checkPlain(from, *value)
}

// checkComplete returns an error if the method lacks a value.
func (o *Options) checkComplete() error {
	const client = "--client-id or AZURE_CLIENT_ID, of an app registration of the tenant"
	var needed [][2]string // a value and where it comes from
	switch o.Method {
	case "secret":
		needed = [][2]string{{o.Tenant, "--tenant or AZURE_TENANT_ID"}, {o.ClientID, client}}
	case "certificate":
		needed = [][2]string{{o.Tenant, "--tenant or AZURE_TENANT_ID"}, {o.ClientID, client},
			{o.Certificate, "--certificate or AZURE_CLIENT_CERTIFICATE_PATH"}}
	case "device-code", "browser":
		// azidentity's own application cannot be granted the permissions.
		// Source: Azure/azure-cli#22775.
		needed = [][2]string{{o.ClientID, client}}
	case "token-file":
		needed = [][2]string{{o.TokenFile, "--token-file"}}
	}
	for _, n := range needed {
		if n[0] == "" {
			return usage("--auth %s needs %s", o.Method, n[1])
		}
	}
	return nil
}

// A Credential is a credential of azidentity and how it was made.
type Credential struct {
	azcore.TokenCredential
	Method   string // one of Methods
	ClientID string // as configured; empty if it is not configured
	Tenant   string // as configured; empty if it may be any tenant

	transport *issuerTransport // to the token issuer; nil if the credential does not use HTTP
}

// New makes the credential. It sends nothing. An error that does not wrap a *UsageError is
// about the credential itself, for example an environment that azidentity does not accept.
func New(opts Options) (*Credential, error) {
	o, err := opts.settle()
	if err != nil {
		return nil, err
	}
	o.concealEnvironment()
	o.transport = newLine(o)
	c, err := o.credential()
	if err != nil {
		return nil, o.failed(err)
	}
	if anyTenant(o.Tenant) {
		o.Tenant = ""
	}
	return &Credential{c, o.Method, o.ClientID, o.Tenant, o.transport}, nil
}

// credential makes the credential of the method. Options that name an app in the environment have the
// method environment afterwards.
func (o *Options) credential() (c azcore.TokenCredential, err error) {
	switch o.Method {
	case "default":
		if c, err = o.environment(); c != nil || err != nil {
			o.Method = "environment"
			break
		}
		o.export()
		c, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant})
	case "environment":
		if c, err = o.environment(); c != nil || err != nil {
			break
		}
		o.export()
		c, err = azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{
			ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery})
	case "secret":
		c, err = o.secret()
	case "certificate":
		c, err = o.certificate()
	case "managed-identity":
		m := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o.client()}
		if o.ClientID != "" {
			m.ID = azidentity.ClientID(o.ClientID)
		}
		c, err = azidentity.NewManagedIdentityCredential(m)
	case "workload-identity":
		c, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery,
			ClientID: o.ClientID, TenantID: o.Tenant})
	case "azure-cli":
		c, err = azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: o.Tenant})
	case "azure-powershell":
		c, err = azidentity.NewAzurePowerShellCredential(
			&azidentity.AzurePowerShellCredentialOptions{TenantID: o.Tenant})
	case "device-code":
		c, err = o.deviceCode()
	case "browser":
		c, err = o.browser()
	case "token-file":
		c = &tokenFile{path: o.TokenFile}
	}
	return c, err
}

// failed returns the error of a credential that cannot be made. azidentity's errors speak to programmers.
func (o *Options) failed(err error) error {
	if _, ours := errors.AsType[*UsageError](err); ours {
		return fmt.Errorf("--auth %s: %w", o.Method, err)
	}
	return fmt.Errorf("--auth %s: %s", o.Method, graph.PlainWords(err.Error()))
}

func (o *Options) client() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: o.Authority},
		Transport: o.transport,
	}
}

// export sets the environment variables from which azidentity takes the tenant and the client
// of these credentials, if flags give others. It has no option for them.
// Source: azidentity v1.15.0, default_azure_credential.go: only AZURE_CLIENT_ID names a managed identity.
func (o *Options) export() {
	for name, value := range map[string]string{"AZURE_TENANT_ID": o.Tenant, "AZURE_CLIENT_ID": o.ClientID} {
		if value != "" && value != o.getenv(name) {
			os.Setenv(name, value)
		}
	}
}

func (o *Options) secret() (azcore.TokenCredential, error) {
	secret, err := o.readSecret()
	if err != nil {
		return nil, err
	}
	return o.secretOf(secret)
}

func (o *Options) secretOf(secret string) (azcore.TokenCredential, error) {
	return azidentity.NewClientSecretCredential(o.Tenant, o.ClientID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery})
}

// readSecret returns the secret from its file or from the environment.
func (o *Options) readSecret() (string, error) {
	if o.SecretFile != "" {
		secret, err := readSecretFile(o.SecretFile)
		if err != nil {
			return "", usage("--secret-file %s: %w", o.SecretFile, err)
		}
		return secret, nil
	}
	secret := trim(o.getenv("AZURE_CLIENT_SECRET"))
	if secret == "" {
		return "", errors.New("no secret: set AZURE_CLIENT_SECRET, or name a file with it by --secret-file")
	}
	safetext.Conceal(secret)
	if err := checkSecret(secret); err != nil {
		return "", usage("AZURE_CLIENT_SECRET: %w", err)
	}
	return secret, nil
}

// Secret returns a credential with a client secret. It ignores the environment, and is meant
// for a tenant that is not Microsoft's, such as a simulated one.
func Secret(authority, tenant, client, secret string, httpClient *http.Client) (*Credential, error) {
	safetext.Conceal(secret)
	o := Options{Method: "secret", Tenant: tenant, ClientID: client, Authority: authority, HTTP: httpClient}
	o.transport = newLine(o)
	c, err := o.secretOf(secret)
	return &Credential{c, o.Method, client, tenant, o.transport}, err
}
