package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/status"
)

// connectFlags say who signs in, and where. All commands that talk to a tenant
// share them.
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
	addEnum(fl, &f.auth, "auth", "", auth.Methods, "how to sign in: "+oneOf(auth.Methods)+" (default by the files below, else default)")
	fl.StringVar(&f.tenant, "tenant", "", "tenant, by id or domain (default AZURE_TENANT_ID)")
	fl.StringVar(&f.clientID, "client-id", "", "id of the app registration or managed identity (default AZURE_CLIENT_ID)")
	addFile(fl, &f.certificate, "certificate", "", "PEM or PFX file with certificate and key; "+
		"password in AZURE_CLIENT_CERTIFICATE_PASSWORD", "pem", "pfx", "p12")
	addFile(fl, &f.secretFile, "secret-file", "", "file with the app's secret (default AZURE_CLIENT_SECRET)")
	addFile(fl, &f.tokenFile, "token-file", "", "file with an access token, which somebody else renews")
	fl.BoolVar(&f.again, "sign-in-again", false, "have the person sign in, whomever the store knows (with device-code and browser)")
	addEnum(fl, &f.cloud, "cloud", "", cloud.Names(), oneOf(cloud.Names())+": sets authority, Graph and scope (default global)")
	fl.StringVar(&f.graphURL, "graph-url", "", "Microsoft Graph's root, without a version (default the cloud's)")
	addEnum(fl, &f.apiVersion, "api-version", "v1.0", cloud.Versions, oneOf(cloud.Versions)).also = func(word string) bool { return word == "" }
	hasVariable(fl, "auth", "tenant", "client-id", "certificate", "secret-file", "token-file", "sign-in-again",
		"cloud", "graph-url", "api-version")
}

// any tells whether one of the flags is set.
func (f *connectFlags) any() bool {
	version := f.apiVersion
	rest := *f
	rest.apiVersion = ""
	return rest != (connectFlags{}) || version != "v1.0"
}

// connection is a way to a tenant that was not gone yet.
type connection struct {
	endpoint   *cloud.Endpoint
	credential *auth.Credential

	// stall is how long to wait during an outage of the authority; 0 means not at all.
	stall time.Duration
	say   func(format string, args ...any) // reports the wait; may be nil
}

// waiting makes the connection wait during an outage of the authority, for as long as a run
// waits if Graph cannot be reached.
func (c *connection) waiting(a *app, f *runFlags) *connection {
	c.stall = f.stallTimeout
	if !f.quiet {
		c.say = a.say
	}
	return c
}

// prepare refuses what makes no sense, before any list is read. It contacts
// nobody. Where only the credential is missing, the error comes with a connection
// that tells where it would have gone.
func (a *app) prepare(f *connectFlags) (*connection, error) {
	endpoint, err := cloud.Choice{Cloud: f.cloud, Root: strings.TrimSuffix(f.graphURL, "/"),
		Authority: os.Getenv("AZURE_AUTHORITY_HOST"), Version: f.apiVersion}.Resolve()
	if choice, ok := errors.AsType[*cloud.ChoiceError](err); ok {
		var hints []string
		if choice.Hint != "" {
			hints = []string{choice.Hint}
		}
		return nil, status.Refuse(err, hints...)
	}
	if err := checkRoot(endpoint.Root); err != nil {
		return nil, status.Refuse(fmt.Errorf("--graph-url: %w", err))
	}
	if err := checkProxies(); err != nil {
		return nil, err
	}
	credential, err := auth.New(auth.Options{
		Method: f.auth, Tenant: f.tenant, ClientID: f.clientID,
		Certificate: f.certificate, SecretFile: f.secretFile, TokenFile: f.tokenFile, Again: f.again,
		Authority: endpoint.Authority, Discovery: endpoint.Discovery, Hosts: endpoint.Hosts(),
		Prompt: func(text string) { a.say("%s", text) },
	})
	if wrong, ok := errors.AsType[*auth.UsageError](err); ok {
		return nil, status.Refuse(wrong)
	}
	if err != nil {
		return &connection{endpoint: endpoint}, &status.Error{Code: status.NoAccess, Err: err, Hints: credentialHints(f.auth, "", err)}
	}
	return &connection{endpoint: endpoint, credential: credential}, nil
}
