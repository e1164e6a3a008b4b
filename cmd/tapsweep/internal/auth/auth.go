// Package auth creates credentials. All are credentials of azidentity, except the one that reads a token from a file.
package auth

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
)

// Methods are the values of Options.Method.
var Methods = []string{"default", "environment", "secret", "certificate", "managed-identity", "workload-identity",
	"azure-cli", "azure-powershell", "device-code", "browser", "token-file"}

// Options are the options of a credential. If a field is empty, the environment variable in its comment counts. Secrets
// come only from the environment or from a file.
type Options struct {
	Method      string // one of Methods; if empty, the files below decide
	Tenant      string // AZURE_TENANT_ID
	ClientID    string // AZURE_CLIENT_ID
	Certificate string // AZURE_CLIENT_CERTIFICATE_PATH: a PEM or PFX file with its key
	SecretFile  string // else AZURE_CLIENT_SECRET
	TokenFile   string

	Authority string // the URL of Entra
	Discovery bool   // ask Microsoft whether it knows the authority

	// Hosts are the hosts that may be asked for tokens, with the port if it is not 443. Nil means only the host of
	// Authority.
	Hosts []string

	// HTTP sends the requests to the authority. Nil means a client with the same kind of transport as for Graph. It
	// follows no redirect.
	HTTP *http.Client

	// Prompt shows a person how to sign in, or that no sign-in is needed.
	Prompt func(text string)

	// ForceSignIn makes a person sign in even if the token cache holds a sign-in.
	ForceSignIn bool

	// Getenv returns an environment variable. Nil means that none is set. Some credentials of azidentity ignore
	// Getenv and read the environment of the process: a managed identity, a workload identity, and those of
	// command-line tools.
	Getenv func(name string) string

	// Roots are the certificate authorities that are trusted. Nil means those of the system.
	Roots *x509.CertPool

	certificateFrom string // the flag or variable that named the certificate

	transport *issuerTransport
}

// A UsageError is returned if the options contradict each other or lack something.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// resolve fills in values from the environment, and refuses options that contradict each other.
func (o Options) resolve() (Options, error) {
	if err := o.chooseMethod(); err != nil {
		return o, err
	}
	for _, name := range []struct {
		value          *string
		flag, variable string
	}{{&o.Tenant, "--tenant", "AZURE_TENANT_ID"}, {&o.ClientID, "--client-id", "AZURE_CLIENT_ID"}} {
		from := name.flag
		if *name.value == "" {
			from, *name.value = name.variable, o.getenv(name.variable)
		}
		if err := checkPlain(from, *name.value); err != nil {
			return o, err
		}
	}
	o.certificateFrom = "--certificate"
	if o.Certificate == "" {
		o.certificateFrom = "AZURE_CLIENT_CERTIFICATE_PATH"
		o.Certificate = o.getenv(o.certificateFrom)
	}
	if o.Tenant != "" && !tenantDomain.MatchString(o.Tenant) {
		return o, usage("--tenant or AZURE_TENANT_ID: %q is neither a tenant ID nor a domain", o.Tenant)
	}
	if o.ForceSignIn && o.Method != "device-code" && o.Method != "browser" {
		return o, usage("--sign-in-again is for --auth device-code and browser: with %s nobody signs in", o.Method)
	}
	return o, o.checkComplete()
}

// chooseMethod chooses the method that fits the named file, if there is one.
func (o *Options) chooseMethod() error {
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

// getenv returns an environment variable.
func (o *Options) getenv(name string) string {
	if o.Getenv == nil {
		return ""
	}
	return o.Getenv(name)
}

// checkComplete returns an error if the method lacks a value.
func (o *Options) checkComplete() error {
	type value struct{ value, from string }
	tenant := value{o.Tenant, "--tenant or AZURE_TENANT_ID"}
	client := value{o.ClientID, "--client-id or AZURE_CLIENT_ID, of an app registration of the tenant"}
	needed := map[string][]value{
		"secret":      {tenant, client},
		"certificate": {tenant, client, {o.Certificate, "--certificate or AZURE_CLIENT_CERTIFICATE_PATH"}},
		// The app of azidentity itself cannot get the permissions.
		// Source: Azure/azure-cli#22775.
		"device-code": {client},
		"browser":     {client},
		"token-file":  {{o.TokenFile, "--token-file"}},
	}
	for _, v := range needed[o.Method] {
		if v.value == "" {
			return usage("--auth %s needs %s", o.Method, v.from)
		}
	}
	return nil
}

// A Credential is a credential of azidentity, with the options that created it.
type Credential struct {
	azcore.TokenCredential
	Method   string // one of Methods
	ClientID string // the configured client ID, or empty
	Tenant   string // the configured tenant; empty means any tenant

	transport *issuerTransport // sends requests to the token issuer; nil if the credential does not use HTTP
}

// New creates the credential. It sends nothing. An error that does not wrap a *UsageError is about the credential
// itself, for example an environment that azidentity does not accept.
func New(opts Options) (*Credential, error) {
	o, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	o.concealEnvironment()
	o.transport = newIssuerTransport(o)
	c, err := o.credential()
	if err != nil {
		return nil, o.failed(err)
	}
	if anyTenant(o.Tenant) {
		o.Tenant = ""
	}
	return &Credential{c, o.Method, o.ClientID, o.Tenant, o.transport}, nil
}

// credential creates the credential for the method. If the environment has the app, credential sets the method to
// environment.
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

// failed returns the error for a credential that cannot be created. The errors of azidentity are for programmers.
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

// export sets the environment variables from which azidentity reads the tenant and the client ID of some credentials,
// if flags have other values. azidentity has no option for them.
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
		return "", errors.New("no secret: set AZURE_CLIENT_SECRET, or name a file that contains it with --secret-file")
	}
	safetext.Conceal(secret)
	if err := checkSecret(secret); err != nil {
		return "", usage("AZURE_CLIENT_SECRET: %w", err)
	}
	return secret, nil
}
