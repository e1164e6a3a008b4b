package graph

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// Claims are the parts of an access token that tell whose it is, what for, and
// what it may do. Microsoft may change or encrypt the tokens at any time, so they
// serve for display and for advice, never for a decision about security.
// Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
type Claims struct {
	Audience string `json:"aud"` // Graph's root, or its application id
	Tenant   string `json:"tid"`
	Object   string `json:"oid"` // of the user, or of the app's service principal
	Subject  string `json:"sub"`
	Kind     string `json:"idtyp"` // app or user; an optional claim

	AppID  string `json:"appid"` // in v2.0 tokens azp
	Party  string `json:"azp"`
	App    string `json:"app_displayname"`
	User   string `json:"upn"` // in v2.0 tokens preferred_username
	Name   string `json:"preferred_username"`
	Unique string `json:"unique_name"`

	Roles     []string `json:"roles"` // application permissions
	Scopes    string   `json:"scp"`   // delegated permissions, with spaces between
	Templates []string `json:"wids"`  // Entra roles, by template id
	Managed   string   `json:"xms_mirid"`

	Issued  int64 `json:"iat"` // Unix seconds
	Expires int64 `json:"exp"` // Unix seconds
}

// ParseClaims reads an access token without checking its signature.
func ParseClaims(token string) (Claims, error) {
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

// Client is the id of the application that the token was given to.
func (c *Claims) Client() string { return cmp.Or(c.AppID, c.Party) }

// Person is the user principal name of the signed-in user, empty for an app.
func (c *Claims) Person() string { return cmp.Or(c.User, c.Name, c.Unique) }
