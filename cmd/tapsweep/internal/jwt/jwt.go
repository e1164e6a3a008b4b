// Package jwt reads the claims of an access token. It does not check signatures. Microsoft may change or encrypt the
// tokens at any time, so the claims are only for display and advice, and never for a decision about security.
// Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
package jwt

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// Claims are the claims about who is signed in, the audience, and what the token allows.
type Claims struct {
	Audience string `json:"aud"` // the root URL of Graph, or its application ID
	TenantID string `json:"tid"`
	ObjectID string `json:"oid"`   // the ID of the user, or of the service principal of the app
	Kind     string `json:"idtyp"` // app or user; an optional claim

	AppID           string `json:"appid"`
	AuthorizedParty string `json:"azp"` // in v2.0 tokens the AppID
	AppName         string `json:"app_displayname"`

	UPN               string `json:"upn"`
	PreferredUsername string `json:"preferred_username"` // in v2.0 tokens the UPN
	UniqueName        string `json:"unique_name"`

	Roles             []string `json:"roles"` // application permissions
	Scopes            string   `json:"scp"`   // delegated permissions, separated by spaces
	RoleTemplateIDs   []string `json:"wids"`  // Entra roles
	ManagedIdentityID string   `json:"xms_mirid"`

	Expires int64 `json:"exp"` // Unix seconds
}

// Parse reads the claims of an access token.
func Parse(token string) (Claims, error) {
	var c Claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("the access token cannot be read: it is not three parts with dots between")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return c, errors.New("the access token cannot be read: its claims are not base64")
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return Claims{}, errors.New("the access token cannot be read: its claims are not JSON of the known form")
	}
	return c, nil
}

// ClientID returns the ID of the app that requested the token.
func (c *Claims) ClientID() string { return cmp.Or(c.AppID, c.AuthorizedParty) }

// UserPrincipalName returns the name of the signed-in user, empty for an app.
func (c *Claims) UserPrincipalName() string {
	return cmp.Or(c.UPN, c.PreferredUsername, c.UniqueName)
}
