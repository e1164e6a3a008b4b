package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// A person is a credential that somebody has to sign in for. Each token that can
// be had in silence, from the cache or by a refresh token, is; the person is
// asked only for the others.
type person struct {
	silent interface {
		azcore.TokenCredential
		Authenticate(context.Context, *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error)
	}
	record string // file that tells whose tokens the cache holds, empty without a cache
}

// tooShort is less time than a person needs. A request for a token that ends
// sooner is made ahead of need, and does without one.
const tooShort = 30 * time.Second

func (p *person) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := p.silent.GetToken(ctx, opts)
	if _, ask := errors.AsType[*azidentity.AuthenticationRequiredError](err); !ask {
		return token, err
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < tooShort {
		return token, err
	}
	record, err := p.silent.Authenticate(ctx, &opts)
	if err != nil {
		return token, err
	}
	p.keep(record)
	return p.silent.GetToken(ctx, opts)
}

// keep writes the record down. It holds no secret, yet names a person. Failing
// costs no more than signing in once more next time.
func (p *person) keep(record azidentity.AuthenticationRecord) {
	if p.record == "" {
		return
	}
	if data, err := json.Marshal(record); err == nil && os.MkdirAll(filepath.Dir(p.record), 0o700) == nil {
		os.WriteFile(p.record, data, 0o600)
	}
}

func readRecord(path string) (r azidentity.AuthenticationRecord) {
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &r) != nil {
		return azidentity.AuthenticationRecord{}
	}
	return r
}

// store opens azidentity's cache, which keeps tokens only where the system has a
// safe place for them, and finds the record for it. Without one, all is empty.
func (o *Options) store() (azidentity.Cache, string) {
	cache, err := newCache()
	if err != nil {
		return azidentity.Cache{}, ""
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return azidentity.Cache{}, ""
	}
	safe := strings.NewReplacer("/", "_", "\\", "_", ":", "_", ".", "_")
	name := fmt.Sprintf("%s-%s-%s.json", o.Method, safe.Replace(o.Tenant), safe.Replace(o.ClientID))
	return cache, filepath.Join(dir, "tapsweep", name)
}

func (o *Options) deviceCode() (azcore.TokenCredential, error) {
	cache, record := o.store()
	c, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant, ClientID: o.ClientID,
		Cache: cache, AuthenticationRecord: readRecord(record), DisableAutomaticAuthentication: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			o.Prompt(m.Message)
			return nil
		},
	})
	return &person{c, record}, err
}

func (o *Options) browser() (azcore.TokenCredential, error) {
	cache, record := o.store()
	c, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant, ClientID: o.ClientID,
		Cache: cache, AuthenticationRecord: readRecord(record), DisableAutomaticAuthentication: true,
	})
	return &person{&announced{c, o.Prompt}, record}, err
}

// announced says that a browser is about to open, for somebody who looks at
// the terminal.
type announced struct {
	*azidentity.InteractiveBrowserCredential
	say func(string)
}

func (a *announced) Authenticate(ctx context.Context, opts *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error) {
	a.say("sign in with the browser that opens now")
	return a.InteractiveBrowserCredential.Authenticate(ctx, opts)
}
