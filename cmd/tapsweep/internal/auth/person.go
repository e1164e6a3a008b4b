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

	"tapsweep/batch/safetext"
)

// An interactive is the credential of a person who signs in. It asks the person only if neither the token cache nor a
// refresh token provides a token.
type interactive struct {
	silent interface {
		azcore.TokenCredential
		Authenticate(context.Context, *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error)
	}
	record string // the file with the name of the account in the cache, empty without a cache
	before string // the message before the sign-in, empty if the credential shows one
	say    func(string)
}

// minSignIn is the shortest time in which a person can sign in. With less time left, the request for a token fails
// instead of asking the person.
const minSignIn = 30 * time.Second

func (p *interactive) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := p.silent.GetToken(ctx, opts)
	if _, ask := errors.AsType[*azidentity.AuthenticationRequiredError](err); !ask {
		return token, err
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < minSignIn {
		return token, err
	}
	if p.before != "" {
		p.say(p.before)
	}
	record, err := p.silent.Authenticate(ctx, &opts)
	if err != nil {
		return token, err
	}
	p.keep(record)
	return p.silent.GetToken(ctx, opts)
}

// keep saves the record of the account. The record has no secret, but the name of a person. If it cannot be saved, the
// interactive must sign in again next time.
func (p *interactive) keep(record azidentity.AuthenticationRecord) {
	if p.record == "" {
		return
	}
	if data, err := json.Marshal(record); err == nil && os.MkdirAll(filepath.Dir(p.record), 0o700) == nil {
		os.WriteFile(p.record, data, 0o600)
	}
}

// store opens the token cache of azidentity, and reads the record of its account from the file at path. The record is
// empty if there is none, or if the person must sign in again. All results are empty if the system has no safe place
// for tokens.
func (o *Options) store() (cache azidentity.Cache, record azidentity.AuthenticationRecord, path string) {
	cache, err := newCache()
	dir, dirErr := os.UserConfigDir()
	if err != nil || dirErr != nil {
		return azidentity.Cache{}, record, ""
	}
	safe := strings.NewReplacer("/", "_", "\\", "_", ":", "_", ".", "_")
	name := fmt.Sprintf("%s-%s-%s.json", o.Method, safe.Replace(o.Tenant), safe.Replace(o.ClientID))
	path = filepath.Join(dir, "tapsweep", name)
	return cache, o.known(path), path
}

// known returns the record in a file. It is empty if the person must sign in again.
func (o *Options) known(path string) (r azidentity.AuthenticationRecord) {
	data, err := os.ReadFile(path)
	if o.ForceSignIn || err != nil || json.Unmarshal(data, &r) != nil {
		return azidentity.AuthenticationRecord{}
	}
	return r
}

func (o *Options) deviceCode() (azcore.TokenCredential, error) {
	cache, record, path := o.store()
	c, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant, ClientID: o.ClientID,
		Cache: cache, AuthenticationRecord: record, DisableAutomaticAuthentication: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			// The authority wrote the message. It must not control the terminal.
			o.Prompt(safetext.Printable(strings.Join(strings.Fields(m.Message), " ")))
			return nil
		},
	})
	return &interactive{silent: c, record: path, say: o.Prompt}, err
}

func (o *Options) browser() (azcore.TokenCredential, error) {
	cache, record, path := o.store()
	c, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: o.client(), DisableInstanceDiscovery: !o.Discovery, TenantID: o.Tenant, ClientID: o.ClientID,
		Cache: cache, AuthenticationRecord: record, DisableAutomaticAuthentication: true,
	})
	return &interactive{silent: c, record: path, say: o.Prompt,
		before: "sign in with the browser that opens now"}, err
}
