package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tapsweep/batch"
)

// A person is a credential that somebody has to sign in for. Each token that can
// be had in silence, from the cache or by a refresh token, is; the person is
// asked only for the others.
type person struct {
	silent interface {
		azcore.TokenCredential
		Authenticate(context.Context, *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error)
	}
	record string       // file that tells whose tokens the cache holds, empty without a cache
	stored string       // who that is, empty for nobody
	say    func(string) // tells the person once that nobody needs to sign in
	told   sync.Once
}

// tooShort is less time than a person needs. A request for a token that ends
// sooner is made ahead of need, and does without one.
const tooShort = 30 * time.Second

func (p *person) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := p.silent.GetToken(ctx, opts)
	if _, ask := errors.AsType[*azidentity.AuthenticationRequiredError](err); !ask {
		if err == nil {
			p.told.Do(func() {
				if p.stored != "" {
					p.say("signed in from the store as " + batch.Printable(p.stored) + "; --sign-in-again asks who it is to be")
				}
			})
		}
		return token, err
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < tooShort {
		return token, err
	}
	record, err := p.silent.Authenticate(ctx, &opts)
	if err != nil {
		return token, err
	}
	p.told.Do(func() {}) // who has just signed in knows it
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

// known reads whose tokens the cache holds, which is nobody if somebody is to sign in
// again.
func (o *Options) known(path string) (r azidentity.AuthenticationRecord) {
	if o.Again {
		return r
	}
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
	cache, path := o.store()
	record := o.known(path)
	c, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant, ClientID: o.ClientID,
		Cache: cache, AuthenticationRecord: record, DisableAutomaticAuthentication: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			// The authority's words, on one line: what is not ours may not draw on
			// the terminal.
			o.Prompt(batch.Printable(strings.Join(strings.Fields(m.Message), " ")))
			return nil
		},
	})
	return &person{silent: c, record: path, stored: record.Username, say: o.Prompt}, err
}

func (o *Options) browser() (azcore.TokenCredential, error) {
	cache, path := o.store()
	record := o.known(path)
	c, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant, ClientID: o.ClientID,
		Cache: cache, AuthenticationRecord: record, DisableAutomaticAuthentication: true,
	})
	return &person{silent: &announced{c, o.Prompt}, record: path, stored: record.Username, say: o.Prompt}, err
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
